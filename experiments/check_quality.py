"""Simulate estimators and alarms of hidden quality: ``python -m experiments.check_quality``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.lab.exit_choice import PASSING, play_exits
from experiments.lab.hidden_quality import TOLERATED, estimate_errors, watch_conditions
from experiments.lab.quality_checks import (
    FLOOR,
    LABELS_PER_SLOT,
    UNDISTURBED,
    bandit_regret,
    count_false_alarms,
    count_held,
    detection_delays,
)
from idn_gym.catalog.outcomes import Outcomes, read_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Floats
from idn_gym.evaluation.intervals import Interval, mean_interval, share_interval
from idn_gym.files import writable_folder
from idn_gym.quality.forgetting import Forgetting

QualityTable = tuple[str, list[str], list[list[str]]]
FORGETTING_RULES = {
    "nothing": Forgetting(),
    "half-life of 100": Forgetting(half_life=100.0),
    "window of 20 slots": Forgetting(window=20),
}
ACCURACIES = (0.5, 0.8, 0.95, 0.99)
SHIFTED = (0.85, 0.8, 0.7, 0.5)
LATEST_SLOT = 400
"""[slots] length of a bandit's run, and limit within which an alarm has to notice a shift"""

ALARMS = {"labels": 1, "fallen": 1, "moved": 10}
"""Statistic of the alarm, and the factor by which fewer streams are simulated."""

SOURCE_SAMPLES = (None, 1_000, 250, 50)
"""from which an alarm knows its source; None: it is known exactly"""

BEST_CHANGES = (0, 3, 15)
COURSES = {"clean": ("clean",), "clean, noise, clean": ("clean", "noise-0.2", "clean")}
"""Sequences of conditions under which thresholds are chosen."""

MILD = 0.8
"""Accuracy above which a condition counts as mild."""


def coverage_table(streams: int, slots: int) -> QualityTable:
    """Coverage of 95 % bands around the share of right answers, at one time and at all times."""
    lines = []
    for name, rule in FORGETTING_RULES.items():
        for accuracy in ACCURACIES:
            held = count_held(rule, accuracy, streams, slots)
            cells = [_percent(share_interval(count, streams)) for count in held]
            lines.append([name, f"{accuracy:g}", *cells])
    title = f"Bands of 95 %: streams [%] in which they hold, {slots} slots of {LABELS_PER_SLOT} labels"
    return title, ["forgotten", "accuracy", "in the last slot", "in every slot"], lines


