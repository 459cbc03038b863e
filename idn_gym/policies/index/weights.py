"""Weights of index policies in JSON files, by name of feature."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats
from idn_gym.files import write_text
from idn_gym.policies.index.features import INDEX_FEATURES


def write_weights(path: str | Path, weights: Floats, found: Mapping[str, Any]) -> None:
    """Write weights (23,), and how they were found."""
    named = dict(zip(INDEX_FEATURES, weights.tolist(), strict=True))
    write_text(path, json.dumps({"weights": named, "found": dict(found)}, indent=1) + "\n")


def read_index_weights(path: str | Path) -> Floats:
    """Weights (23,) in the order of `INDEX_FEATURES`.

    Raises:
        ConfigError: there is no such file, or it holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError("path", f"{str(path)!r} is not a file of weights ({error})") from None
    named = content.get("weights") if isinstance(content, dict) else None
    if not isinstance(named, dict):
        raise ConfigError("path", f"{str(path)!r} has no weights by name of feature")
    for name in named:
        if name not in INDEX_FEATURES:
            raise ConfigError(
                "path", f"{str(path)!r}: {show(name)} is unknown; {closest(name, INDEX_FEATURES)}"
            )
    for name in INDEX_FEATURES:
        value = named.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError("path", f"{str(path)!r}: {name!r} is {show(value)}; must be a number")
    return np.array([float(named[name]) for name in INDEX_FEATURES])
