"""Tables for people, on a terminal and in pipes; the same as comma-separated values for programs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console

from idn_gym.text_tables import aligned, make_table


def print_rows(head: Sequence[str], rows: Iterable[Sequence[object]], as_csv: bool = False) -> None:
    """Print rows under a head.

    On a terminal a table fits its width. In a pipe it is as wide as it needs to be, and each row is a line.

    Args:
        head: names of the columns.
        rows: one sequence of as many cells each.
        as_csv: comma-separated values instead.
    """
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
        return
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(make_table(head, rows))
    else:
        print(*aligned(head, rows), sep="\n", flush=True)
