"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable


def si(value: float, unit: str) -> str:
    """Three digits with an SI prefix: 48.0e6, "B" gives "48 MB"."""
    if value <= 0.0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = min(4, max(-3, math.floor(math.log10(value * 1.0005) / 3)))
    prefix = {-3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}[power]
    return f"{value / 1000.0**power:.3g} {prefix}{unit}"


def percent(value: float) -> str:
    """A share: 0.123 gives "12.3 %"."""
    return f"{100 * value:.1f} %"


def whole_percent(value: float) -> str:
    """A share: 0.123 gives "12 %"."""
    return f"{100 * value:.0f} %"


def _unit(name: str) -> Callable[[float], str]:
    return lambda value: si(value, name)


FIGURES: tuple[tuple[str, str, Callable[[float], str], str | None], ...] = (
    ("accuracy", "accuracy", percent, None),
    ("latency", "latency", _unit("s"), "latency"),
    ("energy", "energy", _unit("J"), "energy"),
    ("traffic", "traffic", _unit("B·hop"), "traffic"),
    ("update", "update", percent, None),
    ("drops", "drop_rate", percent, None),
    ("late", "late_rate", percent, None),
    ("split", "split_rate", percent, None),
    ("early exit", "early_rate", percent, None),
)
"""Label, metric, how to write it, and which of the scenario's `Scales` fills its bar; None: 1."""
