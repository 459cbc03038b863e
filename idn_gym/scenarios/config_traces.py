"""What a scenario says of a file from which something is played: link to the reader in `processes.traces`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_replay import Stretches


@dataclass(frozen=True)
class Trace:
    """A CSV file with a header that says how something moves; base of the processes of kind ``file``.

    Long form: columns `time`, ``which`` and ``value``, and maybe ``what``, by which one file holds several
    quantities. Wide form: a column `time` and one column per thing. A thing is a node or a tier. A slot gets
    the mean of the file over it.
    """

    path: str
    """CSV file with a header; in a scenario's file a relative path starts at its folder"""
    time: str = "time"
    """column of times: seconds, or dates in ISO 8601; slot 0 begins at the earliest"""
    series: str | None = None
    """name of the one series that all follow; null: each follows that of its own name, or else of its tier"""
    factor: float = bounded(1.0, above=0)
    """on the values of the file, such as 0.001 for EUR/MWh"""
    clock: Literal["absolute", "stretched"] = "absolute"
    """absolute: a second of the file is a second; stretched: the file fills the episode"""
    between: Literal["held", "interpolated"] = "held"
    """what holds between two rows of a series: the value of the earlier one, or a straight line"""
    repeat: bool = True
    """begin again at the end of the file, one mean gap after its last time; false: the last values stay"""
    random_start: bool = False
    """each episode begins at a time of its own in the file, in the stretch of its split"""
    apart: bool = False
    """with `random_start`: each thing begins at a time of its own"""
    stretches: Stretches | None = field(default_factory=Stretches)
    """with `random_start`: each split of seeds has a stretch of the file to itself, closed to a ring; null:
    all have the whole file"""
    by_name: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.random_start and not self.repeat:
            raise ConfigError("random_start", "true is not allowed; must be false, unless repeat is true")
        if self.apart and not self.random_start:
            raise ConfigError("apart", "true is not allowed; must be false, unless random_start is true")
