"""List the commands: ``python -m experiments``."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from idn_gym.commands.endings import ending, fail
from idn_gym.commands.tables import print_rows
from idn_gym.messages import closest, show


def commands() -> dict[str, str]:
    """Map each command to the first sentence of its module, without importing any module."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            line = (ast.get_docstring(tree) or "").splitlines()[0]
            found[path.stem] = line.split(": ``")[0].rstrip(".")
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Print the commands and their descriptions; this module runs none of them."""
    found = commands()
    for word in sys.argv[1:] if words is None else words:
        if word in found:
            fail(f"{show(word)} is a command of its own; run python -m experiments.{word}")
        if word not in ("-h", "--help"):
            fail(f"{show(word)} is not allowed; {closest(word, list(found))}")
    with ending():
        print_rows(("command", "what it does"), found.items())
        print("\npython -m experiments.COMMAND --help lists the options of one.")


if __name__ == "__main__":
    main()
