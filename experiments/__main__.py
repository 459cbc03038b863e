"""List the commands: ``python -m experiments``."""

from __future__ import annotations

import ast
from pathlib import Path

from idn_gym.commands.tables import print_rows


def commands() -> dict[str, str]:
    """Name of every command to the first sentence of its page, without importing any."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            line = (ast.get_docstring(tree) or "").splitlines()[0]
            found[path.stem] = line.split(": ``")[0].rstrip(".")
    return found


def main() -> None:
    """Print the commands and what each does."""
    print_rows(("command", "what it does"), commands().items())
    print("\npython -m experiments.COMMAND --help lists the options of one.")


if __name__ == "__main__":
    main()
