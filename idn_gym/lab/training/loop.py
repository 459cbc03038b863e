"""One training loop for every recipe, and the logits of a trained network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from idn_gym.config_reader import ConfigError
from idn_gym.lab.training.data import Pictures

Precision = Literal["single", "bfloat16"]
"""Number format of training; measurements always use single precision."""

Loss = Callable[..., Tensor]
"""Maps rows of the tensors given to `train_network` to one number; closes over the trained network."""


def pixels(images: NDArray[np.uint8]) -> Tensor:
    """Pictures of bytes (S, 1, H, W) as numbers in [0, 1], channels last in memory."""
    return torch.from_numpy(images / np.float32(255)).contiguous(memory_format=torch.channels_last)


def tensors(part: Pictures) -> tuple[Tensor, Tensor]:
    """Training data of `train_network`: pictures (S, 1, H, W) in [0, 1] and labels (S,)."""
    return pixels(part.images), torch.from_numpy(part.labels)


def cross_entropy(network: nn.Module, weights: Sequence[float] = (1.0,)) -> Loss:
    """Weighted sum of the cross entropies of all exits (BranchyNet, Teerapittayanon et al., 2016).

    Args:
        network: gives logits (X, B, C).
        weights: one per exit, in their order.
    """

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        terms = [
            weight * functional.cross_entropy(scores, labels)
            for weight, scores in zip(weights, network(images).float(), strict=True)
        ]
        return torch.stack(terms).sum()

    return loss


def train_network(
    network: nn.Module,
    loss: Loss,
    rows: tuple[Tensor, ...],
    epochs: int,
    *,
    seed: int = 0,
    rate: float = 3e-3,
    batch: int = 256,
    precision: Precision = "single",
    progress: Callable[[], object] = lambda: None,
) -> float:
    """Train what is not frozen in `network`, with AdamW and the one-cycle schedule.

    Args:
        network: changed in place; on return in evaluation mode.
        loss: what to lower; called with the same rows of all tensors.
        rows: tensors with one row per picture, such as those of `tensors`.
        epochs: passes over the rows.
        seed: of the order of the pictures; initial weights are the caller's.
        rate: peak learning rate.
        batch: pictures per step; an epoch leaves out the last incomplete batch.
        precision: of convolutions and products in training. With bfloat16 instructions half the width took
            two thirds of the time; processors without them take many times longer.
        progress: called after every epoch.

    Returns:
        Processor seconds that training took.

    Raises:
        ConfigError: after an epoch the network is no longer finite.
    """
    start = time.process_time()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, weight_decay=1e-2)
    pictures = len(rows[0])
    batch = min(batch, pictures)
    steps = pictures // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    generator = torch.Generator().manual_seed(seed)
    train_mode(network)
    for epoch in range(epochs):
        order = torch.randperm(pictures, generator=generator)
        for chosen in torch.split(order[: steps * batch], batch):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                value = loss(*(tensor[chosen] for tensor in rows))
            value.backward()
            optimizer.step()
            schedule.step()
        if not all(bool(values.isfinite().all()) for values in network.state_dict().values()):
            raise ConfigError(
                "rate",
                f"{rate} is too high: after {epoch + 1} of {epochs} epochs the weights are NaN or infinite; "
                "lower it",
            )
        progress()
    network.eval()
    return time.process_time() - start


def freeze_modules(*modules: nn.Module) -> None:
    """Freeze modules: `train_network` changes neither their weights nor their batch statistics."""
    for module in modules:
        module.requires_grad_(False)


def logits(network: nn.Module, images: NDArray[np.uint8], batch: int = 1000) -> NDArray[np.float32]:
    """Logits of all X exits of a network for S pictures: (X, S, C)."""
    network.eval()
    with torch.inference_mode():
        found = [network(pixels(images[i : i + batch])) for i in range(0, len(images), batch)]
    joined: NDArray[np.float32] = torch.cat(found, dim=1).numpy()
    return joined


def accuracy(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of right answers of every exit, (X,), from logits (X, S, C) and labels (S,)."""
    return (scores.argmax(axis=-1) == labels).mean(axis=-1)


def train_mode(network: nn.Module) -> None:
    """Training mode for what has weights to train; what is frozen keeps its batch statistics and ranges."""
    network.train()
    for module in network.modules():
        weights = list(module.parameters())
        if weights and not any(weight.requires_grad for weight in weights):
            module.eval()
