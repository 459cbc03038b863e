"""Identity of the code that played a run: a digest of everything that can change its numbers."""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("idn_gym", "agents")
"""Packages that play; the experiments around them only record and draw."""
DATA = (".yaml", ".json", ".npz")
APART = ROOT / "idn_gym" / "lab"
"""Trains networks for the catalogue and never plays."""


@functools.cache
def code_stamp() -> str:
    """Digest of the statements of all modules that play, and of the data that come with them.

    Comments, docstrings and layout do not count. Files are read at the first call: make it when a process
    starts, before any file is edited.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(path for part in PARTS for path in (ROOT / part).rglob("*")):
        if APART in path.parents:
            continue
        if path.suffix == ".py":
            found = ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode()
        elif path.suffix in DATA:
            found = path.read_bytes()
        else:
            continue
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(found)
    return digest.hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The module without statements that are nothing but a string."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return tree


def _is_text(line: ast.AST) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
