"""Tables for people, on a terminal and in pipes; the same as comma-separated values for programs."""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from idn_gym.rendering.labels import percent, si

_NUMBER = re.compile(r"[-+]?[\d.,]+%?( \S+)?|-|inf( \S+)?")
"""What is aligned at its end: a number, with a unit or without."""


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
    body = [[str(cell) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(head):
        numbers = bool(body) and all(_NUMBER.fullmatch(row[i]) for row in body)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold", no_wrap=not i)
    for row in body:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(highlight=False, width=1_000_000)
    with wide.capture() as captured:
        wide.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _plain(cell: object) -> object:
    """A cell for programs; what is not known is left empty."""
    if isinstance(cell, Quantity):
        return "" if math.isnan(cell.value) else float(cell.value)
    return cell
