"""Files from which values are played; `processes.traces` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_replay import Stretches


@dataclass(frozen=True)
class Trace:
    """A CSV file with a header that gives the course of a quantity; base of the processes of kind ``file``.

    Long form: columns `time`, ``which`` and ``value``, and optionally ``what``, so that one file can hold
    several quantities. Wide form: a column `time` and one column per series. A series belongs to a node or a
    tier. A slot gets the mean of the file over it.
    """

    path: str
    """CSV file with a header; in a scenario's file a relative path starts at its folder"""
    time: str = "time"
    """column of times: seconds, or dates in ISO 8601; slot 0 starts at the earliest time"""
    series: str | None = None
    """name of one series that all follow; null: each follows the series of its own name, or of its tier"""
    factor: float = bounded(1.0, above=0)
    """factor on the values of the file, such as 0.001 for EUR/MWh"""
    clock: Literal["absolute", "stretched"] = "absolute"
    """absolute: one second of the file is one second; stretched: the file fills the episode"""
    between: Literal["held", "interpolated"] = "held"
    """value between two rows of a series: that of the earlier row, or linear interpolation"""
    repeat: bool = True
    """restart at the end of the file, one mean gap after its last time; false: the last values stay"""
    random_start: bool = False
    """each episode starts at a random time in the file, within the stretch of its split"""
    apart: bool = False
    """with `random_start`: each series starts at its own time"""
    stretches: Stretches | None = field(default_factory=Stretches)
    """with `random_start`: stretches of the splits of seeds, each closed to a ring; null: every split uses
    the whole file"""
    by_name: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.random_start and not self.repeat:
            raise ConfigError("random_start", "true is not allowed; must be false, unless repeat is true")
        if self.apart and not self.random_start:
            raise ConfigError("apart", "true is not allowed; must be false, unless random_start is true")
