"""Reads the fact files beside this module, and rounds what is computed from them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from idn_gym.catalog import Provenance
from idn_gym.config_reader import read_yaml

FACTS_FOLDER = Path(__file__).parent


@functools.cache
def facts(name: str) -> Any:
    """Contents of a fact file in this folder, to be read only."""
    path = FACTS_FOLDER / name
    return json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else read_yaml(path)


def provenance(entries: list[dict[str, str]]) -> tuple[Provenance, ...]:
    """Provenance entries of a fact file."""
    return tuple(Provenance(**entry) for entry in entries)


def digits(value: float, count: int = 6) -> float:
    """`value` to `count` significant digits, so that no conversion leaves a tail of noise digits."""
    return float(f"{value:.{count}g}")
