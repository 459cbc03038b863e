"""One line on a terminal while a large scenario is set up, since that looks like hanging; nothing in logs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TypeVar

SILENT = 2.0
"""[s] of setting up after which the line appears."""

REFRESH = 0.5
"""[s] between two looks at what is being done."""

_CLEAR = "\r\x1b[K"

_T = TypeVar("_T")


class ProgressLine:
    """The current activity and its start time, on one line of stderr that disappears at the end.

    A thread of its own writes it, so that it appears within one long step too.
    """

    def __init__(self, what: str) -> None:
        """Prepare the line.

        Args:
            what: is being set up.
        """
        self._what, self._doing = what, ""
        self._stream, self._began = sys.stderr, time.monotonic()
        self._over, self._thread = threading.Event(), threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> ProgressLine:
        if self._stream is not None and self._stream.isatty():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def tell(self, doing: str) -> None:
        """Say what is being done from now on."""
        self._doing = doing

    def steps(self, doing: str, items: Sequence[_T]) -> Iterator[_T]:
        """The items one by one; the line says how many are done."""
        for done, item in enumerate(items):
            self.tell(f"{doing} ({done:,} of {len(items):,})")
            yield item

    def _write(self) -> None:
        if self._over.wait(SILENT):
            return
        while True:
            spent = time.monotonic() - self._began
            text = f"idn_gym: setting up {self._what}: {self._doing}, {spent:.0f} s"
            print(f"{_CLEAR}{text}", end="", file=self._stream, flush=True)
            if self._over.wait(REFRESH):
                print(_CLEAR, end="", file=self._stream, flush=True)
                return
