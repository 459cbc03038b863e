"""Tables as text, laid out by rich: identical in pipes, in files and on terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_NOTHING = re.compile(r"[-+](0[^1-9]*)")

_QUANTITY = re.compile(r"[-+]?\.?\d.*|[-+]?inf\b.*|-?")
"""Pattern of right-aligned cells: a number with any suffix, or a dash."""

FOLDED = 40
"""[characters] Texts that are longer may be folded rather than stand in a part of the table of their own."""

_WIDEST = 1_000_000
"""Page width in columns that exceeds every table."""


def rounded(value: float, form: str) -> str:
    """Format a number; what rounds to 0 has no sign: -0.04 with "+.1f" gives "0.0"."""
    text = f"{value:{form}}"
    nothing = _NOTHING.fullmatch(text)
    return nothing[1] if nothing else text


def significant(value: float, digits: int = 3) -> str:
    """Format a number with this many significant digits; no exponent up to a million: 1558.3 gives "1560"."""
    return rounded(float(f"{value:.{digits}g}"), "g")


def make_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table for a console of rich; columns of quantities are right-aligned, all others left-aligned.

    Args:
        head: names of the columns; the first one holds names.
        rows: one sequence per row, with as many cells as the head.
    """
    body = [[str(cell) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(head):
        quantities = i > 0 and bool(body) and all(_QUANTITY.fullmatch(row[i]) for row in body)
        side: Literal["left", "right"] = "right" if quantities else "left"
        table.add_column(Text(name), justify=side, overflow="fold", no_wrap=i == 0)
    for row in body:
        table.add_row(*map(Text, row))
    return table


def aligned(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table, as wide as needed: the head, and one line per row."""
    console = Console(highlight=False, width=_WIDEST, force_terminal=False)
    with console.capture() as captured:
        console.print(make_table(head, rows))
    return [line.rstrip() for line in captured.get().splitlines()]


def column_groups(head: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> list[list[int]]:
    """Split columns so that each group fits a page of `width` characters.

    Every group begins with the first column, which holds names. Columns of long texts are folded instead.
    """
    needed = [
        min(FOLDED, max(cell_len(str(cell)) for cell in (name, *(row[i] for row in rows))))
        for i, name in enumerate(head)
    ]
    groups: list[list[int]] = [[0]]
    for i in range(1, len(head)):
        if len(groups[-1]) > 1 and sum(needed[k] + 2 for k in (*groups[-1], i)) - 2 > width:
            groups.append([0])
        groups[-1].append(i)
    return groups
