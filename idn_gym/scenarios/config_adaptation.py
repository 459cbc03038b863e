"""When models go on learning where they run, and from what; see docs/adapting.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idn_gym.config_reader import ConfigError, bounded, show

BY_CONDITIONS = ("conditions", "oracle")
"""Accuracies in force that come with a belief about conditions."""


@dataclass(frozen=True)
class Adaptation:
    """Nodes adapt the models that they hold to samples of their own."""

    rule: Literal["never", "always", "gain", "band", "federated", "asked"] = "never"
    """never; always: whenever there are samples; gain: what is expected to gain most; band: where the
    accuracy in force has fallen; federated: as gain, but nodes may train together and average weights, in
    coalitions from which each of them expects to win; asked: when an action says so, which takes a
    codec with `+adapt` behind its name"""
    method: Literal["head", "norm", "bottleneck", "everything", "distil-head", "distil"] = "norm"
    """which weights change; distil-head and distil: head and everything, by answers of the teacher; see
    docs/adaptation.md"""
    teacher: str | None = None
    """model of the tasks, at its nearest repository, that labels pictures in place of users, for what their
    way and its computing cost; needed by distil-head and distil"""
    labels: float = bounded(0.05, least=0, most=1)
    """share of the answers of models that can adapt whose label is bought, at `probes.cost` each unless there
    is a teacher, after `probes.delay`; none by rule never"""
    least: int = bounded(10, least=1)
    """samples that an adaptation needs"""
    patience: int = bounded(10, least=1)
    """[slots] between two adaptations of a model at a node"""
    threshold: float = bounded(0.05, least=0, most=1)
    """accuracy: rule gain: least gain expected; rule band: adapts from so much below the catalogue's on,
    until it is within half of it"""
    half_life: float | None = bounded(None, above=0)
    """[slots] after which a sample counts half; null: until newer ones fill its place"""
    share: Literal["none", "pull"] = "none"
    """pull: a node takes over an adapted model from another node where that promises more"""
    guard: bool = False
    """whether what is known beforehand may refuse an adaptation"""
    tables: tuple[str, ...] = ()
    """files with adaptations of your own models, beside those that ship"""

    def __post_init__(self) -> None:
        distils = self.method.startswith("distil")
        if distils != (self.teacher is not None):
            wrong = f"null is not allowed with {self.method}; must be a model of the tasks"
            if not distils:
                wrong = f"{show(self.teacher)} is not allowed with {self.method}; must be null"
            raise ConfigError("teacher", wrong)

    def takes_likeliest(self, accuracy: str) -> bool:
        """Whether only samples are taken that are believed to have the likeliest condition."""
        return self.rule in ("gain", "federated") or (self.rule == "asked" and accuracy in BY_CONDITIONS)

    def check(self, accuracy: str) -> None:
        """Refuse what needs a belief about conditions where there is none.

        Args:
            accuracy: in force.

        Raises:
            ConfigError: rule gain or federated, the guard or pulling, by an accuracy without conditions.
        """
        if self.rule == "never" or accuracy in BY_CONDITIONS:
            return
        for key, value in (("rule", "gain"), ("rule", "federated"), ("guard", True), ("share", "pull")):
            if getattr(self, key) == value:
                must = f"quality.accuracy must be {' or '.join(BY_CONDITIONS)}"
                raise ConfigError(
                    f"adaptation.{key}", f"{show(value)} is not allowed with accuracy {accuracy}; {must}"
                )
