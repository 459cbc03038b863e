"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from idn_gym.text_tables import rounded


def si(value: float, unit: str) -> str:
    """Three digits with an SI prefix: 48.0e6, "B" gives "48 MB"."""
    if value <= 0.0 or not math.isfinite(value):
        return f"{rounded(value, 'g')} {unit}"
    power = min(4, max(-3, math.floor(math.log10(value * 1.0005) / 3)))
    prefix = {-3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}[power]
    return f"{value / 1000.0**power:.3g} {prefix}{unit}"


def si_of(part: float, whole: float, unit: str) -> list[str]:
    """A part of a whole, from exact to short, with one prefix where both have the same one.

    10.6e6, 16e6, "B" gives "10.6 of 16 MB" and "11 of 16 MB"; 52e3, 1e9, "B" gives "52 kB of 1 GB".
    """
    (few, small), (many, large) = (si(value, unit).split(" ", 1) for value in (part, whole))
    small = "" if small == large or not part else f" {small}"
    return [f"{few}{small} of {many} {large}", f"{float(few):.0f}{small} of {float(many):.0f} {large}"]


def wait_words(seconds: float) -> str:
    """A wait in two digits, or nothing below a nanosecond: 0.0123 gives "12 ms"."""
    return si(float(f"{seconds:.2g}"), "s") if seconds >= 1e-9 else ""


def percent(value: float) -> str:
    """A share: 0.123 gives "12.3 %"."""
    return f"{rounded(100 * value, '.1f')} %"


def whole_percent(value: float) -> str:
    """A share: 0.123 gives "12 %"."""
    return f"{rounded(100 * value, '.0f')} %"


def _unit(name: str) -> Callable[[float], str]:
    return lambda value: si(value, name)


class ShownMetric(NamedTuple):
    """A metric of the last slot, as pictures show it."""

    label: str
    key: str
    shown: Callable[[float], str]
    scale: str | None = None
    """which of the scenario's `Scales` fills its bar; None: 1"""
    penalty: str | None = None
    """metric that drops add to it in the reward"""

    def text(self, metrics: Mapping[str, float]) -> str:
        """The number, and after a plus what drops add to it."""
        added = 0.0 if self.penalty is None else metrics[self.penalty]
        return self.shown(metrics[self.key]) + (f" + {self.shown(added)}" if added > 0.0 else "")


FIGURES = (
    ShownMetric("accuracy", "accuracy", percent),
    ShownMetric("latency", "latency", _unit("s"), "latency"),
    ShownMetric("wait", "wait", _unit("s"), "latency"),
    ShownMetric("energy", "energy", _unit("J"), "energy", "penalty_energy"),
    ShownMetric("traffic", "traffic", _unit("B·hop"), "traffic", "penalty_traffic"),
    ShownMetric("update", "update", percent),
    ShownMetric("drops", "drop_rate", percent),
    ShownMetric("late", "late_rate", percent),
    ShownMetric("split", "split_rate", percent),
    ShownMetric("early exit", "early_rate", percent),
    ShownMetric("busiest node", "node_load_max", percent),
    ShownMetric("busiest link", "link_load_max", percent),
)
"""Metrics of the last slot, in the order of the pictures."""
