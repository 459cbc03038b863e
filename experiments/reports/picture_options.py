"""Options that commands which draw one episode share, so that each means one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idn_gym.config_reader import bounded


@dataclass(kw_only=True)
class PictureOptions:
    """``--split``, ``--seed`` and ``--columns``."""

    split: Literal["train", "validation", "test"] = "test"
    """that the seed is of"""
    seed: int = bounded(0, least=0)
    """of the episode"""
    columns: Literal["one", "two"] = "two"
    """of a printed page that the picture is as wide as"""
