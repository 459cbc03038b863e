"""Replay of a request log; `processes.request_log` reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Alias:
    """Name in the scenario of a value of a column."""

    value: str
    """value in the file"""
    name: str
    """name of the task or ingress node"""


@dataclass(frozen=True)
class ByName:
    """Values are names of tasks or ingress nodes; rows with other values are left out."""

    aliases: tuple[Alias, ...] = ()
    """aliases for values with other names in the scenario"""
    kind: Literal["name"] = "name"


@dataclass(frozen=True)
class ByRank:
    """The most frequent value is the first task or ingress node, the next one the second, and so on."""

    other: bool = False
    """whether the last name stands for all remaining values; otherwise their rows are left out"""
    kind: Literal["rank"] = "rank"


@dataclass(frozen=True)
class ByHash:
    """Each value maps to one task or ingress node, by a hash that is the same on every machine."""

    kind: Literal["hash"] = "hash"


@dataclass(frozen=True)
class LogColumn:
    """A column that gives the task of a request, or its ingress node."""

    column: str
    """name of the column; rows without a value are left out"""
    values: ByName | ByRank | ByHash = field(default_factory=ByName)


@dataclass(frozen=True)
class Only:
    """Filter for the rows that count."""

    column: str
    """name of the column"""
    value: str
    """required value"""


@dataclass(frozen=True)
class Stretches:
    """Disjoint stretches of a file, in time order, for the three splits of seeds."""

    validation: float = bounded(0.6, above=0, below=1)
    """share of the file's time at which training ends and validation begins"""
    test: float = bounded(0.8, above=0, below=1)
    """share of it at which validation ends and test begins"""

    def __post_init__(self) -> None:
        if self.test <= self.validation:
            raise ConfigError(
                "test", f"{self.test:g} is not allowed; must be above validation, {self.validation:g}"
            )

    def of(self, split: str) -> tuple[float, float]:
        """Start and end of a split's stretch, as shares of the file's time."""
        edges = {"train": (0.0, self.validation), "validation": (self.validation, self.test)}
        return edges.get(split, (self.test, 1.0))


@dataclass(frozen=True)
class Replay:
    """Demand follows a log of timestamped requests (CSV with a header).

    Each split of seeds has its own stretch of the log, which is closed to a ring, and each episode starts at
    its own position on the ring. A row is a request for the task and at the ingress node that its columns
    name. Without a column for nodes, rows are assigned to nodes by their weights; without one for tasks, by
    the quantiles of `size`, whose widths are the tasks' shares in that slot, so that `popularity` still
    applies. The demand factors multiply the counts of the log.
    """

    path: str
    """CSV file with a header, or a .gz, .zip or .tar.gz that contains one; in a scenario's file a relative
    path starts at its folder"""
    member: str | None = None
    """file within an archive; null: the only one"""
    time: str = "TIMESTAMP"
    """column of arrival times: numbers, or dates in ISO 8601"""
    size: str | None = None
    """column of request sizes; null: rows are assigned to tasks at random"""
    task: LogColumn | None = None
    """column for the task of a request"""
    node: LogColumn | None = None
    """column for its ingress node: a node, a cell or a user"""
    only: tuple[Only, ...] = ()
    """conditions that a row must satisfy to count"""
    clock: Literal["stretched", "absolute"] = "stretched"
    """stretched: a stretch fills the episode; absolute: one second of the log is one second"""
    rate: Literal["scaled", "kept"] = "scaled"
    """scaled: counts are multiplied so that their mean is the workload's rate; kept: a row is one request"""
    stretches: Stretches | None = field(default_factory=Stretches)
    """stretches of the splits of seeds; null: every split uses the whole log"""

    def __post_init__(self) -> None:
        if self.size is not None and self.task is not None:
            raise ConfigError("size", f"{self.size!r} is not allowed; must be null where task names a column")
