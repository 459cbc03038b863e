"""An agent of a study, as its YAML file states it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.registry import AGENTS, TRAINED
from idn_gym.config_reader import ConfigError, closest, show


@dataclass(frozen=True)
class StudyEntry:
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


def check_entries(place: str, entries: Sequence[StudyEntry]) -> None:
    """All agents are there, and tables can tell them apart by their labels.

    Args:
        place: where the entries stand, for messages.
        entries: the agents.

    Raises:
        ConfigError: there is no such agent, two have the same label, or a training sets what the study does.
    """
    for entry in entries:
        if entry.train is not None:  # names a file of hyper-parameters
            _check_training(f"{place}.{entry.name}.train", entry.train)
        elif entry.agent not in AGENTS:
            raise ConfigError(place, f"{entry.agent!r} is not there; {closest(entry.agent, list(AGENTS))}")
        elif entry.agent in TRAINED and "path" not in entry.options:
            raise ConfigError(
                f"{place}.{entry.name}",
                "needs train, or options.path of a policy that reads flat observations",
            )
        if "trust" in entry.options:
            raise ConfigError(
                f"{place}.{entry.name}", "options.trust is not allowed; studies run no code of files"
            )
    if len({entry.name for entry in entries}) < len(entries):
        raise ConfigError(place, "two agents have the same label")


def _check_training(place: str, train: Mapping[str, Any]) -> None:
    if "seed" in train:
        raise ConfigError(f"{place}.seed", "is not allowed; trainings says how many seeds there are")
    if train.get("preference", "random") != "random":
        allowed = 'only "random", which each episode tells; without it, it is the study\'s'
        raise ConfigError(f"{place}.preference", f"{show(train['preference'])} is not allowed; {allowed}")
