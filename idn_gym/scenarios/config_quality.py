"""Quality that nobody is told: conditions of requests, and which accuracy serving goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded, show, twice
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.families import ConditionProcess, register_process

_CONDITIONS = "idn_gym.scenarios.processes.conditions"

InForce = Literal[
    "nominal", "confidence", "calibrated", "difference", "labels", "alarm", "conditions", "oracle"
]


def _check_names(names: tuple[str, ...]) -> None:
    name = twice(names)
    if not names or name is not None:
        wrong = f"{show(name)} is given twice" if names else "() is not allowed"
        raise ConfigError("names", f"{wrong}; must be one condition at least, all different")


@dataclass(frozen=True)
class FixedCondition(ConditionProcess):
    """All requests are seen under the same condition."""

    names: tuple[str, ...] = ("clean",)
    """one name; see `ConditionProcess`"""
    kind: Literal["fixed"] = "fixed"

    def __post_init__(self) -> None:
        if len(self.names) != 1:
            raise ConfigError("names", f"{show(self.names)} is not allowed; must be a single condition")


@dataclass(frozen=True)
class MarkovConditions(ConditionProcess):
    """Conditions stay for geometric times; the next one is any other, with equal chances."""

    names: tuple[str, ...]
    """see `ConditionProcess`; a name's chance of being in force is its share of `stay`"""
    stay: tuple[float, ...] = (50.0,)
    """[slots] that each stays on average, in the order of `names`, or one number for all; at least 1"""
    together: bool = False
    """whether all ingress nodes have the same condition"""
    kind: Literal["markov"] = "markov"

    def __post_init__(self) -> None:
        _check_names(self.names)
        if len(self.stay) not in (1, len(self.names)):
            raise ConfigError(
                "stay", f"{len(self.stay)} are not allowed; must be 1 or {len(self.names)}, one per name"
            )
        for slots in self.stay:
            if not 1.0 <= slots < float("inf"):
                raise ConfigError("stay", f"{show(slots)} is not allowed; must be finite and at least 1")


@dataclass(frozen=True)
class ConditionChange:
    """From a slot on, until the next change at the same node."""

    name: str
    """of the condition"""
    first: int = bounded(least=0)
    """slot"""
    node: str | None = None
    """ingress node, or a tier; null: all ingress nodes"""


@dataclass(frozen=True)
class ScheduledConditions(ConditionProcess):
    """Conditions change when a list says so; before the first change at a node the first name is in force."""

    names: tuple[str, ...]
    """see `ConditionProcess`"""
    changes: tuple[ConditionChange, ...] = ()
    """later ones in the list count where several are for the same slot"""
    period: int | None = bounded(None, least=1)
    """[slots] after which the list begins again; null: never"""
    kind: Literal["scheduled"] = "scheduled"
    by_name: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_names(self.names)
        for i, change in enumerate(self.changes):
            if change.name not in self.names:
                allowed = f"must be one of names: {', '.join(self.names)}"
                raise ConfigError(f"changes.{i}.name", f"{show(change.name)} is not allowed; {allowed}")
            if self.period is not None and change.first >= self.period:
                raise ConfigError(
                    f"changes.{i}.first",
                    f"{change.first} is not allowed; must be below period, {self.period}",
                )


@dataclass(frozen=True)
class ConditionFile(Trace, ConditionProcess):
    """A file says which condition is in force, by ingress node or tier, as its place in `names`, from 0.

    A slot in which it changes gets the place next to the mean over the slot; nodes without a series keep the
    first name.
    """

    names: tuple[str, ...] = ("clean",)
    """see `ConditionProcess`"""
    kind: Literal["file"] = "file"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_names(self.names)


register_process(FixedCondition, f"{_CONDITIONS}:draw_one")
register_process(MarkovConditions, f"{_CONDITIONS}:draw_chains")
register_process(ScheduledConditions, f"{_CONDITIONS}:draw_schedule")
register_process(ConditionFile, f"{_CONDITIONS}:draw_conditions_of_file")


@dataclass(frozen=True)
class Probes:
    """Answers whose label is asked for."""

    share: float = bounded(0.0, least=0, most=1)
    """of all answers; with accuracy `alarm` of those of streams whose alarm has fired"""
    cost: float = bounded(0.1, least=0)
    """[wrong answers] that a label costs in accuracy and tariff"""
    delay: int = bounded(0, least=0, most=1000)
    """[slots] until a label comes"""


@dataclass(frozen=True)
class HiddenQuality:
    """Accuracies move with conditions that nobody observes; see docs/hidden_quality.md."""

    conditions: ConditionProcess = field(default_factory=FixedCondition)
    """under which requests are seen at each ingress node"""
    accuracy: InForce = "nominal"
    """what serving, tariff, forecasts and learners go by: nominal, an estimate, or the truth (oracle)"""
    half_life: float = bounded(10.0, above=0)
    """[slots] after which an answer weighs half in an estimate"""
    prior: float = bounded(20.0, above=0)
    """[answers] that the catalogue's accuracy weighs beside them"""
    known: tuple[str, ...] = ()
    """conditions that accuracy `conditions` knows; empty: those that are played"""
    stay: float = bounded(50.0, least=1)
    """[slots] that accuracy `conditions` takes a condition to stay"""
    alpha: float = bounded(0.05, above=0, below=1)
    """share of streams without a change whose alarm of accuracy `alarm` may ever fire"""
    hold: int = bounded(20, least=1)
    """[slots] that a stream is probed after its alarm, which then listens anew"""
    probes: Probes = field(default_factory=Probes)
    """labels that are bought"""
    outcomes: tuple[str, ...] = ()
    """files of outcome tables of your own models, beside those that ship"""

    def __post_init__(self) -> None:
        if self.accuracy in ("labels", "alarm") and self.probes.share == 0.0:
            allowed = f"with accuracy {self.accuracy}; must be above 0"
            raise ConfigError("probes.share", f"0 is not allowed {allowed}")
        name = twice(self.known)
        if name is not None:
            raise ConfigError("known", f"{show(name)} is given twice; must be different conditions")
