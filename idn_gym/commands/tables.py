"""Tables for people, on a terminal and in pipes; the same as comma-separated values for programs."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.console import Console

from idn_gym.rendering.labels import percent, si
from idn_gym.text_tables import aligned, make_table


class Quantity(NamedTuple):
    """A number with its unit: people see it with an SI prefix, or in per cent, programs as it is."""

    value: float
    """nan: there is none"""
    unit: str
    """SI, or ``share``"""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        # Nought without a sign, even where it is a little below.
        return percent(round(self.value, 3) + 0.0) if self.unit == "share" else si(self.value, self.unit)


def print_rows(head: Sequence[str], rows: Iterable[Sequence[object]], as_csv: bool = False) -> None:
    """Print rows under a head.

    On a terminal a table fits its width. In a pipe it is as wide as it needs to be, and each row is a line.

    Args:
        head: names of the columns.
        rows: one sequence of as many cells each.
        as_csv: comma-separated values instead; units are in the head.
    """
    rows = [list(row) for row in rows]
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        units = rows[0] if rows else []
        writer.writerow(
            [
                f"{name} [{cell.unit}]" if isinstance(cell, Quantity) else name
                for name, cell in zip_longest(head, units)
            ]
        )
        writer.writerows([map(_plain, row) for row in rows])
        return
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(make_table(head, rows))
    else:
        print(*aligned(head, rows), sep="\n", flush=True)


def _plain(cell: object) -> object:
    """A cell for programs; what is not known is left empty."""
    if isinstance(cell, Quantity):
        return "" if math.isnan(cell.value) else float(cell.value)
    return cell
