"""Configurations that ship with the package: scenarios, agents' hyper-parameters, studies, laboratories.

In a checkout their folder is at the top level, where users expect it; in an installed package it is inside
the package.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(str(files("idn_gym")))

CONFIGS = next(
    (folder for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if folder.is_dir()),
    _PACKAGE / "configs",
)
"""The folder, with one subfolder per kind."""


def shipped_files(kind: str) -> dict[str, Path]:
    """Map each name to the YAML file that ships, for a kind such as ``scenarios`` or ``agents``."""
    return {path.stem: path for path in sorted((CONFIGS / kind).glob("*.yaml"))}
