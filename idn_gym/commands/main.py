"""The console command ``idn``: ``idn list presets``, ``idn show edge-small``, ``idn compare --help``."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence

from idn_gym.commands.endings import ending, fail
from idn_gym.messages import closest, show

SUBCOMMANDS = {
    "list": "presets, scenarios, contexts, models, devices, links, policies, codecs by name",
    "show": "a scenario: its network, its request classes, a picture",
    "keys": "every dotted key of a scenario: type, unit, value, meaning",
    "play": "one policy on held-out episodes",
    "compare": "policies on the same held-out episodes",
    "watch": "a film of a policy",
    "warm": "compile the kernels, once per installation",
}
"""Subcommands and their descriptions; module ``idn_gym.commands.NAME`` has the `main` of each."""

IN_A_CHECKOUT = "training, studies and tuning are commands of a checkout: python -m experiments lists them"
"""What the wheel does not contain, for messages."""


def main(words: Sequence[str] | None = None) -> None:
    """Run the subcommand that the first word names.

    Args:
        words: the command line without the program's name; None: that of the process.
    """
    with ending():
        _run(sys.argv[1:] if words is None else list(words))


def _run(words: list[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without a letter shows a question mark
            stream.reconfigure(errors="replace")
    if not words or words[0] in ("-h", "--help"):
        print(overview())
    elif words[0] == "--version":
        from idn_gym import __version__

        print(f"idn {__version__}")
    elif words[0] in SUBCOMMANDS:
        importlib.import_module(f"idn_gym.commands.{words[0]}").main(words[1:])
    else:
        known = closest(words[0], list(SUBCOMMANDS))
        fail(f"{show(words[0])} is not a command of idn; {known}; {IN_A_CHECKOUT}")


def overview() -> str:
    """The help of ``idn`` itself."""
    width = max(map(len, SUBCOMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in SUBCOMMANDS.items()]
    return "\n".join(
        [
            "usage: idn COMMAND [options] [key=value ...]",
            "       idn --version",
            "",
            "Inference delivery networks: scenarios, policies, comparisons.",
            "",
            *lines,
            "",
            f"idn COMMAND --help lists the options of one; {IN_A_CHECKOUT}.",
        ]
    )


if __name__ == "__main__":
    main()
