"""One meaning per public name: whoever knows the word needs not know the module."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SHARED = {"main"}
"""names that mean the same thing wherever they stand: the entry point of a command"""


def public_names(text):
    """Functions, classes and constants that a module defines at its top level for others."""
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_a_public_name_is_defined_in_one_module():
    where = defaultdict(set)
    for package in ("idn_gym", "agents", "experiments"):
        for path in (ROOT / package).rglob("*.py"):
            for name in public_names(path.read_text(encoding="utf-8")):
                where[name].add(str(path.relative_to(ROOT)))
    assert len(where) > 1000
    assert {name: files for name, files in where.items() if len(files) > 1 and name not in SHARED} == {}


def test_names_are_found_however_they_are_defined():
    text = "A = 1\nB: int = 2\n_C = 3\ndef d(): ...\nclass E: ...\n__all__ = []\n"
    assert list(public_names(text)) == ["A", "B", "d", "E"]
