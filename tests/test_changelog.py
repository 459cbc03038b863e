"""The changelog's table of old names: every new one is there, and no old module is."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("### Old names and new ones")[1]

MODULES = re.findall(r"^\| `([\w.]+)` \| `([\w.]+?)(?:\.?\{([\w,]+)\})?` \|$", TABLE, re.MULTILINE)
NAMES = re.findall(r"^\| `([\w.]+)` \| (`\w+` -> .*) \|$", TABLE, re.MULTILINE)


def path_of(module):
    base = ROOT / module.replace(".", "/")
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@pytest.mark.parametrize(("old", "new", "parts"), MODULES, ids=[old for old, _, _ in MODULES])
def test_modules_are_where_the_table_says(old, new, parts):
    assert all(
        path_of(module).exists() for module in ([f"{new}.{p}" for p in parts.split(",")] if parts else [new])
    )
    moved_into_a_room = f"{new}.".startswith(f"{old}.")
    assert moved_into_a_room or not (ROOT / f"{old.replace('.', '/')}.py").exists()


@pytest.mark.parametrize(("module", "pairs"), NAMES, ids=[module for module, _ in NAMES])
def test_names_are_what_the_table_says(module, pairs):
    text = path_of(module).read_text(encoding="utf-8")
    defined = {
        name.id if isinstance(name, ast.Name) else name.name
        for name in ast.walk(ast.parse(text))
        if isinstance(name, (ast.FunctionDef, ast.ClassDef, ast.Name))
    }
    for old, new in re.findall(r"`(\w+)` -> `(\w+)`", pairs):
        assert old != new and new in defined


def test_the_table_is_read():
    assert len(MODULES) > 100 and len(NAMES) > 80
