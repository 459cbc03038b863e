"""Configurations that come with the package: scenarios, hyper-parameters of agents, studies, laboratories.

In a checkout their folder is at the top level, where people look for it; in an installed package it is
inside.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(str(files("idn_gym")))

CONFIGS = next(
    (folder for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if folder.is_dir()),
    _PACKAGE / "configs",
)
"""The folder; one folder in it per kind."""


def shipped_files(kind: str) -> dict[str, Path]:
    """Name to YAML file of what ships of a kind, such as ``scenarios`` or ``agents``."""
    return {path.stem: path for path in sorted((CONFIGS / kind).glob("*.yaml"))}
