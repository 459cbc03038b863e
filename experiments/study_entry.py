"""An agent of a study, as its YAML file states it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.registry import AGENTS
from idn_gym.strict import ConfigError, closest


@dataclass(frozen=True)
class Entry:
    """An agent in a study."""

    agent: str
    """name of the registry"""
    label: str | None = None
    """what tables and figures call it; null: its name"""
    options: dict[str, Any] = field(default_factory=dict)
    fixed: bool = False
    """whether the grid's agent options are not for it, so that it plays once per scenario"""
    overrides: dict[str, Any] = field(default_factory=dict)
    """of the scenario, for this agent alone; what moves (workload, links) must stay the same for all"""
    train: dict[str, Any] | None = None
    """fields of a training run (steps and the like), for agents that are trained before they play"""

    def __post_init__(self) -> None:
        if self.train is not None and self.options:
            raise ConfigError(
                "agents", f"{self.name}: options are not allowed beside train; set train's agent.* instead"
            )

    @property
    def name(self) -> str:
        """The label."""
        return self.label or self.agent


def check_entries(place: str, entries: Sequence[Entry]) -> None:
    """All agents are there, and tables can tell them apart by their labels.

    Raises:
        ConfigError: there is no such agent, or two have the same label.
    """
    for entry in entries:
        # Those that are trained name a file of hyper-parameters instead.
        if entry.train is None and entry.agent not in AGENTS:
            raise ConfigError(place, f"{entry.agent!r} is not there; {closest(entry.agent, list(AGENTS))}")
    if len({entry.name for entry in entries}) < len(entries):
        raise ConfigError(place, "two agents have the same label")
