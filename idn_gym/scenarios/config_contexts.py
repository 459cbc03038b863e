"""Contexts: distributions of scenarios, whose axes have disjoint parts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from idn_gym.config_reader import ConfigError, bounded, show, to_plain, twice
from idn_gym.scenarios.processes.random_streams import SPLITS

MOVED_PARTS = ("workload", "dynamics")
"""Parts of a scenario that the workload axis may change."""


@dataclass(frozen=True)
class PartRanges:
    """A range for each part; the ranges must not overlap.

    Bounds that are whole numbers give whole numbers, both bounds included; other bounds give numbers from the
    lower bound up to, but without, the upper bound.
    """

    train: tuple[Any, ...]
    """lower and upper bound"""
    validation: tuple[Any, ...]
    """lower and upper bound"""
    test: tuple[Any, ...]
    """lower and upper bound"""

    def __post_init__(self) -> None:
        for part in SPLITS:
            _check_range(part, getattr(self, part))
        ranges = sorted((getattr(self, part), part) for part in SPLITS)
        for (low, part), (high, other) in pairwise(ranges):
            meet = low[1] >= high[0] if _whole(low) or _whole(high) else low[1] > high[0]
            if meet:
                raise ConfigError(other, f"{show(list(high))} is not allowed; it overlaps that of {part}")


@dataclass(frozen=True)
class MovedRange(PartRanges):
    """A number of the scenario that is drawn from a range."""

    key: str = ""
    """dotted key of the scenario, below workload or dynamics, such as workload.zipf"""
    kind: Literal["range"] = "range"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moved_key(self.key)


@dataclass(frozen=True)
class MovedChoice:
    """A value of the scenario that is drawn from a list for each part; the lists must be disjoint."""

    key: str
    """dotted key of the scenario, below workload or dynamics, such as workload.popularity"""
    train: tuple[Any, ...]
    """equally likely values; a mapping defines a process"""
    validation: tuple[Any, ...]
    """as `train`"""
    test: tuple[Any, ...]
    """as `train`"""
    kind: Literal["choice"] = "choice"

    def __post_init__(self) -> None:
        _check_moved_key(self.key)
        _check_lists({part: getattr(self, part) for part in SPLITS})


@dataclass(frozen=True)
class GraphParts:
    """Real networks by their name in TopoHub; no name may be in two parts."""

    train: tuple[str, ...] = ()
    """names, used in turn by seed; empty: all networks of the part are trees"""
    validation: tuple[str, ...] = ()
    """as `train`"""
    test: tuple[str, ...] = ()
    """as `train`"""

    def __post_init__(self) -> None:
        _check_lists({part: getattr(self, part) for part in SPLITS}, empty=True)


@dataclass(frozen=True)
class RandomTrees:
    """Random trees: places are added one by one, each linked to a random place that may have more children.

    The shape of a tree determines its part, so no shape is in two parts.
    """

    fan_out: int = bounded(4, least=1)
    """maximum number of children of a place"""
    least_km: float = bounded(5.0, above=0)
    """[km] lower bound on the lengths of links"""
    most_km: float = bounded(300.0, above=0)
    """[km] upper bound; the logarithm is uniform"""
    train: float = bounded(1.0, least=0, most=1)
    """share of the networks of this part that are trees; the others are real ones"""
    validation: float = bounded(1.0, least=0, most=1)
    """as `train`"""
    test: float = bounded(1.0, least=0, most=1)
    """as `train`"""

    def __post_init__(self) -> None:
        if self.least_km > self.most_km:
            raise ConfigError("most_km", f"{self.most_km:g} is not allowed; must be at least least_km")


@dataclass(frozen=True)
class ModelPool:
    """Models that solve a task; each episode uses some of its part's models."""

    task: str
    """name of a task of the scenario"""
    train: tuple[str, ...]
    """names in the catalogue"""
    validation: tuple[str, ...]
    """as `train`"""
    test: tuple[str, ...]
    """as `train`"""
    least: int = bounded(1, least=1)
    """minimum number of the task's models; all models of the part if it has fewer"""
    most: int = bounded(3, least=1)
    """maximum number of the task's models"""

    def __post_init__(self) -> None:
        _check_lists({part: getattr(self, part) for part in SPLITS})
        if self.least > self.most:
            raise ConfigError("most", f"{self.most} is not allowed; must be at least `least`, {self.least}")


