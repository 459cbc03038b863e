"""What a scenario says of a log of requests that is replayed; `processes.request_log` reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Alias:
    """What a value of a column is called in the scenario."""

    value: str
    """as the file has it"""
    name: str
    """of the task or ingress node"""


@dataclass(frozen=True)
class ByName:
    """Values are the names of tasks or ingress nodes; rows with others are left out."""

    aliases: tuple[Alias, ...] = ()
    """for values that the scenario calls otherwise"""
    kind: Literal["name"] = "name"


@dataclass(frozen=True)
class ByRank:
    """The most frequent value is the first task or ingress node, the next one the second, and so on."""

    other: bool = False
    """whether the last one stands for all values that are left; else their rows are left out"""
    kind: Literal["rank"] = "rank"


@dataclass(frozen=True)
class ByHash:
    """Each value belongs to one task or ingress node, by a hash that is the same on every machine."""

    kind: Literal["hash"] = "hash"


@dataclass(frozen=True)
class LogColumn:
    """A column that says which task a request is for, or at which node it enters."""

    column: str
    """its name; rows without a value are left out"""
    values: ByName | ByRank | ByHash = field(default_factory=ByName)


@dataclass(frozen=True)
class Only:
    """Rows that count."""

    column: str
    """a column"""
    value: str
    """what it must hold"""


@dataclass(frozen=True)
class Stretches:
    """Disjoint stretches of a file, from its beginning to its end, for the three splits of seeds."""

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
        """Where the stretch of a split begins and ends, as shares of the file's time."""
        edges = {"train": (0.0, self.validation), "validation": (self.validation, self.test)}
        return edges.get(split, (self.test, 1.0))


@dataclass(frozen=True)
class Replay:
    """Demand follows a log of timestamped requests (CSV with a header).

    Each split of seeds has a stretch of the log to itself, which is closed to a ring, and each episode starts
    at its own place on it. A row is a request for the task and at the ingress node that its columns name;
    without a column for nodes it is dealt by their weights, without one for tasks by the quantiles of `size`,
    whose widths are the tasks' shares in that slot, so that `popularity` still has its say. The factors of
    demand multiply what the log gives.
    """

    path: str
    """CSV file with a header, or a .gz, .zip or .tar.gz that holds one; in a scenario's file a relative path
    starts at its folder"""
    member: str | None = None
    """file within an archive; null: the only one"""
    time: str = "TIMESTAMP"
    """column of arrival times: numbers, or dates in ISO 8601"""
    size: str | None = None
    """column of request sizes; null: rows are dealt to tasks at random"""
    task: LogColumn | None = None
    """which task a request is for"""
    node: LogColumn | None = None
    """where it enters: a node, a cell or a user"""
    only: tuple[Only, ...] = ()
    """conditions that all hold of the rows that count"""
    clock: Literal["stretched", "absolute"] = "stretched"
    """stretched: a stretch fills the episode; absolute: a second of the log is a second"""
    rate: Literal["scaled", "kept"] = "scaled"
    """scaled: counts are multiplied so that their mean is the workload's rate; kept: a row is one request"""
    stretches: Stretches | None = field(default_factory=Stretches)
    """the stretch that each split of seeds has to itself; null: all have the whole log"""

    def __post_init__(self) -> None:
        if self.size is not None and self.task is not None:
            raise ConfigError("size", f"{self.size!r} is not allowed; must be null where task names a column")
