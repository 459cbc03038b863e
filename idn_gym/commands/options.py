"""Options that several commands share, so that each means one thing; a command inherits those it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from idn_gym.config_reader import bounded, read_word


@dataclass(kw_only=True)
class SeedOption:
    """``--seeds N``."""

    seeds: int = bounded(30, least=1, most=9_999_999)
    """number of held-out episodes: seeds 0 to N - 1 of the test split, or of --split where there is one"""


@dataclass(kw_only=True)
class WorkerOption:
    """``--workers N``."""

    workers: int = bounded(1, least=1, most=9_999_999)
    """processes side by side"""


@dataclass(kw_only=True)
class EpisodeOptions(SeedOption):
    """Which episodes are played, and what their cost weighs."""

    split: Literal["train", "validation", "test"] = "test"
    """that the seeds are of; no seed of one gives an episode of another"""
    preference: str | None = None
    """what the cost weighs: a name, or weights such as "{latency: 1}" (default: balanced)"""

    def weighing(self) -> Any:
        """The preference as ``gym.make`` takes it."""
        return "balanced" if self.preference is None else read_word("--preference", self.preference)
