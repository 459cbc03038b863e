"""Every network of a laboratory as data: its form, its start, and its training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from idn_gym.config_reader import ConfigError, bounded, closest, show
from idn_gym.lab.networks.chain import Chain, Size, three_tier
from idn_gym.lab.networks.ddnn import DDNN, Devices
from idn_gym.lab.networks.exits import branchy, check_after
from idn_gym.lab.training.bottleneck import Latent, squeezed
from idn_gym.lab.training.data import Data
from idn_gym.lab.training.loop import Precision


@dataclass(frozen=True)
class Whole:
    """The three-tier network without additions."""

    kind: Literal["whole"]
    name: str
    epochs: int = bounded(least=1)
    size: Size | None = None
    """null: the laboratory's size"""
    start: str | None = None
    """a network of the same size from which training continues; null: random weights"""
    rate: float = bounded(3e-3, above=0, most=1e6)
    """peak learning rate"""


@dataclass(frozen=True)
class Exits:
    """A trained network with exits, all trained jointly (BranchyNet)."""

    kind: Literal["exits"]
    name: str
    start: str
    """a whole network: the trunk"""
    epochs: int = bounded(least=1)
    after: tuple[int, ...] = (1, 2)
    """tiers before each early exit"""
    weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    """weights of the exits' losses, in their order"""
    rate: float = bounded(2e-3, above=0, most=1e6)

    def __post_init__(self) -> None:
        check_after(self.after)
        if len(self.weights) != len(self.after) + 1:
            raise ConfigError(
                "weights", f"{len(self.weights)} of them do not go with {len(self.after) + 1} exits"
            )


@dataclass(frozen=True)
class Bottleneck:
    """An encoder and a decoder in place of the first two tiers of a trained network, the teacher."""

    kind: Literal["bottleneck"]
    name: str
    start: str
    """a whole network: it gives the last tier, and is the teacher"""
    latent: Latent
    recipe: Literal["head", "maps", "labels", "distil", "early-label"]
    """head: distil the head alone; maps: generalised head-network distillation; labels: end-to-end training
    with cross entropy; distil: end-to-end knowledge distillation; early-label: distil, jointly with a label
    at the encoder"""
    epochs: int = bounded(least=1)
    early_weight: float = bounded(0.5, above=0)
    """weight of the early label's loss"""
    rate: float = bounded(3e-3, above=0, most=1e6)

    def __post_init__(self) -> None:
        if self.recipe != "early-label" and self.early_weight != type(self).early_weight:
            raise ConfigError(
                "early_weight", f"{self.early_weight:g} is not allowed; only recipe 'early-label' reads it"
            )


@dataclass(frozen=True)
class Tail:
    """Second stage of a bottleneck: knowledge distillation with the encoder frozen."""

    kind: Literal["tail"]
    name: str
    start: str
    """a bottleneck, whose teacher is also the teacher here"""
    epochs: int = bounded(least=1)
    rate: float = bounded(2e-3, above=0, most=1e6)


@dataclass(frozen=True)
class Distributed:
    """Several devices, a gateway and a cloud (DDNN), from random weights."""

    kind: Literal["ddnn"]
    name: str
    epochs: int = bounded(least=1)
    devices: Devices = field(default_factory=Devices)
    rate: float = bounded(5e-3, above=0, most=1e6)


Recipe = Whole | Exits | Bottleneck | Tail | Distributed


@dataclass(frozen=True)
class Lab:
    """All networks of one data set, as defined by a file in ``configs/lab/``."""

    name: str
    data: Literal["fashion", "digits"]
    networks: tuple[Whole | Exits | Bottleneck | Tail | Distributed, ...]
    size: Size = field(default_factory=Size)
    seeds: int = bounded(1, least=1)
    pictures: int | None = bounded(None, least=1)
    """number of the first training pictures that are used; null: all"""
    batch: int = bounded(256, least=1)
    precision: Precision = "single"

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        if not self.networks:
            raise ConfigError("networks", "[] is not allowed; must be at least one network")
        known: dict[str, Recipe] = {}
        for i, recipe in enumerate(self.networks):
            _check_name(f"networks.{i}.name", recipe.name)
            if recipe.name in known:
                raise ConfigError(f"networks.{i}.name", f"{recipe.name!r} is given twice; names must differ")
            _check_start(f"networks.{i}", recipe, known)
            known[recipe.name] = recipe

    def recipe(self, name: str) -> Recipe:
        """A network's recipe, by name.

        Raises:
            ConfigError: the name is unknown.
        """
        for recipe in self.networks:
            if recipe.name == name:
                return recipe
        raise ConfigError("network", f"{name!r}; {closest(name, [recipe.name for recipe in self.networks])}")

    def line(self, name: str) -> tuple[Recipe, ...]:
        """A network's recipe and those of its start networks, the first one first."""
        recipe = self.recipe(name)
        start = _start(recipe)
        return (*(() if start is None else self.line(start)), recipe)

    def payload(self, name: str, side: int) -> int:
        """Bytes that a bottleneck, or its second stage, sends for a picture of `side` pixels."""
        recipe = next(recipe for recipe in self.line(name) if isinstance(recipe, Bottleneck))
        return recipe.latent.payload(_trunk_size(self, recipe.start), side)


def untrained(lab: Lab, name: str, data: Data) -> Chain | DDNN:
    """A network of a laboratory with random weights, into which trained ones can be loaded."""
    recipe = lab.recipe(name)
    side, classes = data.side, data.classes
    match recipe:
        case Whole():
            return three_tier(recipe.size or lab.size, classes)
        case Exits():
            return branchy(_trunk_size(lab, recipe.start), side, classes, recipe.after)
        case Bottleneck():
            size = _trunk_size(lab, recipe.start)
            return squeezed(recipe.latent, size, side, classes, recipe.recipe == "early-label")
        case Tail():
            return untrained(lab, recipe.start, data)
        case Distributed():
            return DDNN(recipe.devices, side, classes)


def inherit(recipe: Recipe, network: nn.Module, start: nn.Module) -> None:
    """Copy the parts of the start network into `network`; the rest stays."""
    kept = start.state_dict()
    if isinstance(recipe, Bottleneck):
        kept = {key: value for key, value in kept.items() if key.startswith(("tiers.2.", "heads.3."))}
    network.load_state_dict(kept, strict=False)


def _start(recipe: Recipe) -> str | None:
    return None if isinstance(recipe, Distributed) else recipe.start


def _check_name(key: str, name: str) -> None:
    """Check the name, which is used for files and entries of the catalogue."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        allowed = "must be letters, digits, '.', '_' and '-', the first one a letter or digit"
        raise ConfigError(key, f"{show(name)} is not allowed; {allowed}")


def _check_start(key: str, recipe: Recipe, known: Mapping[str, Recipe]) -> None:
    """A network starts from one further up, of the kind that goes with its own."""
    start = _start(recipe)
    if start is None:
        return
    wanted = Bottleneck if isinstance(recipe, Tail) else Whole
    fitting = [name for name, other in known.items() if isinstance(other, wanted)]
    if start not in fitting:
        raise ConfigError(f"{key}.start", f"{start!r}; {closest(start, fitting)}")
    trunk = known[start]
    if isinstance(recipe, Whole) and isinstance(trunk, Whole) and recipe.size != trunk.size:
        raise ConfigError(f"{key}.size", f"differs from that of {start!r}; must be the same")


def _trunk_size(lab: Lab, name: str) -> Size:
    trunk = lab.recipe(name)
    return (trunk.size if isinstance(trunk, Whole) else None) or lab.size
