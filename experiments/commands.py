"""Command lines with argparse; how commands end is said in `idn_gym.commands.endings`."""

from __future__ import annotations

import argparse
from typing import NoReturn

from idn_gym.commands.endings import GO_ON
from idn_gym.commands.endings import ending as command
from idn_gym.messages import LONGEST, cut, show

__all__ = ["GO_ON", "Parser", "command", "count"]


class Parser(argparse.ArgumentParser):
    """Reads a command line; what is wrong with it ends in one line of bounded length, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the options are listed."""
        self.exit(
            2, f"error: {' '.join(cut(message, LONGEST).split())}; {self.prog} --help lists the options\n"
        )


def count(text: str) -> int:
    """Read a number of things, as `type` of an option, which the message then names."""
    if not text.isascii() or not text.isdigit() or len(text) > 7 or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"{show(text)} is not allowed; must be a whole number from 1 to 9999999"
        )
    return int(text)
