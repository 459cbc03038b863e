"""Hidden quality: conditions of requests, and the accuracy that serving uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded, show, twice
from idn_gym.scenarios.config_adaptation import Adaptation
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.families import ConditionProcess, register_process

_CONDITIONS = "idn_gym.scenarios.processes.conditions"

InForce = Literal[
    "nominal",
    "confidence",
    "calibrated",
    "difference",
    "atc",
    "disagreement",
    "labels",
    "alarm",
    "conditions",
    "oracle",
]

ChargedShares = Literal["nominal", "actual"]

LISTED, BANDIT = "listed", "bandit"
"""Values of `HiddenQuality.points` that are no names of operating points."""


def _check_names(names: tuple[str, ...]) -> None:
    name = twice(names)
    if not names or name is not None:
        wrong = f"{show(name)} is given twice" if names else "() is not allowed"
        raise ConfigError("names", f"{wrong}; must be one condition at least, all different")


@dataclass(frozen=True)
class FixedCondition(ConditionProcess):
    """All requests have the same condition."""

    names: tuple[str, ...] = ("clean",)
    """one name; see `ConditionProcess`"""
    kind: Literal["fixed"] = "fixed"

    def __post_init__(self) -> None:
        if len(self.names) != 1:
            raise ConfigError("names", f"{show(self.names)} is not allowed; must be a single condition")


@dataclass(frozen=True)
class MarkovConditions(ConditionProcess):
    """Conditions last for geometric times; the next one is any other, with equal probability."""

    names: tuple[str, ...]
    """see `ConditionProcess`; the stationary probability of a name is its share of `stay`"""
    stay: tuple[float, ...] = (50.0,)
    """[slots] mean time that each condition lasts, in the order of `names`, or one for all; at least 1"""
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
    """A condition that starts at a slot and lasts until the next change at the same node."""

    name: str
    """name of the condition"""
    first: int = bounded(least=0)
    """first slot"""
    node: str | None = None
    """ingress node, or a tier; null: all ingress nodes"""


@dataclass(frozen=True)
class ScheduledConditions(ConditionProcess):
    """Conditions change at listed slots; before the first change at a node it has the first name."""

    names: tuple[str, ...]
    """see `ConditionProcess`"""
    changes: tuple[ConditionChange, ...] = ()
    """changes; for equal slots the later ones in the list count"""
    period: int | None = bounded(None, least=1)
    """[slots] after which the list repeats; null: never"""
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
    """A file gives the condition by ingress node or tier, as its position in `names`, from 0.

    A slot in which the condition changes gets the position nearest to the mean over the slot; nodes without a
    series keep the first name.
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
    """Answers whose true label is bought."""

    share: float = bounded(0.0, least=0, most=1)
    """share of all answers; with accuracy `alarm`, share of the answers of streams whose alarm has fired;
    with accuracy `disagreement`, share of the requests that the best model upstream answers, too, in place
    of labels"""
    cost: float = bounded(0.1, least=0)
    """[wrong answers] cost of a label in accuracy and tariff"""
    delay: int = bounded(0, least=0, most=1000)
    """[slots] until a label arrives"""


@dataclass(frozen=True)
class HiddenQuality:
    """Accuracies change with conditions that no policy observes; see docs/hidden_quality.md."""

    conditions: ConditionProcess = field(default_factory=FixedCondition)
    """conditions of the requests at each ingress node"""
    accuracy: InForce = "nominal"
    """accuracy for serving, tariff, forecasts and learners: nominal, an estimate, or the truth (oracle)"""
    half_life: float = bounded(10.0, above=0)
    """[slots] after which an answer has half its weight in an estimate"""
    prior: float = bounded(20.0, above=0)
    """[answers] weight of the catalogue's accuracy in an estimate"""
    known: tuple[str, ...] = ()
    """conditions that accuracy `conditions` knows; empty: those that occur"""
    stay: float = bounded(50.0, least=1)
    """[slots] mean time that accuracy `conditions` assumes a condition to last"""
    alpha: float = bounded(0.05, above=0, below=1)
    """for accuracy `alarm`: bound on the share of streams without a fall of confidences whose alarm ever
    fires, half of it for what is unknown of the source"""
    hold: int = bounded(20, least=1)
    """[slots] for which a stream is probed after its alarm; the alarm then restarts"""
    probes: Probes = field(default_factory=Probes)
    """labels that are bought"""
    points: str = "listed"
    """operating points at models with several: listed (serving takes the cheapest of all), bandit (EXP3
    chooses one for each class, model and slot), or the name of one, at models that have it"""
    exit_shares: ChargedShares = "nominal"
    """shares of requests that leave at each exit, by which rewards count latency, energy and traffic: the
    catalogue's (nominal) or those under the condition in force (actual)"""
    adaptation: Adaptation | None = None
    """how models continue learning at their nodes; null: they stay as in the catalogue"""
    outcomes: tuple[str, ...] = ()
    """files with outcome tables of your own models, in addition to those that ship"""

    def __post_init__(self) -> None:
        if self.accuracy in ("labels", "alarm", "disagreement") and self.probes.share == 0.0:
            allowed = f"with accuracy {self.accuracy}; must be above 0"
            raise ConfigError("probes.share", f"0 is not allowed {allowed}")
        name = twice(self.known)
        if name is not None:
            raise ConfigError("known", f"{show(name)} is given twice; must be different conditions")
        if self.adaptation is not None:
            self.adaptation.check(self.accuracy)
            if self.known:  # samples are believed to have the conditions that are played
                allowed = "is not allowed where models adapt; must be empty"
                raise ConfigError("known", f"{show(list(self.known))} {allowed}")
