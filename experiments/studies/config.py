"""Configuration of a study, from its YAML file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from experiments.studies.entry import StudyEntry, check_entries
from experiments.studies.front_config import FrontPart
from experiments.studies.metric_names import EPISODE_METRICS, METRIC, MOVING_METRICS, SUMMED_METRICS
from experiments.studies.transfer_config import TransferPart
from idn_gym.config_reader import ConfigError, bounded, closest, show
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.random_streams import SPLITS

AGENT_PREFIX = "agent."
"""Prefix of grid keys that set an option of the agents instead of a field of the scenario."""

BASELINE = "cloud-only"
"""Agent that plays in every cell even if no part names it: gains are savings over its cost."""


def scenarios_beside(plain: Any, folder: Path) -> Any:
    """Return the content of a study's file with the paths of scenarios that are beside the file."""
    if not isinstance(plain, Mapping):
        return plain
    found = dict(plain)
    for kind in ("parts", "fronts"):
        if isinstance(plain.get(kind), list):
            found[kind] = [_beside(part, folder) for part in plain[kind]]
    return found


def _beside(part: Any, folder: Path) -> Any:
    name = part.get("scenario") if isinstance(part, Mapping) else None
    if isinstance(name, str) and (folder / name).is_file():
        return {**part, "scenario": str(folder / name)}
    return part


