"""Exit codes of all commands: 0 done, 1 failure, 2 bad input, 130 on Ctrl-C, 143 on SIGTERM (as in shells).

Every error is one line on stderr, without a traceback, and so is every warning.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from gymnasium.error import DependencyNotInstalled

from idn_gym.messages import LONGEST_MESSAGE, ConfigError, shorten

FAILURE = 1
BAD_INPUT = 2

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

START_OVER = "the same command starts again from the beginning"
GO_ON = "the same command continues with the missing parts"


class Ended(SystemExit):
    """The end of a command: its text is the line on stderr, its `code` the exit status."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def fail(text: str, code: int = BAD_INPUT) -> NoReturn:
    """End the process with ``error: text`` on stderr.

    Raises:
        Ended: always.
    """
    line = f"error: {text}"
    print(line, file=sys.stderr)
    raise Ended(line, code)


@contextmanager
def ending(stopped: str | Callable[[], str] = START_OVER, advice: str = "") -> Iterator[None]:
    """Run the work of a command and end the process with the exit code for its outcome.

    Args:
        stopped: printed when the user stops the command: how to continue; a function is asked at that time.
        advice: added to the message about bad input.

    Raises:
        Ended: the input is wrong, an extra is not installed, a file cannot be read or written, a worker died,
            or a signal arrived; see the top of this module for the codes.
    """
    heard: list[int] = []
    previous, showing = _listen(heard), warnings.showwarning
    warnings.showwarning = WarningLines()
    try:
        yield
        sys.stdout.flush()
    except ConfigError as error:
        fail(f"{error}" + (f"; {advice}" if advice else ""))
    except DependencyNotInstalled as error:
        fail(str(error), FAILURE)
    except BrokenPipeError:
        _end_quietly()
    except OSError as error:
        fail(_said(error), FAILURE)
    except BrokenProcessPool:
        fail(f"a worker process was killed, perhaps because memory ran out; {GO_ON}", FAILURE)
    except KeyboardInterrupt:
        line = f"stopped; {stopped() if callable(stopped) else stopped}"
        print(f"\n{line}", file=sys.stderr)
        # The exception does not tell: Ray, which waits in C, puts one of its own in the place of ours.
        number = signal.SIGTERM if heard else signal.SIGINT
        raise Ended(line, 128 + number) from None
    finally:
        warnings.showwarning = showing
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


class WarningLines:
    """Prints each warning once, as one line on stderr, without the place in the code that it is from."""

    def __init__(self, said: Iterable[str] = (), folder: Path | None = None) -> None:
        """Leave out what has been said.

        Args:
            said: by the process that started this one.
            folder: where processes that work side by side note what one of them has said.
        """
        self.said, self.folder = set(said), folder

    def __call__(self, message: Warning | str, *place: object, **more: object) -> None:
        text = " ".join(_COLOUR.sub("", str(message)).split()).removeprefix("WARN: ")
        if text not in self.said and self._note(text):
            print(f"warning: {shorten(text, LONGEST_MESSAGE)}", file=sys.stderr)
        self.said.add(text)

    def _note(self, text: str) -> bool:
        """Whether no other process has said it before."""
        if self.folder is None:
            return True
        try:
            with (self.folder / hashlib.sha256(text.encode()).hexdigest()).open(
                "x", encoding="utf-8"
            ) as file:
                file.write(text)
        except FileExistsError:
            return False
        return True


@contextmanager
def shared_warnings() -> Iterator[tuple[frozenset[str], Path]]:
    """What this process has said, and a folder for processes that it starts; it then knows what they said."""
    shown = warnings.showwarning
    said = shown.said if isinstance(shown, WarningLines) else set[str]()
    with tempfile.TemporaryDirectory(prefix="idn-warnings-") as name:
        yield frozenset(said), Path(name)
        said.update(file.read_text(encoding="utf-8") for file in Path(name).iterdir())


def _listen(heard: list[int]) -> signal.Handlers | None:
    """Handle SIGTERM like Ctrl-C, so that the same clean-up runs, which only the main thread can do.

    Returns the previous handler.

    Args:
        heard: gets the number of each signal that arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        return None

    def stop(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, stop)
    return before  # type: ignore[return-value]


def _end_quietly() -> NoReturn:
    """End without output: the reader of the pipe, such as `head`, has closed it, and a flush would fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise Ended("", 128 + signal.SIGPIPE)


def _said(error: OSError) -> str:
    """File and reason of an operating-system error, on one line."""
    named = f"{error.filename}: " if error.filename else ""
    return " ".join(shorten(f"{named}{error.strerror or error}", LONGEST_MESSAGE).split())
