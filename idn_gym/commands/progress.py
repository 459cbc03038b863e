"""Says on stderr how far a job is: with a bar on a terminal, and elsewhere in lines, at most one a minute."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from multiprocessing import parent_process
from time import monotonic
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SECONDS_SILENT = 10.0
"""[s] before the first line, so that short jobs print none."""

SECONDS_BETWEEN = 60.0
"""[s] between lines at least; the last one comes at the end."""

_T = TypeVar("_T")


class ProgressBar:
    """A bar, or lines such as ``3 of 8 trainings, 1.1 min``; on a terminal the bar disappears at the end.

    A job that is over within `SECONDS_SILENT` prints no line. Lines are printed when something is done, never
    in between. Nothing is shown in worker processes or where the environment variable TQDM_DISABLE is set.

    Attributes:
        total: of what is to be done.
        done: so far.
    """

    def __init__(self, what: str, total: int, done: int = 0, always: bool = False) -> None:
        """Begin.

        Args:
            what: is counted, in the plural.
            total: number of them.
            done: number of those that were done before.
            always: print the first line at once, and ignore TQDM_DISABLE, with which studies silence all
                bars but their own.
        """
        self.total, self.done = total, done
        self._what, self._figures, self._began = what, "", monotonic()
        self._due, self._said = self._began + SECONDS_SILENT, False
        disabled = os.environ.get("TQDM_DISABLE", "") not in ("", "0") and not always
        self._silent = disabled or parent_process() is not None or sys.stderr is None
        self._screen: Progress | None = None
        if not self._silent and sys.stderr.isatty():
            self._screen = _screen()
            self._task = self._screen.add_task(what, total=total, completed=done)
            self._screen.start()
        elif not self._silent and always:
            self._say(f"{done:,} of {total:,} {what}")

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def advance(self, count: int = 1, **figures: float) -> None:
        """Count what has been done.

        Args:
            count: number of them.
            figures: as in `show`.
        """
        self.done += count
        if figures:
            self.show(**figures)
        if self._screen is not None:
            self._screen.update(self._task, completed=self.done)
        elif not self._silent and count and self._is_due():
            minutes = (monotonic() - self._began) / 60
            self._say(f"{self.done:,} of {self.total:,} {self._what}, {minutes:.1f} min{self._figures}")

    def show(self, **figures: float) -> None:
        """Show figures by name from now on, with four decimals."""
        self._figures = "".join(f", {name} {value:.4f}" for name, value in figures.items())
        if self._screen is not None:
            self._screen.update(self._task, description=f"{self._what}{self._figures}")

    def close(self) -> None:
        """Take the bar down, also where the job failed: messages begin on a line of their own."""
        if self._screen is not None:
            self._screen.stop()

    def _is_due(self) -> bool:
        return monotonic() >= self._due or (self._said and self.done >= self.total)

    def _say(self, line: str) -> None:
        self._said, self._due = True, monotonic() + SECONDS_BETWEEN
        print(line, file=sys.stderr, flush=True)


def steps(what: str, items: Sequence[_T]) -> Iterator[_T]:
    """Yield the items one by one, and say how many are done.

    Args:
        what: the items are, in the plural.
        items: to do something with.
    """
    with ProgressBar(what, len(items)) as bar:
        for item in items:
            yield item
            bar.advance()


def _screen() -> Progress:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    terminal = sys.stdout is not None and sys.stdout.isatty()  # what goes to a file must not come to stderr
    return Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=terminal)