def false_alarm_table(streams: int, slots: int) -> QualityTable:
    """False alarms at a level of 5 %, at the boundary of the hypothesis, by what is known of the source."""
    lines = []
    for by, fewer in ALARMS.items():
        count = max(streams // fewer, 1)
        for samples in SOURCE_SAMPLES:
            told = [True] if samples is None else [False, True]
            fired = [count_false_alarms(by, count, slots, samples, trusted=trusted) for trusted in told]
            cells = [_percent(share_interval(number, count)) for number in fired]
            known = "all" if samples is None else str(samples)
            lines.append([by, known, str(count), *(["-"] if samples is None else []), *cells])
    title = (
        f"Alarms of 5 % at the edge of their hypothesis: streams [%] that they ever fire on, {slots} slots"
    )
    return title, ["alarm", "source samples", "streams", "bounded", "taken as exact"], lines


def delay_rows(streams: int) -> QualityTable:
    """Number of labels that the alarm on labels needs after a shift."""
    lines = []
    for accuracy in SHIFTED:
        delays = detection_delays(accuracy, streams, LATEST_SLOT)
        kept = delays[~np.isnan(delays)]
        found = int(np.isfinite(kept).sum())
        middle, late = (_labels(np.quantile(kept, q, method="higher")) for q in (0.5, 0.9))
        share = _percent(share_interval(found, len(kept)))
        lines.append([f"{accuracy:g}", f"{100 * (0.9 - accuracy):.0f}", middle, late, share])
    length = f"{LATEST_SLOT} slots of {LABELS_PER_SLOT}"
    title = f"After {UNDISTURBED} slots at 0.90, floor {FLOOR:g}: labels until the alarm, at most {length}"
    return title, ["accuracy", "points lost", "median", "90 % quantile", "noticed [%]"], lines


def error_table(name: str, outcomes: Outcomes, splits: int) -> QualityTable:
    """Mean absolute errors of the estimates by condition."""
    errors, truth = estimate_errors(outcomes, splits)
    lines = []
    for k, condition in enumerate(outcomes.conditions):
        cells = [f"{100 * rows[:, :, k].mean():.1f}" for rows in errors.values()]
        lines.append([condition, f"{100 * truth[:, :, k].mean():.1f}", *cells])
    for label, chosen in (("all", truth >= 0.0), (f"accuracy above {MILD:g}", truth > MILD)):
        cells = [_over_splits(rows, chosen) for rows in errors.values()]
        lines.append([label, _over_splits(truth, chosen), *cells])
    title = f"{name}: mean absolute error in points, {len(outcomes.rows)} exits, {splits} splits"
    return title, ["condition", "accuracy [%]", *errors], lines


def alarm_table(name: str, outcomes: Outcomes, splits: int) -> QualityTable:
    """Share of streams in which each alarm fires, by condition and by what holds of the streams."""
    watched = watch_conditions(outcomes, splits)
    streams = {"points lost": watched.lost, "of confidence": watched.fallen, "harmed": watched.harmed}
    alarms: dict[str, Floats | Bools] = {
        "by labels": watched.labels,
        "if suspected": watched.decided,
        "labels bought": watched.bought,
        "moved": watched.moved,
        "fallen": watched.confidence,
    }
    chosen = {}
    for k, condition in enumerate(outcomes.conditions):
        chosen[condition] = np.zeros_like(watched.harmed)
        chosen[condition][:, :, k] = True
    kinds = {
        "all that are harmed": watched.harmed,
        "all others": ~watched.harmed,
        "confidence not fallen": watched.fallen <= TOLERATED,
    }
    lines = []
    for label, mask in (chosen | kinds).items():
        others = mask & ~watched.harmed
        told = [f"{100.0 * values[mask].mean():.1f}" for values in streams.values()]
        for fired in alarms.values():
            several = label in kinds
            told.append(_over_splits(fired, mask) if several else f"{100.0 * fired[mask].mean():.1f}")
        told.append(f"{(watched.confidence & others).sum()} of {others.sum()}")
        lines.append([label, str(mask.sum()), *told])
    title = f"{name}: streams [%] that are harmed, and in which alarms of 5 % fire, {splits} splits"
    return title, ["condition", "streams", *streams, *alarms, "falsely"], lines


def regret_table(streams: int) -> QualityTable:
    """EXP3 against the best of five thresholds."""
    lines = []
    for changes in BEST_CHANGES:
        found = bandit_regret(changes, streams, LATEST_SLOT)
        lines.append([str(changes), *(f"{curve[-1]:.1f}" for curve in (found.mean, found.most, found.bound))])
    title = f"Regret of thresholds chosen online after {LATEST_SLOT} slots, losses 0 or 1, {streams} streams"
    return title, ["changes", "mean", "largest", "bound of the mean"], lines


def choice_table(outcomes: Outcomes, network: str, streams: int, slots: int) -> QualityTable:
    """Thresholds chosen online on the answers of a network with exits."""
    columns = [play_exits(outcomes, network, conditions, streams, slots) for conditions in COURSES.values()]
    lines = [
        [name, *(f"{mean_interval(100.0 * column[name]):.2f}" for column in columns)] for name in columns[0]
    ]
    title = f"{network}: error + {PASSING:g} x passed on, in points, {slots} slots, {streams} streams"
    return title, ["threshold", *COURSES], lines


def _percent(interval: Interval) -> str:
    return f"{Interval(*(100.0 * value for value in interval)):.1f}"


def _labels(delay: float) -> str:
    return f"{delay:.0f}" if np.isfinite(delay) else "-"


def _over_splits(values: Floats | Bools, chosen: Bools) -> str:
    """Mean in per cent over the chosen entries; the interval is over random splits of the same samples."""
    by_split = [row[mask].mean() for row, mask in zip(values, chosen, strict=True) if mask.any()]
    return f"{mean_interval(100.0 * np.array(by_split)):.1f}" if by_split else "-"


@dataclass(kw_only=True)
class CheckQualityCommand:
    """Simulate estimators of accuracy, alarms and thresholds on streams with known truth.

    Prints the tables of docs/quality.md: coverage of bands, rates of false alarms and their delays,
    estimators and alarms on the networks that ship, and the regret of thresholds chosen online. Intervals
    have 95 % confidence.
    """

    streams: int = bounded(1_000, least=10, most=999_999)
    """number of streams that are simulated together"""
    slots: int = bounded(1_000, least=2, most=99_999)
    """length of a stream without shift"""
    splits: int = bounded(5, least=2, most=999)
    """random splits of a table's samples into source and target"""
    out: Path | None = None
    """folder for a picture of regret and bound (needs matplotlib)"""

    def tables(self) -> Iterator[QualityTable]:
        """Yield title, head and lines of each table."""
        yield coverage_table(self.streams, self.slots)
        yield false_alarm_table(self.streams, self.slots)
        yield delay_rows(self.streams)
        yield regret_table(self.streams)
        for data in ("digits", "fashion"):
            outcomes = read_outcomes(SHIPPED_TABLES / "lab" / f"{data}.npz")
            yield error_table(data, outcomes, self.splits)
            yield alarm_table(data, outcomes, self.splits)
            yield choice_table(outcomes, f"{data}_lab_exits", max(self.streams // 20, 2), self.slots)

    def run(self) -> None:
        """Simulate and print, table by table."""
        for title, head, lines in self.tables():
            print(f"\n{title}:\n", flush=True)
            print_rows(head, lines)
        if self.out is not None:
            from experiments.lab.regret_plot import plot_bandit_regret

            curves = {f"{n} changes": bandit_regret(n, self.streams, LATEST_SLOT) for n in BEST_CHANGES}
            plot_bandit_regret(writable_folder(self.out) / "regret.png", curves)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckQualityCommand, words, "python -m experiments.check_quality")


if __name__ == "__main__":
    main()
