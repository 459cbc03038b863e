"""Options shared by several commands, so that each has one meaning; a command inherits those it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from idn_gym.config_reader import bounded, read_word


@dataclass(kw_only=True)
class SeedOption:
    """``--seeds N``."""

    seeds: int = bounded(30, least=1, most=9_999_999)
    """number of held-out episodes: seeds 0 to N - 1 of the test split, or of --split where it exists"""


@dataclass(kw_only=True)
class WorkerOption:
    """``--workers N``."""

    workers: int = bounded(1, least=1, most=9_999_999)
    """number of processes that run side by side"""


@dataclass(kw_only=True)
class EpisodeOptions(SeedOption):
    """Which episodes are played, and how their cost is weighed."""

    split: Literal["train", "validation", "test"] = "test"
    """split of the seeds; splits share no episodes"""
    preference: str | None = None
    """weights of the cost: a name, or weights such as "{latency: 1}" (default: balanced)"""

    def weighing(self) -> Any:
        """Return the preference as ``gym.make`` takes it."""
        return "balanced" if self.preference is None else read_word("--preference", self.preference)
