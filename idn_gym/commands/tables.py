"""Tables for people, on a terminal and in pipes; the same as comma-separated values for programs."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NUMBER = re.compile(r"[-+]?[\d.,]+%?( \S+)?|-|inf( \S+)?")
"""What is aligned at its end: a number, with a unit or without."""


def print_rows(head: Sequence[str], rows: Iterable[Sequence[object]], as_csv: bool = False) -> None:
    """Print rows under a head.

    On a terminal a table fits its width. In a pipe it is as wide as it needs to be, and each row is a line.

    Args:
        head: names of the columns.
        rows: one sequence of as many cells each.
        as_csv: comma-separated values instead.
    """
    body = [[str(cell) for cell in row] for row in rows]
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(body)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(head):
        numbers = bool(body) and all(_NUMBER.fullmatch(row[i]) for row in body)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
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
