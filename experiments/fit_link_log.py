"""Fit the link processes to logs of throughput: ``python -m experiments.fit_link_log``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, show
from idn_gym.core.arrays import Floats
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.processes.courses import course_means
from idn_gym.scenarios.processes.trace_files import read_courses


class LinkFit(NamedTuple):
    """Parameters of `idn_gym.scenarios.config.Ar1` and `LinkOutages` fitted to logs."""

    slots: int
    """full slots of all logs"""
    mean: float
    """rate over all slots, in units of the logs"""
    sigma: float
    """standard deviation of the log-rate around the mean of its own log, without outages; nan if every slot
    is an outage"""
    memory: float
    """autocorrelation of the log-rate from slot to slot; nan without two adjacent slots that are not
    outages"""
    down: float
    """share of slots that are outages"""
    mean_up: float
    """[slots] from one outage to the next; inf without any"""
    mean_down: float
    """[slots] length of an outage, counted until its log ends; nan without any"""


def read_slots(path: str, time: str, series: str, seconds: float) -> Floats:
    """Return the mean of a column of a log over each full slot (T,).

    Raises:
        ConfigError: the file cannot be read as a `Trace`, or is shorter than a slot.
    """
    trace = Trace(path, time=time, series=series)
    courses, there = read_courses(trace, "dynamics.link", frozenset({series}), least=0.0)
    if series not in courses:
        raise ConfigError("series", f"no column {show(series)} in {show(path)}; it has {', '.join(there)}")
    slots = int(courses[series].time[-1] // seconds)
    if not slots:
        raise ConfigError("slot-seconds", f"{seconds:g} is not allowed; {show(path)} is shorter than that")
    return course_means(courses[series], np.arange(slots + 1, dtype=np.float64) * seconds, repeat=False)


def fit_links(logs: Sequence[Floats], outage: float) -> LinkFit:
    """Fit by moments, each log around its own mean, so that differences in coverage do not count.

    Args:
        logs: rates (T,) of each log, slot by slot.
        outage: a slot is an outage if the rate is below this share of its log's mean.
    """
    squares = products = 0.0
    steady = pairs = falls = spells = down_slots = risky = 0
    for rates in logs:
        down = rates <= outage * rates.mean()
        deviation = np.zeros(len(rates))
        if not down.all():
            deviation[~down] = np.log(rates[~down]) - np.log(rates[~down]).mean()
        both = ~down[1:] & ~down[:-1]
        steady, pairs = steady + int((~down).sum()), pairs + int(both.sum())
        squares += float(deviation @ deviation)
        products += float((deviation[1:] * deviation[:-1])[both].sum())
        falls += int((down[1:] & ~down[:-1]).sum())
        risky += int((~down[:-1]).sum())
        spells += int(down[0]) + int((down[1:] & ~down[:-1]).sum())
        down_slots += int(down.sum())
    every = np.concatenate(logs)
    variance = squares / steady if steady else math.nan
    return LinkFit(
        slots=len(every),
        mean=float(every.mean()),
        sigma=math.sqrt(variance),
        memory=products / pairs / variance if pairs and variance else math.nan,
        down=down_slots / len(every),
        mean_up=risky / falls if falls else math.inf,
        mean_down=down_slots / spells if spells else math.nan,
    )


@dataclass(kw_only=True)
class FitLinkLogCommand:
    """Fit an autoregression and outages to logs of throughput, for `dynamics.link` and `link_outages`.

    Example: 5g/*.csv --slot-seconds 60
    """

    logs: Positional[tuple[str, ...]]
    """CSV files with a header"""
    time: str = "Timestamp"
    """column of times"""
    series: str = "DL_bitrate"
    """column of rates"""
    slot_seconds: tuple[float, ...] = (10.0, 60.0)
    """[s] lengths of slots for the fit"""
    outage: float = bounded(0.05, above=0, below=1)
    """share of a log's mean rate below which a slot is an outage"""

    def run(self) -> None:
        """Print one line per length of a slot, and per log where there are several."""
        if not self.logs:
            raise ConfigError("logs", "() is not allowed; at least one file is needed")
        rows = []
        for seconds in self.slot_seconds:
            if not 0.0 < seconds < math.inf:
                raise ConfigError("slot-seconds", f"{seconds:g} is not allowed; must be above 0 and finite")
            rates = [read_slots(path, self.time, self.series, seconds) for path in self.logs]
            rows.append(_cells(seconds, "all", fit_links(rates, self.outage)))
            if len(rates) > 1:
                rows += [
                    _cells(seconds, str(k), fit_links([log], self.outage)) for k, log in enumerate(rates, 1)
                ]
        head = ("slot [s]", "log", "slots", "mean", "sigma", "memory", "down", "mean_up", "mean_down")
        print_rows(head, rows)


def _cells(seconds: float, log: str, fit: LinkFit) -> tuple[str, ...]:
    numbers = (fit.sigma, fit.memory, fit.down, fit.mean_up, fit.mean_down)
    return (f"{seconds:g}", log, str(fit.slots), f"{fit.mean:.5g}", *(f"{number:.3g}" for number in numbers))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(FitLinkLogCommand, words, "python -m experiments.fit_link_log")


if __name__ == "__main__":
    main()
