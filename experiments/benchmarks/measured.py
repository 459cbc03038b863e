"""Results of the benchmark: numbers with their targets, for readers, programs and comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from idn_gym.text_tables import aligned

LIMITS = "limits"
"""Table of numbers with an upper limit."""

MEASURED = "measured"
"""Name of the number in tables whose rows say what it is."""

NOT_DONE = math.nan
"""Value of what did not end in time."""


class BenchNumber(NamedTuple):
    """One number of a row."""

    quantity: str
    value: float
    better: Literal["", "higher", "lower"] = ""
    """which way it should move; empty: it depends on the machine and is compared with nothing"""
    target: float | None = None
    """at least, where higher is better, and at most, where lower is"""

    @property
    def reached(self) -> bool | None:
        """Whether it reaches its target; None: it has none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


class MeasuredRow(NamedTuple):
    """The numbers of one row of a table."""

    group: str
    """the table"""
    name: str
    numbers: Sequence[BenchNumber]

    @property
    def verdict(self) -> str:
        """Whether all targets are reached; empty without targets."""
        reached = [number.reached for number in self.numbers if number.target is not None]
        return ("reached" if all(reached) else "missed") if reached else ""


def tables_as_text(rows: Sequence[MeasuredRow]) -> str:
    """One table per group, in the order in which they come."""
    texts = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        names = list(dict.fromkeys(number.quantity for row in members for number in row.numbers))
        judged = ["verdict"] if any(row.verdict for row in members) else []
        body = [[row.name, *_cells(row, names), *([row.verdict] if judged else [])] for row in members]
        texts.append("\n".join(aligned([group, *names, *judged], body)))
    return "\n\n".join(texts)


def _cells(row: MeasuredRow, names: Iterable[str]) -> list[str]:
    numbers = {number.quantity: number for number in row.numbers}
    return [_cell(numbers[name]) if name in numbers else "" for name in names]


def _cell(number: BenchNumber) -> str:
    value = "not done" if math.isnan(number.value) else short_number(number.value)
    if number.target is None:
        return value
    return f"{value} ({'>=' if number.better == 'higher' else '<='} {number.target:g})"


def short_number(value: float) -> str:
    """Three digits, which is more than such measurements support."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def plain_numbers(rows: Iterable[MeasuredRow]) -> list[dict[str, object]]:
    """One record per number, for CSV and JSON."""
    return [
        {
            "group": row.group,
            "row": row.name,
            "quantity": number.quantity,
            "value": number.value,
            "better": number.better,
            "target": number.target,
            "reached": number.reached,
        }
        for row in rows
        for number in row.numbers
    ]
