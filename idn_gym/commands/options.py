"""Options that several commands share, so that each means one thing; a command inherits those it needs."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.strict import number


@dataclass(kw_only=True)
class SeedOption:
    """``--seeds N``."""

    seeds: int = number(30, least=1, most=9_999_999)
    """number of held-out episodes: seeds 0 to N - 1 of the test split, unless --split names another"""


@dataclass(kw_only=True)
class WorkerOption:
    """``--workers N``."""

    workers: int = number(1, least=1, most=9_999_999)
    """processes side by side"""
