"""Costs of adaptation, counted on one step with torch's own counter and autograd's saved tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from idn_gym.lab.adaptation.methods import LocalPictures, Preparation, prepare
from idn_gym.lab.adaptation.recipes import AdaptationMethod
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.training.loop import pixels, train_mode

OPTIMISER_NUMBERS = 2
"""AdamW keeps two means per weight."""


class AdaptationCost(NamedTuple):
    """Costs of one method on one network; T tiers, each with the head after it, N numbers of pictures."""

    macs_once: float
    """[MAC] per picture, once: maps that are kept"""
    macs_epoch: float
    """[MAC] per picture and epoch: forward, backward to the first trained layer, and gradients of weights"""
    memory: tuple[float, ...]  # (N,) [bytes] kept maps, and of a step: activations, gradients, optimiser
    changed: tuple[float, ...]  # (T,) [bytes] of weights, statistics and ranges that change


def count_adaptation(
    network: Chain, method: AdaptationMethod, side: int, classes: int, samples: Sequence[int], batch: int
) -> AdaptationCost:
    """Count what a method costs on a network.

    Activations are those that autograd keeps for the backward pass, four bytes a value and eight an index, as
    torch keeps them. Weights that the node holds anyway, and what the optimiser of a later round starts
    from, are not counted; neither are operations that are no products, such as those of batch normalisation.

    Args:
        network: trained network; it is not changed.
        method: of adaptation.
        side: pixels along one side of a picture.
        classes: of the data set.
        samples: (N,) pictures of a node.
        batch: pictures per step.
    """
    once, memory = 0.0, []
    for count in samples:
        own = copy.deepcopy(network)
        preparation = prepare(own, method, _blank(count, side, classes))
        kept = 0
        if preparation.trained is own.heads:
            once = _operations(lambda own=own: own.maps(_images(1, side)))  # type: ignore[misc]
            kept = sum(values.nbytes for values in preparation.rows[1:])
        step = min(batch, count)
        train_mode(preparation.trained)
        held, macs = _step(preparation, step)
        weights = _trained_bytes(preparation.trained)
        memory.append(float(kept + held + weights * (1 + OPTIMISER_NUMBERS)))
        epoch = macs / step
    changed = [_changed_bytes(part) for part in _by_tier(own)]
    return AdaptationCost(once, epoch, tuple(memory), tuple(changed))


def changing(network: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters that training changes in a network after `prepare` and `train_mode`, by name.

    Weights that are trained, statistics of batches, and ranges of quantisers; no counters.
    """
    found: list[tuple[str, Tensor]] = [
        (name, weight) for name, weight in network.named_parameters() if weight.requires_grad
    ]
    for name, part in network.named_modules():
        if part.training:
            own = part.named_buffers(name, recurse=False)
            found += [(key, values) for key, values in own if values.is_floating_point()]
    return found


def _step(preparation: Preparation, batch: int) -> tuple[int, float]:
    """Bytes of activations that one step keeps, and its MACs."""
    own = {values.untyped_storage().data_ptr() for values in _everything(preparation.trained)}
    held: dict[int, Tensor] = {}

    def keep(values: Tensor) -> Tensor:
        held[values.untyped_storage().data_ptr()] = values
        return values

    rows = [values[:batch].clone(memory_format=torch.preserve_format) for values in preparation.rows]
    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda values: values):
            loss = preparation.loss(*rows)
        size = sum(values.untyped_storage().nbytes() for key, values in held.items() if key not in own)
        loss.backward()
    return size, counter.get_total_flops() / 2


def _operations(call: Callable[[], object]) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 2


def _everything(network: nn.Module) -> Iterable[Tensor]:
    yield from network.parameters()
    yield from network.buffers()


def _trained_bytes(network: nn.Module) -> int:
    return sum(weight.nbytes for weight in network.parameters() if weight.requires_grad)


def _changed_bytes(parts: Sequence[nn.Module]) -> float:
    return float(sum(values.nbytes for part in parts for _, values in changing(part)))


def _by_tier(network: Chain) -> list[list[nn.Module]]:
    """Each tier with the head after it, as the entries of the catalogue have them."""
    heads = dict(network.heads.items())
    return [
        [tier, *([heads[str(done)]] if str(done) in heads else [])]
        for done, tier in enumerate(network.tiers, start=1)
    ]


def _images(count: int, side: int) -> Tensor:
    return pixels(np.zeros((count, 1, side, side), np.uint8))


def _blank(count: int, side: int, classes: int) -> LocalPictures:
    answers = np.full((count, classes), 1 / classes, np.float32)
    return LocalPictures(np.zeros((count, 1, side, side), np.uint8), answers)
