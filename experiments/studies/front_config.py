"""Configuration of a comparison of Pareto fronts in a study, from its YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.studies.entry import StudyEntry, check_entries
from idn_gym.config_reader import ConfigError, bounded, closest, show
from idn_gym.objective_records import OBJECTIVES
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario


@dataclass(frozen=True)
class Query:
    """A constrained problem: the best point in one objective where others satisfy bounds."""

    best: str
    """objective to maximise"""
    least: dict[str, float]
    """minimum mean reward per slot; for costs, minus the maximum cost"""

    def __post_init__(self) -> None:
        for key, name in (("best", self.best), *(("least", name) for name in self.least)):
            if name not in OBJECTIVES:
                raise ConfigError(key, f"{show(name)} is not an objective; {closest(name, OBJECTIVES)}")


@dataclass(frozen=True)
class FrontPart:
    """Agents that sweep the same preferences on one scenario."""

    name: str
    scenario: str
    agents: tuple[StudyEntry, ...]
    overrides: dict[str, Any] = field(default_factory=dict)
    divisions: int = bounded(3, least=1)
    """divisions of `idn_gym.preferences.preference_lattice`"""
    episodes: int = bounded(20, least=1)
    trainings: int = bounded(3, least=1)
    """number of training seeds of trained agents"""
    foresight: str | None = None
    """label of the agent that knows the episodes: its front is the reference of IGD+ and utility loss"""
    planned: str | None = None
    """label of a rule that plans for each preference; its front is the reference for collapsed policies"""
    compared: str | None = None
    """label of the agent whose hypervolume is compared with every other's"""
    online: tuple[str, ...] = ()
    """labels of agents that use the past only, without a simulator for planning"""
    drawn: tuple[str, ...] = ()
    """labels in the pictures of points; empty: all"""
    queries: tuple[Query, ...] = ()
    envelope: float = bounded(0.0, least=0.0)
    """CPU seconds per preference and episode for an outer envelope of all fronts; 0: none"""

    def __post_init__(self) -> None:
        check_entries("agents", self.agents)
        preference_lattice(self.divisions)
        labels = [entry.name for entry in self.agents]
        named = [("foresight", self.foresight), ("planned", self.planned), ("compared", self.compared)]
        for key, group in (("online", self.online), ("drawn", self.drawn)):
            named += [(f"{key}.{i}", label) for i, label in enumerate(group)]
        for key, label in named:
            if label is not None and label not in labels:
                raise ConfigError(key, f"{show(label)} is not among the agents; {closest(label, labels)}")

    def world(self, entry: StudyEntry | None, smoke: Mapping[str, Any]) -> Scenario:
        """The scenario for one of the agents; None: without the agent's changes."""
        own = {} if entry is None else entry.overrides
        scenario = load_scenario(self.scenario, {**self.overrides, **own, **smoke})
        if scenario.objectives != OBJECTIVES:
            raise ConfigError(
                f"fronts.{self.name}.overrides.objectives",
                f"{show(scenario.objectives)} is not allowed; must be {', '.join(OBJECTIVES)}",
            )
        return scenario
