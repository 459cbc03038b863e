"""A bar on stderr while a command works, where a terminal shows it; nothing in pipes and logs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

_T = TypeVar("_T")


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar that each call of what it gives moves on by one.

    Args:
        what: is going on.
        total: number of calls.
    """
    quiet = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def steps(what: str, items: Sequence[_T]) -> Iterator[_T]:
    """The items one by one, with a bar that says how many are done."""
    with bar(what, len(items)) as advance:
        for item in items:
            yield item
            advance()
