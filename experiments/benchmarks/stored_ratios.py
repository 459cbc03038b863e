"""Ratios that were measured before, and what fell since then."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from experiments.benchmarks.measured import BenchNumber, MeasuredRow
from idn_gym.config_reader import ConfigError
from idn_gym.files import write_text

STORED = Path(__file__).with_name("ratios.json")

LARGEST_FALL = 0.2
"""share of a ratio by which it may fall"""


class Fall(NamedTuple):
    """A ratio that is worse than before."""

    name: str
    before: float
    now: float


def comparable_numbers(rows: Iterable[MeasuredRow]) -> dict[str, BenchNumber]:
    """Machine-independent ratios that were measured, by name."""
    return {
        f"{row.group}: {row.name}: {number.quantity}": number
        for row in rows
        for number in row.numbers
        if number.better and math.isfinite(number.value)
    }


def fallen(rows: Iterable[MeasuredRow], stored: Mapping[str, float]) -> list[Fall]:
    """Ratios that fell by more than `LARGEST_FALL`; for ratios that should be low, the inverse counts."""
    falls = []
    for name, number in comparable_numbers(rows).items():
        before = stored.get(name)
        if before is None or before <= 0.0:
            continue
        worth = number.value / before if number.better == "higher" else before / max(number.value, 1e-9)
        if worth < 1.0 - LARGEST_FALL:
            falls.append(Fall(name, before, number.value))
    return falls


def read_ratios(path: Path = STORED) -> dict[str, float]:
    """Ratios by name.

    Raises:
        ConfigError: there are none.
    """
    try:
        return {name: float(value) for name, value in json.loads(path.read_text("utf-8"))["ratios"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("check", f"{path.name} cannot be read ({error}); write it with --store") from None


def store_ratios(rows: Iterable[MeasuredRow], commit: str, path: Path = STORED) -> int:
    """Write ratios, beside those of rows that were not measured now; returns how many were measured."""
    measured = {name: float(f"{n.value:.4g}") for name, n in comparable_numbers(rows).items()}
    before = read_ratios(path) if path.exists() else {}
    plain = {"commit": commit, "ratios": dict(sorted({**before, **measured}.items()))}
    write_text(path, json.dumps(plain, indent=2) + "\n")
    return len(measured)
