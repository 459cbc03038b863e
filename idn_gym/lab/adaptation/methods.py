"""Adapt a trained network to pictures of its own, at one node or at several that average their weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from idn_gym.lab.adaptation.recipes import DISTILLING, AdaptationMethod
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.training.loop import Loss, logits, pixels, train_network


class LocalPictures(NamedTuple):
    """Data from which a node learns."""

    images: npt.NDArray[np.uint8]  # (n, 1, H, W)
    answers: npt.NDArray[np.float32]  # (n, C) probabilities: the truth, or what the teacher says


class Preparation(NamedTuple):
    """Trained parameters, loss and rows."""

    trained: nn.Module
    """a part of the network, or all of it; what is frozen in it stays"""
    loss: Loss
    rows: tuple[Tensor, ...]


def truth(labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float32]:
    """Labels (n,) as probabilities (n, C)."""
    return np.eye(classes, dtype=np.float32)[labels]


def taught(teacher: Chain, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Answers of a teacher's last exit to pictures: probabilities (n, C), at temperature 1."""
    found: npt.NDArray[np.float32] = torch.softmax(torch.from_numpy(logits(teacher, images)[-1]), 1).numpy()
    return found


def prepare(network: Chain, method: AdaptationMethod, pictures: LocalPictures) -> Preparation:
    """Freeze what a method does not train, and say how to train the rest.

    Heads alone are trained on maps that are computed once.

    Args:
        network: trained; its weights are frozen and thawed in place.
        method: of adaptation.
        pictures: of the node.
    """
    network.requires_grad_(False)
    images, answers = pixels(pictures.images), torch.from_numpy(pictures.answers)
    if method.name in ("head", "distil-head"):
        network.heads.requires_grad_(True)
        network.eval()
        with torch.no_grad():
            maps = [network.maps(images)[after - 1] for after in network.after]

        def of_maps(answers: Tensor, *maps: Tensor) -> Tensor:
            heads = zip(network.heads.values(), maps, strict=True)
            return _soft(torch.stack([head(values) for head, values in heads]), answers)

        return Preparation(network.heads, of_maps, (answers, *maps))
    _thaw(network, method)
    return Preparation(network, lambda images, answers: _soft(network(images), answers), (images, answers))


def adapt(
    network: Chain, method: AdaptationMethod, pictures: LocalPictures, *, batch: int, seed: int
) -> Chain:
    """A copy of a network, adapted to pictures.

    Args:
        network: trained network; it is not changed.
        method: of adaptation.
        pictures: of the node.
        batch: pictures per step.
        seed: of the order of the pictures.

    Raises:
        ConfigError: adapting diverges.
    """
    adapted = copy.deepcopy(network)
    trained, loss, rows = prepare(adapted, method, pictures)
    train_network(trained, loss, rows, method.epochs, seed=seed, rate=method.rate, batch=batch)
    return adapted.requires_grad_(True).eval()


def federate(
    network: Chain,
    method: AdaptationMethod,
    nodes: Sequence[LocalPictures],
    rounds: int,
    *,
    batch: int,
    seed: int,
) -> Chain:
    """Adapt at several nodes, and average their weights after each round (FedAvg, McMahan et al., 2017).

    Args:
        network: trained network; it is not changed.
        method: of adaptation; its epochs are spread over the rounds.
        nodes: pictures of each; equally many.
        rounds: how often the nodes average.
        batch: pictures per step.
        seed: of the order of the pictures.
    """
    local = AdaptationMethod(method.name, method.epochs // rounds, method.rate)
    for turn in range(rounds):
        # Nodes and rounds must not go through their pictures in the same order.
        order = seed * rounds * len(nodes) + turn * len(nodes)
        network = average(
            [
                adapt(network, local, pictures, batch=batch, seed=order + node)
                for node, pictures in enumerate(nodes)
            ]
        )
    return network


def average(networks: Sequence[Chain]) -> Chain:
    """A network whose weights, statistics and ranges are means over networks; counters are the first's."""
    mean = copy.deepcopy(networks[0])
    states = [network.state_dict() for network in networks]
    mean.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(dim=0)
            if value.is_floating_point()
            else value
            for name, value in states[0].items()
        }
    )
    return mean


def _soft(scores: Tensor, answers: Tensor) -> Tensor:
    """Cross entropy with probabilities, summed over the exits of logits (X, B, C)."""
    return torch.stack([functional.cross_entropy(one, answers) for one in scores]).sum()


def _thaw(network: Chain, method: AdaptationMethod) -> None:
    thaw: dict[str, Callable[[], Sequence[nn.Module]]] = {
        "norm": lambda: [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)],
        "bottleneck": lambda: list(network.tiers[:2]),
        "everything": lambda: [network],
        "distil": lambda: [network],
    }
    for part in thaw[method.name]():
        part.requires_grad_(True)


def knows_truth(method: AdaptationMethod) -> bool:
    """Return whether a method learns from true labels."""
    return method.name not in DISTILLING
