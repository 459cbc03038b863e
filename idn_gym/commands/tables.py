"""Tables for readers, on a terminal and in pipes, and as comma-separated values for programs."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.console import Console

from idn_gym.rendering.labels import percent, si
from idn_gym.text_tables import aligned, column_groups, make_table


class Quantity(NamedTuple):
    """A number with its unit: printed with an SI prefix or in per cent, written unchanged in CSV."""

    value: float
    """nan: no value"""
    unit: str
    """SI unit, or ``share``"""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        if self.unit == "share" and 0.0 < self.value < 5e-4:
            return "< 0.1 %"
        return percent(self.value) if self.unit == "share" else si(self.value, self.unit)


def print_rows(head: Sequence[str], rows: Iterable[Sequence[object]], as_csv: bool = False) -> None:
    """Print rows below a head.

    On a terminal a table that is too wide is printed in parts, each with the first column. In a pipe it is as
    wide as needed, and each row is one line.

    Args:
        head: names of the columns.
        rows: one sequence per row, with as many cells as the head.
        as_csv: print comma-separated values instead; units are in the head.
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
        for part, columns in enumerate(column_groups(head, rows, console.width)):
            if part:
                console.print()
            console.print(make_table([head[i] for i in columns], [[row[i] for i in columns] for row in rows]))
    else:
        print(*aligned(head, rows), sep="\n", flush=True)


def _plain(cell: object) -> object:
    """A cell for programs; an unknown value is left empty."""
    if isinstance(cell, Quantity):
        return "" if math.isnan(cell.value) else float(cell.value)
    return cell
