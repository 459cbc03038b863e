"""How every command ends: by one line where something is wrong, and the same way on Ctrl-C and SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from gymnasium.error import DependencyNotInstalled

from idn_gym.messages import LONGEST_MESSAGE, ConfigError, shorten, show

GO_ON = "the same command goes on with what is missing"


class Parser(argparse.ArgumentParser):
    """Reads a command line; what is wrong with it ends in one line of bounded length, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the options are listed."""
        self.exit(
            2,
            f"error: {' '.join(shorten(message, LONGEST_MESSAGE).split())}; "
            f"{self.prog} --help lists the options\n",
        )


def read_count(text: str) -> int:
    """Read a number of things, as `type` of an option, which the message then names."""
    if not text.isascii() or not text.isdigit() or len(text) > 7 or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"{show(text)} is not allowed; must be a whole number from 1 to 9999999"
        )
    return int(text)


class Terminated(KeyboardInterrupt):
    """SIGTERM: whatever cleans up after Ctrl-C cleans up after it too."""


@contextmanager
def command(stopped: str = "the same command starts over", advice: str = "") -> Iterator[None]:
    """Run the work of a command.

    Args:
        stopped: what to say when it is stopped: how to go on.
        advice: a line to add to what is wrong with the input.

    Raises:
        SystemExit: with one line on stderr where the input is wrong, a file cannot be read or written, or a
            worker died; with 130 on Ctrl-C and 143 on SIGTERM, as shells report these.
    """
    previous = _listen()
    try:
        yield
    except ConfigError as error:
        sys.exit(f"error: {error}" + (f"\n{advice}" if advice else ""))
    except DependencyNotInstalled as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {_said(error)}")
    except BrokenProcessPool:
        sys.exit(f"error: a worker was killed, perhaps for want of memory; {GO_ON}")
    except KeyboardInterrupt as error:
        print(f"\nstopped; {stopped}", file=sys.stderr)
        number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
        sys.exit(128 + number)
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _listen() -> signal.Handlers | None:
    """Take SIGTERM for Ctrl-C; only the main thread may. Returns what was there before."""
    if threading.current_thread() is not threading.main_thread():
        return None
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _stop)
    return before  # type: ignore[return-value]


def _stop(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _said(error: OSError) -> str:
    """File and reason on one line."""
    named = f"{error.filename}: " if error.filename else ""
    return " ".join(shorten(f"{named}{error.strerror or error}", LONGEST_MESSAGE).split())
