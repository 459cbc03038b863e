"""A study of adaptation: networks, methods, conditions and samples, from a file such as adaptation.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from idn_gym.config_reader import ConfigError, bounded, closest, show, twice
from idn_gym.lab.training.recipes import Bottleneck, Distributed, Lab
from idn_gym.lab.training.shifts import CLEAN, CONDITIONS

MethodName = Literal["head", "norm", "bottleneck", "everything", "distil-head", "distil"]

DISTILLING = ("distil-head", "distil")
"""methods whose answers come from a larger network; the others know the truth"""


@dataclass(frozen=True)
class AdaptationMethod:
    """Training data of a network, and the length of training."""

    name: MethodName
    """head: all heads alone; norm: batch normalisation, its statistics included; bottleneck: encoder and
    decoder; everything; distil-head and distil: head and everything, from answers of the teacher"""
    epochs: int = bounded(least=1)
    """passes over the pictures"""
    rate: float = bounded(above=0, most=1e6)
    """peak learning rate"""


@dataclass(frozen=True)
class AdaptedNetwork:
    """A network of the laboratory that is adapted."""

    name: str
    teacher: str | None = None
    """a network of the laboratory that answers for it; null: it is not distilled into"""


@dataclass(frozen=True)
class Federation:
    """Several nodes that average their weights (FedAvg, McMahan et al., 2017)."""

    networks: tuple[str, ...]
    methods: tuple[MethodName, ...]
    samples: tuple[int, ...]
    """pictures at each node"""
    mixed: tuple[str, ...]
    """conditions of nodes that do not share theirs, one per node; as many nodes share each of them in turn"""
    rounds: int = bounded(least=1)
    """of averaging; a method's epochs are spread evenly over them"""


@dataclass(frozen=True)
class AdaptationStudy:
    """A file of adaptations."""

    lab: str
    """file of the laboratory, beside this one"""
    conditions: tuple[str, ...]
    """that pictures at a node are seen under; clean is one of them"""
    samples: tuple[int, ...]
    """pictures that a node has, rising"""
    networks: tuple[AdaptedNetwork, ...]
    methods: tuple[AdaptationMethod, ...]
    federation: Federation
    seeds: int = bounded(3, least=1, most=1000)
    """trainings of each network"""
    draws: int = bounded(2, least=1)
    """of pictures, per training"""
    batch: int = bounded(10, least=1)
    """pictures per step"""

    def __post_init__(self) -> None:
        _names("conditions", self.conditions, CONDITIONS)
        if CLEAN not in self.conditions:
            raise ConfigError("conditions", f"{list(self.conditions)} is not allowed; must have {CLEAN!r}")
        _names("federation.mixed", self.federation.mixed, self.conditions)
        _names("networks", [network.name for network in self.networks], None)
        _names("methods", [method.name for method in self.methods], get_args(MethodName))
        _names("federation.networks", self.federation.networks, [network.name for network in self.networks])
        _names("federation.methods", self.federation.methods, [method.name for method in self.methods])
        self._check_samples("samples", self.samples)
        self._check_samples("federation.samples", self.federation.samples)
        if not set(self.federation.samples) <= set(self.samples):
            raise ConfigError(
                "federation.samples",
                f"{list(self.federation.samples)} is not allowed; must be out of {list(self.samples)}",
            )
        for name in self.federation.methods:
            epochs, rounds = self.method(name).epochs, self.federation.rounds
            if epochs % rounds or name in DISTILLING:
                raise ConfigError(
                    "federation.methods",
                    f"{name!r} with {epochs} epochs in {rounds} rounds is not allowed; must be supervised, "
                    "and have the same number of epochs in each round",
                )

    def _check_samples(self, key: str, samples: Sequence[int]) -> None:
        rising = list(samples) == sorted(set(samples)) and samples and samples[0] >= 1
        # A last batch that is not full would be left out, and so not cost what it seems to.
        if not rising or any(count > self.batch and count % self.batch for count in samples):
            raise ConfigError(
                key,
                f"{list(samples)} is not allowed; must rise, and be at most one batch or a multiple of it, "
                f"{self.batch}",
            )

    def method(self, name: str) -> AdaptationMethod:
        """A method, by name."""
        return next(method for method in self.methods if method.name == name)

    def fitting(self, lab: Lab, network: AdaptedNetwork) -> tuple[AdaptationMethod, ...]:
        """Methods that a network can be adapted by."""
        split = any(isinstance(recipe, Bottleneck) for recipe in lab.line(network.name))
        return tuple(
            method
            for method in self.methods
            if (split or method.name != "bottleneck")
            and (network.teacher is not None or method.name not in DISTILLING)
        )

    def check(self, lab: Lab) -> None:
        """Check that this matches its laboratory.

        Raises:
            ConfigError: a network that it does not have, or one of several devices.
        """
        for i, network in enumerate(self.networks):
            for key, name in (("name", network.name), ("teacher", network.teacher)):
                fitting = [recipe.name for recipe in lab.networks if not isinstance(recipe, Distributed)]
                if name is not None and name not in fitting:
                    raise ConfigError(f"networks.{i}.{key}", f"{name!r}; {closest(name, fitting)}")
        for name in self.federation.networks:
            chosen = next(network for network in self.networks if network.name == name)
            there = [method.name for method in self.fitting(lab, chosen)]
            missing = sorted(set(self.federation.methods) - set(there))
            if missing:
                raise ConfigError(
                    "federation.methods", f"{missing} is not allowed; {name!r} is adapted by {there}"
                )


def _names(key: str, names: Sequence[str], known: Sequence[str] | None) -> None:
    """At least one name, each once, and known."""
    again = twice(names)
    if not names or again is not None:
        raise ConfigError(key, f"{show(list(names))} is not allowed; must be one at least, each once")
    for name in names:
        if known is not None and name not in known:
            raise ConfigError(key, f"{name!r} is not allowed; {closest(name, known)}")
