"""Reading trained weights only: an untrusted file cannot run code here."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import torch

from idn_gym.config_reader import ConfigError

_DAMAGED = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, EOFError),
    *(OverflowError, MemoryError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error),
)
"""Errors of reading damaged files."""


def read_tensors(path: str | Path) -> Any:
    """Read tensors, numbers and texts in dicts and lists, as `torch.save` wrote them.

    Raises:
        ConfigError: the file cannot be read, is damaged, or holds other objects.
    """
    try:
        with Path(path).open("rb") as file:
            return _load(file)
    except _DAMAGED as error:
        raise _refusal(path, error) from None


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read the weights of all networks in a policy.zip of Stable-Baselines3, by name.

    Raises:
        ConfigError: the file cannot be read, is damaged, or holds other objects than tensors.
    """
    try:
        with zipfile.ZipFile(path) as file:
            weights = _load(io.BytesIO(file.read("policy.pth")))
    except _DAMAGED as error:
        raise _refusal(path, error) from None
    if not isinstance(weights, dict) or not all(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        raise ConfigError(str(path), "holds something other than weights")
    return weights


def steps_of(path: str | Path) -> int:
    """Read the number of environment steps for which a policy.zip of Stable-Baselines3 was trained.

    Raises:
        ConfigError: the file cannot be read, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return int(json.loads(file.read("data"))["num_timesteps"])
    except _DAMAGED as error:
        raise _refusal(path, error) from None


def _load(file: IO[bytes]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's warnings about the format of the file
        return torch.load(file, map_location="cpu", weights_only=True)


def _refusal(path: str | Path, error: BaseException) -> ConfigError:
    """Shorten torch's message, which is long and advises to trust the file."""
    if isinstance(error, OSError) and error.strerror:
        return ConfigError(str(path), f"cannot be read ({error.strerror})")
    return ConfigError(str(path), f"is damaged, or holds other objects than tensors ({type(error).__name__})")