def of_scenario(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a grid cell that change the scenario rather than the agents."""
    return {key: value for key, value in cell.items() if not key.startswith(AGENT_PREFIX)}


@dataclass(frozen=True)
class StudyPart:
    """Agents on one scenario, or on a grid of its variants."""

    name: str
    scenario: str
    agents: tuple[StudyEntry, ...]
    overrides: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """values of dotted keys of the scenario, or of agent options (``agent.refresh``); all combinations"""
    axes: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """further dimensions of the grid that change several keys at once: by name, named points, each with the
    dotted keys of the scenario that it sets, such as ``{size: {small: {topology.memory_scale: 0.5,
    topology.rate_scale: 0.5}, usual: {}}}``"""
    seeds: int = bounded(10, least=1)
    trainings: int = bounded(1, least=1)
    """number of training seeds of trained agents; each training plays all seeds"""
    bracket: float = bounded(0.0, least=0.0)
    """CPU seconds for a bracket of the best sequence of placements of every episode; 0: no bracket. Agents
    with overrides are measured against the bracket of the cell's scenario, as are their gains"""
    needs: str | None = None
    """a file; if it is missing, the part is left out"""

    def __post_init__(self) -> None:
        check_entries("agents", self.agents)
        self._check_axes()
        for i, entry in enumerate(self.agents):
            if (
                entry.train is not None
                and not entry.fixed
                and any(key.startswith(AGENT_PREFIX) for key in self.grid)
            ):
                raise ConfigError(
                    f"agents.{i}.fixed",
                    f"false is not allowed; {show(entry.name)} is trained, and the grid has agent options",
                )

    def _check_axes(self) -> None:
        taken = dict.fromkeys(self.grid, "grid")
        for axis, points in self.axes.items():
            where = f"axes.{axis}"
            if axis.startswith(AGENT_PREFIX) or axis in self.grid or not points:
                wrong = "is empty" if not points else "is not allowed; the grid's keys and agent.* are taken"
                raise ConfigError(where, wrong)
            for key in dict.fromkeys(key for point in points.values() for key in point):
                if key.startswith(AGENT_PREFIX) or key in taken:
                    wrong = (
                        f"{taken[key]} sets it" if key in taken else "only keys of the scenario are allowed"
                    )
                    raise ConfigError(where, f"{show(key)} is not allowed; {wrong}")
                taken[key] = where

    def names_baseline(self) -> bool:
        """Whether an agent is the baseline under another label, so that tables show it under this one."""
        return any(
            entry.agent == BASELINE and entry.name != BASELINE and not (entry.options or entry.overrides)
            for entry in self.agents
        )

    def labels(self) -> list[str]:
        """Labels of the agents."""
        return [entry.name for entry in self.agents]

    def cells(self) -> Iterator[dict[str, Any]]:
        """The combinations of the grid, as key to value, and of the axes, as name to name of the point."""
        dimensions = {**self.grid, **{axis: tuple(points) for axis, points in self.axes.items()}}
        for values in itertools.product(*dimensions.values()):
            yield dict(zip(dimensions, values, strict=True))

    def changes(self, cell: Mapping[str, Any]) -> dict[str, Any]:
        """Changes of a cell to the scenario, as dotted key to value."""
        found = {key: value for key, value in of_scenario(cell).items() if key not in self.axes}
        for axis, points in self.axes.items():
            found |= points[cell[axis]]
        return found

    def world(self, entry: StudyEntry, cell: Mapping[str, Any], smoke: Mapping[str, Any]) -> Scenario:
        """The scenario of a cell for one of the agents."""
        return load_scenario(
            self.scenario, {**self.overrides, **self.changes(cell), **entry.overrides, **smoke}
        )


@dataclass(frozen=True)
class Figure:
    """One picture of the report."""

    name: str
    kind: Literal["course", "sweep", "frontier", "dots", "tiers", "day"]
    """course: y over slots; sweep: y over a grid key; frontier: x against y along the grid; dots: y by agent;
    tiers: resident segments by tier; day: the first episode slot by slot, with its cost, its demand and the
    placement of the busiest node"""
    part: str
    y: tuple[METRIC, ...] = ("ntag",)
    x: str | None = None
    """grid key or axis of a sweep, or metric of a frontier"""
    agents: tuple[str, ...] = ()
    """labels of the agents; empty: all"""
    title: str = ""
    columns: Literal["one", "two"] = "two"
    """of a printed page that it is as wide as"""
    outside: tuple[str, ...] = ()
    """of a sweep: labels of agents that its axes do not wait for; where their points are beyond an axis, an
    arrow and a number say how far"""
    versus: str | None = None
    """of a course, sweep or dots: label of the agent whose values are subtracted, seed by seed"""
    window: int | None = bounded(None, least=1)
    """of a course: slots of a sliding mean, which shows how values move in time; null: the mean over all
    slots so far"""

    def check(self, part: StudyPart, key: str) -> None:
        """Check that everything that the figure names exists.

        Args:
            part: part that the figure shows.
            key: key of the figure, for messages.

        Raises:
            ConfigError: the part has no such agent or grid key, there is no such metric, or the metric exists
                only for whole episodes, or only with a bracket.
        """
        named: list[tuple[str, str | None, Sequence[str]]] = []
        named += [(f"agents.{i}", label, [*part.labels(), BASELINE]) for i, label in enumerate(self.agents)]
        named += [
            (f"outside.{i}", label, self.agents or part.labels()) for i, label in enumerate(self.outside)
        ]
        if self.versus is not None:
            named.append(("versus", self.versus, [*part.labels(), BASELINE]))
        if self.kind == "sweep":
            named.append(("x", self.x, [*part.grid, *part.axes]))
        if self.kind == "frontier":
            named.append(("x", self.x, get_args(METRIC)))
        for field_, name, allowed in named:
            if name not in allowed:
                raise ConfigError(f"{key}.{field_}", f"{show(name)} is not allowed; {closest(name, allowed)}")
        if self.versus is not None and self.kind not in ("course", "sweep", "dots"):
            raise ConfigError(f"{key}.versus", f"{show(self.versus)} is not allowed in a {self.kind}")
        if self.outside and self.kind != "sweep":
            wrong = f"{show(list(self.outside))} is not allowed in a {self.kind}; only a sweep has it"
            raise ConfigError(f"{key}.outside", wrong)
        if self.window is not None and self.kind != "course":
            wrong = f"{self.window} is not allowed in {self.kind}; must be null"
            raise ConfigError(f"{key}.window", wrong)
        self._check_metrics(part, key)

    def _check_metrics(self, part: StudyPart, key: str) -> None:
        drawn: list[tuple[str, str]] = [(f"y.{i}", name) for i, name in enumerate(self.y)]
        drawn += [] if self.x is None else [("x", self.x)]
        for field_, name in drawn if self.kind in ("course", "sweep", "frontier", "dots") else ():
            if self.kind == "course" and name in EPISODE_METRICS:
                allowed = [other for other in get_args(METRIC) if other not in EPISODE_METRICS]
                wrong = f"{name!r} is not allowed in a course; it has one value per episode"
                raise ConfigError(f"{key}.{field_}", f"{wrong}; {closest('', allowed)}")
            if self.window is not None and name in SUMMED_METRICS:
                wrong = f"{self.window} is not allowed; must be null where {name!r} is drawn, which adds up"
                raise ConfigError(f"{key}.window", wrong)
            if name in MOVING_METRICS and not part.bracket:
                raise ConfigError(f"{key}.{field_}", f"{name!r} needs parts.{part.name}.bracket")


@dataclass(frozen=True)
class Smoke:
    """Changes that reduce a study to a smoke test of minutes: one episode of a few slots of everything."""

    seeds: int = bounded(1, least=1)
    overrides: dict[str, Any] = field(default_factory=lambda: {"horizon": 6})
    """changes to all scenarios"""
    train: dict[str, Any] = field(default_factory=dict)
    bracket: float = bounded(2.0, least=0.0)
    """maximum CPU seconds for the bracket of an episode"""


@dataclass(frozen=True)
class Study:
    """Content of a file for ``python -m experiments.study``."""

    name: str
    title: str
    about: str
    """a paragraph for the head of the report: meaning and limits of the numbers"""
    parts: tuple[StudyPart, ...] = ()
    fronts: tuple[FrontPart, ...] = ()
    transfers: tuple[TransferPart, ...] = ()
    figures: tuple[Figure, ...] = ()
    split: str = "test"
    preference: Any = "balanced"
    reference: str = "best-static"
    """label of the agent with which others are compared, where a part has it"""
    corrected: bool = False
    """whether intervals of distances to the reference hold for all agents of a part together (Bonferroni)"""
    names: dict[str, str] = field(default_factory=dict)
    """what axes and titles call keys and axes of grids, with the unit, such as
    ``{workload.rate: "requests per s"}``"""
    smoke: Smoke = field(default_factory=Smoke)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ConfigError("split", f"{self.split!r} is not allowed; {closest(self.split, SPLITS)}")
        names = self.part_names()
        if len(set(names)) < len(names) or not names:
            wrong = "two of parts, fronts and transfers share a name, or all three are empty"
            raise ConfigError("parts", wrong)
        labels = list(dict.fromkeys(label for part in self.parts for label in (*part.labels(), BASELINE)))
        if self.parts and self.reference not in labels:
            raise ConfigError(
                "reference", f"{self.reference!r} is in no part; {closest(self.reference, labels)}"
            )
        keys = [key for part in self.parts for key in (*part.grid, *part.axes)]
        for key in self.names:
            if key not in keys:
                raise ConfigError("names", f"{show(key)} is no key of a grid; {closest(key, keys)}")
        names = [part.name for part in self.parts]
        for i, figure in enumerate(self.figures):
            key = f"figures.{i}"
            if figure.part not in names:
                allowed = closest(figure.part, names)
                raise ConfigError(f"{key}.part", f"{show(figure.part)} is not a part; {allowed}")
            figure.check(self.parts[names.index(figure.part)], key)

    def agents(self) -> dict[str, str]:
        """The agents of parts and fronts by label, in the order in which figures give them styles."""
        named = {label for figure in self.figures for label in (*figure.agents, figure.versus)}
        found = {BASELINE: BASELINE} if BASELINE in named else {}
        groups = [part.agents for part in self.parts] + [front.agents for front in self.fronts]
        for entry in itertools.chain(*groups):
            found.setdefault(entry.name, entry.agent)
        return found

    def part_names(self) -> list[str]:
        """Names of parts, fronts and measurements of transfer."""
        names = [part.name for part in self.parts] + [front.name for front in self.fronts]
        return names + [transfer.name for transfer in self.transfers]
