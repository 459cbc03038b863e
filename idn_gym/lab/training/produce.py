"""Train one network of a laboratory from its recipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.ddnn import DDNN
from idn_gym.lab.training import bottleneck
from idn_gym.lab.training.data import Data, Pictures
from idn_gym.lab.training.loop import Loss, cross_entropy, freeze_modules, tensors, train_network
from idn_gym.lab.training.recipes import (
    Bottleneck,
    Distributed,
    Exits,
    Lab,
    Recipe,
    Tail,
    Whole,
    inherit,
    untrained,
)


class Trained(NamedTuple):
    """A trained network and what it took."""

    network: Chain | DDNN
    cpu_seconds: float
    """of training, with the teacher's answers but without what the network started from"""


def produce(
    lab: Lab,
    name: str,
    seed: int,
    data: Data,
    load: Callable[[str], Chain | DDNN],
    progress: Callable[[], object] = lambda: None,
) -> Trained:
    """Train one network.

    Args:
        lab: the laboratory.
        name: of the network.
        seed: of initial weights and of the order of the pictures.
        data: the laboratory's data set.
        load: gives the trained network of that name and the same seed, from which this one starts.
        progress: called after every epoch.

    Raises:
        ConfigError: the laboratory wants more pictures than there are, or training diverges.
    """
    recipe = lab.recipe(name)
    torch.manual_seed(seed)
    network = untrained(lab, name, data)
    line = lab.line(name)
    if len(line) > 1:
        inherit(recipe, network, load(line[-2].name))
    rows: tuple[Tensor, ...] = tensors(training_part(lab, data))
    prepared = 0.0
    if isinstance(recipe, Tail) or (isinstance(recipe, Bottleneck) and recipe.recipe != "labels"):
        teacher = load(next(first.name for first in reversed(line) if isinstance(first, Whole)))
        rows, prepared = _with_targets(teacher, rows)
    loss = _loss(recipe, network)
    try:
        seconds = train_network(
            network,
            loss,
            rows,
            recipe.epochs,
            seed=seed,
            rate=recipe.rate,
            batch=lab.batch,
            precision=lab.precision,
            progress=progress,
        )
    except ConfigError as error:
        raise ConfigError(f"networks.{name}.{error.args[0]}", error.args[1]) from None
    return Trained(network.requires_grad_(True), prepared + seconds)


def training_part(lab: Lab, data: Data) -> Pictures:
    """The pictures that a laboratory trains on.

    Raises:
        ConfigError: it wants more of them than its data set has.
    """
    there = len(data.train.labels)
    if lab.pictures is not None and lab.pictures > there:
        raise ConfigError("pictures", f"{lab.pictures} is not allowed; {lab.data} has {there} to train on")
    return Pictures(data.train.images[: lab.pictures], data.train.labels[: lab.pictures])


def _with_targets(teacher: Chain | DDNN, rows: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], float]:
    assert isinstance(teacher, Chain)
    start = time.process_time()
    return (*rows, *bottleneck.targets(teacher, rows[0])), time.process_time() - start


def _loss(recipe: Recipe, network: Chain | DDNN) -> Loss:
    """Return the loss to minimise; freezes the parts that the recipe does not train."""
    match recipe:
        case Whole():
            return cross_entropy(network)
        case Exits():
            return cross_entropy(network, recipe.weights)
        case Distributed():
            return cross_entropy(network, (1.0, 1.0))
    assert isinstance(network, Chain)
    if isinstance(recipe, Tail):
        freeze_modules(network.tiers[0])
        return bottleneck.distil(network)
    match recipe.recipe:
        case "labels":
            return cross_entropy(network)
        case "distil":
            return bottleneck.distil(network)
        case "early-label":
            return bottleneck.distil(network, early_weight=recipe.early_weight)
    freeze_modules(network.tiers[2], network.heads["3"])
    return bottleneck.match_head(network) if recipe.recipe == "head" else bottleneck.match_maps(network)
