"""Progress bars on stderr, shown on a terminal only, not in pipes or logs."""

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
    """Show a bar; each call of the returned function advances it by one.

    Args:
        what: label of the bar.
        total: number of calls.
    """
    quiet = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def steps(what: str, items: Sequence[_T]) -> Iterator[_T]:
    """Yield the items one by one, with a bar that counts them."""
    with bar(what, len(items)) as advance:
        for item in items:
            yield item
            advance()
