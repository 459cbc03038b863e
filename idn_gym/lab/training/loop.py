"""One training loop for every recipe, and the logits of a trained network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from idn_gym.config_reader import ConfigError
from idn_gym.lab.training.batches import check_batch, check_labels, check_loss, check_place
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
        answers = network(images).float()
        if answers.ndim != 3 or len(answers) != len(weights):
            raise ConfigError(
                "weights",
                f"{tuple(weights)} is not allowed; must be one per exit of a chain, here of logits "
                f"{tuple(answers.shape)}",
            )
        check_labels(labels, answers.shape[1], answers.shape[2], soft=True)
        terms = [
            weight * functional.cross_entropy(scores, labels)
            for weight, scores in zip(weights, answers, strict=True)
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
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = _Shuffled(rows, min(batch, len(rows[0])), seed)
    return train_on(network, loss, batches, epochs, rate=rate, precision=precision, progress=progress)


def train_on(
    network: nn.Module,
    loss: Loss,
    loader: Iterable[Sequence[Tensor]],
    epochs: int,
    *,
    rate: float = 3e-3,
    precision: Precision = "single",
    progress: Callable[[], object] = lambda: None,
) -> float:
    """Train what is not frozen in `network` on any data loader, with AdamW and the one-cycle schedule.

    Args:
        network: changed in place; on return in evaluation mode.
        loss: what to lower; called with the tensors of one batch, as `cross_entropy` is with inputs and
            labels.
        loader: gives batches, each a sequence of tensors, and knows how many; it is gone through once per
            epoch, as a `torch.utils.data.DataLoader` is. Order and augmentation are its own, and so are
            their seeds.
        epochs: passes over the loader.
        rate: peak learning rate.
        precision: of convolutions and products in training, see `train_network`.
        progress: called after every epoch.

    Returns:
        Processor seconds that training took.

    Raises:
        ConfigError: the loader does not know how many batches it has, or has none, or gives something else
            than tuples of tensors that the loss takes; or after an epoch the network is no longer finite.
    """
    start = time.process_time()
    steps = len(loader) if isinstance(loader, Sized) else 0
    if not steps:
        raise ConfigError("loader", "has no batches, or does not know how many; must have a length above 0")
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    train_mode(network)
    for epoch in range(epochs):
        for given in loader:
            batch = check_batch(given)
            check_place(batch, network)
            check_loss(loss, batch)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                value = loss(*batch)
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


class _Shuffled:
    """Rows of tensors in batches, in a new order in every pass; the last incomplete batch is left out."""

    def __init__(self, rows: tuple[Tensor, ...], batch: int, seed: int) -> None:
        self._rows, self._batch = rows, batch
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self._rows[0]) // self._batch

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = torch.randperm(len(self._rows[0]), generator=self._generator)
        for chosen in torch.split(order[: len(self) * self._batch], self._batch):
            yield tuple(tensor[chosen] for tensor in self._rows)


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


def loader_logits(
    network: nn.Module, loader: Iterable[Sequence[Tensor]], key: str = "loader"
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits (X, S, C) of all X exits for the inputs of a loader, and their labels (S,).

    Args:
        network: gives logits (X, B, C).
        loader: gives batches of inputs and labels; one that shuffles gives both in the same order.
        key: of messages.

    Raises:
        ConfigError: the loader gives nothing, or something else than inputs and labels of the network's
            classes.
    """
    network.eval()
    scores, labels = [], []
    with torch.inference_mode():
        for given in loader:
            batch = check_batch(given, key)
            if len(batch) != 2:
                raise ConfigError(key, f"gives {len(batch)} tensors per batch; must be inputs and labels")
            check_place(batch, network, key)
            inputs, truth = batch
            found = network(inputs).float()
            check_labels(truth, found.shape[1], found.shape[2], key=key)
            scores.append(found.cpu())
            labels.append(truth.long().cpu())
    if not scores:
        raise ConfigError(key, "gives no batch; must give one at least")
    return torch.cat(scores, dim=1).numpy(), torch.cat(labels).numpy()


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
