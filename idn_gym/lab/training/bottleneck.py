"""Bottlenecks: an encoder and a decoder in place of a network's first two tiers, and how to train them.

The recipes follow what could be read of BottleFit (Matsubara et al., 2022: its configurations) and its
baselines: distillation of the head alone, generalised head-network distillation (GHND), knowledge
distillation of the tail with the encoder frozen, and plain cross entropy from end to end. Knowledge
distillation from end to end, without a first stage, is a control of this project's. Training a
bottleneck together with a label at its encoder is in the spirit of "Regularized Bottleneck with Early
Labeling" (Castellano et al., 2022), whose text was not available: the loss here is this project's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.lab.networks.chain import Chain, Size, convolution, plain_network, three_tier
from idn_gym.lab.networks.quantize import Quantizer, pack, payload_bytes, unpack
from idn_gym.lab.training.batches import check_labels
from idn_gym.lab.training.loop import Loss, pixels


@dataclass(frozen=True)
class Latent:
    """Form of the tensor that crosses the cut."""

    channels: int = bounded(least=1)
    bits: int = bounded(8, least=1, most=8)
    """per value"""
    stride: Literal[2, 4] = 2
    """of the encoder's second convolution: 2 keeps the map as large as the second tier's"""

    def shape(self, size: Size, side: int) -> tuple[int, int, int]:
        """Channels, height and width for pictures of `side` pixels."""
        rows = -(-size.sides(side)[0] // self.stride)
        return self.channels, rows, rows

    def payload(self, size: Size, side: int) -> int:
        """Bytes on the wire for one picture."""
        channels, height, width = self.shape(size, side)
        return payload_bytes(channels * height * width, self.bits)


def squeezed(latent: Latent, size: Size, side: int, classes: int, early_label: bool) -> Chain:
    """A three-tier network whose first two tiers are an encoder and a decoder; nothing is trained yet.

    Args:
        latent: what crosses the cut after the encoder.
        size: of the network; the encoder is as wide as its first tier, the decoder as its second.
        side: pixels along one side of a picture.
        classes: number of classes.
        early_label: whether a linear head labels pictures from the quantised latent.
    """
    first, second, _ = size.widths
    whole = three_tier(size, classes)
    channels, height, width = latent.shape(size, side)
    encoder = nn.Sequential(
        convolution(1, first, 3, size.stride),
        nn.Conv2d(first, channels, 3, latent.stride, 1),
        Quantizer(latent.bits),
    )
    rows = size.sides(side)[1]
    decoder = nn.Sequential(
        *([] if height == rows else [nn.Upsample(rows)]),
        convolution(channels, second),
        convolution(second, second),
    )
    heads: dict[int, nn.Module] = {3: whole.heads["3"]}
    if early_label:
        heads[1] = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
    return Chain([encoder, decoder, whole.tiers[2]], heads)


def encode(network: Chain, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Data that the device sends for pictures (S, 1, H, W): packed codes, (S, payload)."""
    *layers, quantizer = cast(nn.Sequential, network.tiers[0].eval())
    assert isinstance(quantizer, Quantizer)
    with torch.inference_mode():
        codes: Tensor = quantizer.codes(nn.Sequential(*layers)(pixels(images)))
    return pack(codes.numpy(), quantizer.bits)


def decode(network: Chain, sent: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Logits (S, C) of the last head, from what `encode` sent and the shape of the latent."""
    quantizer = cast(nn.Sequential, network.tiers[0])[-1]
    assert isinstance(quantizer, Quantizer)
    with torch.inference_mode():
        values = quantizer.values(torch.from_numpy(unpack(sent, quantizer.bits, shape)))
        for tier in network.eval().tiers[1:]:
            values = tier(values)
        answers: NDArray[np.float32] = network.heads[str(network.after[-1])](values).numpy()
    return answers


def targets(teacher: Chain, images: Tensor, batch: int = 1000) -> tuple[Tensor, Tensor, Tensor]:
    """Targets of students: maps after tiers 2 and 3, in half precision, and logits (S, C)."""
    teacher.eval()
    found = []
    with torch.no_grad():
        for rows in torch.split(images, batch):
            maps = teacher.maps(rows)
            found.append((maps[1].half(), maps[2].half(), teacher.heads["3"](maps[2])))
    middle, last, scores = (torch.cat(column) for column in zip(*found, strict=True))
    return middle, last, scores


def match_head(student: Chain) -> Loss:
    """Plain head distillation: squared error of the decoder's map alone."""

    def loss(images: Tensor, labels: Tensor, middle: Tensor, last: Tensor, scores: Tensor) -> Tensor:
        return _squared_error(student.tiers[1](student.tiers[0](images)), middle)

    return loss


def match_maps(student: Chain) -> Loss:
    """Generalised head-network distillation: squared errors of the maps after decoder and tail, no labels."""

    def loss(images: Tensor, labels: Tensor, middle: Tensor, last: Tensor, scores: Tensor) -> Tensor:
        maps = student.maps(images)
        return _squared_error(maps[1], middle) + _squared_error(maps[2], last)

    return loss


def distil(student: Chain, label_weight: float = 0.5, early_weight: float = 0.0) -> Loss:
    """Knowledge distillation at temperature 1, and with `early_weight` the early label's cross entropy.

    Args:
        student: its last head answers remotely, its first one, if `early_weight` is above 0, on the spot.
        label_weight: share of the cross entropy with the labels; the rest is the divergence from the teacher.
        early_weight: weight of the early label, which so regularises the latent.
    """

    def loss(images: Tensor, labels: Tensor, middle: Tensor, last: Tensor, scores: Tensor) -> Tensor:
        answers = student(images).float()
        if answers.shape[1:] != scores.shape:
            raise ConfigError(
                "teacher",
                f"gives logits {tuple(scores.shape)}, the student {tuple(answers.shape[1:])}; must be of the "
                "same classes",
            )
        remote = functional.log_softmax(answers[-1], dim=-1)
        divergence = functional.kl_div(
            remote, functional.log_softmax(scores, dim=-1), reduction="batchmean", log_target=True
        )
        total = label_weight * functional.nll_loss(remote, labels) + (1 - label_weight) * divergence
        return total + early_weight * functional.cross_entropy(answers[0], labels) if early_weight else total

    return loss


def learn_from(
    teacher: nn.Module, student: Chain, label_weight: float = 0.5, early_weight: float = 0.0
) -> Loss:
    """`distil` for batches of inputs and labels alone, of any loader: the teacher answers as they come.

    Args:
        teacher: gives logits (B, C), or is a chain, whose last exit teaches; it is put into evaluation mode
            and stays as it is.
        student: as in `distil`.
        label_weight: as in `distil`.
        early_weight: as in `distil`.
    """
    loss_of, wise = distil(student, label_weight, early_weight), plain_network(teacher).eval()

    def loss(inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            scores = wise(inputs).float()
        check_labels(labels, *scores.shape)
        return loss_of(inputs, labels, scores, scores, scores)

    return loss


def _squared_error(found: Tensor, wanted: Tensor) -> Tensor:
    # Summed over a map, as BottleFit's configurations do, so that maps weigh by their size.
    return functional.mse_loss(found.float(), wanted.float(), reduction="sum") / len(found)