@dataclass(frozen=True)
class DevicePool:
    """Devices of a tier; each episode uses one of its part's devices on all nodes of the tier."""

    tier: Literal["repository", "core", "access"]
    """tier of the scenario's topology"""
    train: tuple[str, ...]
    """names in the catalogue"""
    validation: tuple[str, ...]
    """as `train`"""
    test: tuple[str, ...]
    """as `train`"""

    def __post_init__(self) -> None:
        _check_lists({part: getattr(self, part) for part in SPLITS})


@dataclass(frozen=True)
class Context:
    """A distribution of scenarios over three axes: topology, catalogue and workload.

    Each axis has three disjoint parts, named like the splits of seeds.
    """

    name: str
    """name in tables and in names of scenarios"""
    scenario: Any
    """part that no axis changes: a preset's name, or a scenario with `preset` and changes, over a graph of
    TopoHub; all networks have its tiers"""
    nodes: tuple[int, ...] = (10, 100)
    """smallest and largest number of nodes; trees draw it, real networks outside the range are refused"""
    trees: RandomTrees | None = None
    """topology axis"""
    graphs: GraphParts = field(default_factory=GraphParts)
    """topology axis"""
    models: tuple[ModelPool, ...] = ()
    """catalogue axis"""
    devices: tuple[DevicePool, ...] = ()
    """catalogue axis"""
    rate: PartRanges | None = None
    """[requests/s] per ingress node, workload axis; null: the scenario's total, independent of the number of
    ingress nodes"""
    workload: tuple[MovedRange | MovedChoice, ...] = ()
    """workload axis"""

    def __post_init__(self) -> None:
        if len(self.nodes) != 2 or not 3 <= self.nodes[0] <= self.nodes[1]:
            allowed = "must be the least and the largest number, of at least 3"
            raise ConfigError("nodes", f"{show(list(self.nodes))} is not allowed; {allowed}")
        for part in SPLITS:
            share = 0.0 if self.trees is None else getattr(self.trees, part)
            if share < 1.0 and not getattr(self.graphs, part):
                wanted = "name graphs, or have all networks of the part be trees"
                raise ConfigError(f"graphs.{part}", f"() is not allowed; {wanted}")
        for key, names in (
            ("models", [pool.task for pool in self.models]),
            ("devices", [pool.tier for pool in self.devices]),
            ("workload", [moved.key for moved in self.workload]),
        ):
            again = twice(names)
            if again is not None:
                raise ConfigError(key, f"{show(again)} is given twice; names must differ")


def _check_range(part: str, bounds: Sequence[Any]) -> None:
    numbers = all(isinstance(b, (int, float)) and not isinstance(b, bool) for b in bounds)
    if len(bounds) != 2 or not numbers or not (bounds[0] < bounds[1] or _whole(bounds)):
        wanted = "must be two numbers, the lower one first"
        raise ConfigError(part, f"{show(list(bounds))} is not allowed; {wanted}")
    if bounds[0] > bounds[1]:
        raise ConfigError(part, f"{show(list(bounds))} is not allowed; the lower number comes first")


def _whole(bounds: Iterable[Any]) -> bool:
    return all(isinstance(b, int) for b in bounds)


def _check_moved_key(key: str) -> None:
    head, _, rest = key.partition(".")
    if head not in MOVED_PARTS or not rest:
        allowed = f"must be a dotted key below {' or '.join(MOVED_PARTS)}"
        raise ConfigError("key", f"{show(key)} is not allowed; {allowed}")
    if key == "workload.rate":
        raise ConfigError("key", f"{show(key)} is not allowed; `rate` moves it, per ingress node")


def _check_lists(lists: Mapping[str, Sequence[Any]], empty: bool = False) -> None:
    """Refuse a list that is empty (unless `empty`) or has a duplicate, and lists with a common member."""
    seen: dict[str, str] = {}
    for part, members in lists.items():
        if not members and not empty:
            raise ConfigError(part, "() is not allowed; must have at least one member")
        for member in members:
            word = json.dumps(to_plain(member), sort_keys=True, default=str)
            if word in seen:
                problem = f"{show(member)} is not allowed; it is already in {seen[word]}"
                raise ConfigError(part, problem)
            seen[word] = part
