"""What data loaders give: checked once per batch, so that a mistake is one sentence and no trace of torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from idn_gym.config_reader import ConfigError, show


def check_batch(batch: Any, key: str = "loader") -> Sequence[Tensor]:
    """A batch as losses take it: a tuple or list of tensors.

    Raises:
        ConfigError: it is something else, such as a dict.
    """
    if isinstance(batch, (tuple, list)) and batch and all(isinstance(one, Tensor) for one in batch):
        return batch
    kind = f"{type(batch).__name__} of {show(list(batch))}" if isinstance(batch, dict) else _kinds(batch)
    raise ConfigError(
        key,
        f"gives a {kind} for a batch; must give tuples of tensors, such as (inputs, labels): set collate_fn "
        "of the DataLoader, or wrap it in a list of such tuples",
    )


def check_place(batch: Sequence[Tensor], network: nn.Module, key: str = "loader") -> None:
    """Check that a batch lies where the network does.

    Raises:
        ConfigError: on another device.
    """
    for weight in network.parameters():
        for tensor in batch:
            if tensor.device != weight.device:
                places = f"gives tensors on {tensor.device}, the network is on {weight.device}"
                raise ConfigError(key, f"{places}; must be the same device")
        return  # its weights lie together


def check_loss(loss: Callable[..., object], batch: Sequence[Tensor]) -> None:
    """Check that a loss takes as many tensors as a batch has.

    Raises:
        ConfigError: it takes more or fewer.
    """
    try:
        asked = inspect.signature(loss)
    except (TypeError, ValueError):  # what is not written in Python has no signature
        return
    try:
        asked.bind(*batch)
    except TypeError:
        names = ", ".join(asked.parameters)
        raise ConfigError(
            "loader", f"gives {len(batch)} tensors per batch; the loss takes {len(asked.parameters)}: {names}"
        ) from None


def check_labels(labels: Tensor, inputs: int, classes: int, soft: bool = False, key: str = "loader") -> None:
    """Check the labels of a batch.

    Args:
        labels: (B,) whole numbers from 0 to classes - 1.
        inputs: B.
        classes: that the network tells apart.
        soft: whether (B, classes) shares of the classes are labels as well.
        key: that is to blame.

    Raises:
        ConfigError: they are something else.
    """
    form = f"{str(labels.dtype).removeprefix('torch.')} {tuple(labels.shape)}"
    if soft and labels.is_floating_point() and tuple(labels.shape) == (inputs, classes):
        return
    whole = labels.dtype in (torch.int64, torch.uint8) or (not soft and labels.dtype in _WHOLE)
    if tuple(labels.shape) != (inputs,) or not whole:
        raise ConfigError(key, f"gives labels {form} for {inputs} inputs; must be int64 ({inputs},), classes")
    if labels.is_meta or not inputs:
        return
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= classes:
        raise ConfigError(
            key,
            f"gives labels from {least} to {most}; must be 0 to {classes - 1}, since the network gives "
            f"{classes} logits",
        )


_WHOLE = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)


def _kinds(batch: Any) -> str:
    """What a batch is, by its type and those of its parts."""
    if isinstance(batch, (tuple, list)):
        inside = ", ".join(dict.fromkeys(type(one).__name__ for one in batch)) or "nothing"
        return f"{type(batch).__name__} of {inside}"
    return type(batch).__name__
