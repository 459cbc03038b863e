"""Pictures to train and measure on: Fashion-MNIST and scikit-learn's digits. Nothing is downloaded."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from idn_gym.config_reader import ConfigError, closest

DATA_SETS = ("fashion", "digits")
DATA_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""where the Debian package ``dataset-fashion-mnist`` puts its files"""
VARIABLE = "FASHION_MNIST"
"""environment variable that names another folder"""
SPLIT_SEED = 20_240_501
MAGIC = {1: 0x801, 3: 0x803}
"""first four bytes of an IDX file of bytes, by its number of axes"""


class Pictures(NamedTuple):
    """Pictures and what they show."""

    images: NDArray[np.uint8]  # (S, 1, H, W)
    labels: NDArray[np.int64]  # (S,) class of each picture


class Data(NamedTuple):
    """A data set in three parts that share no picture."""

    name: str
    classes: int
    train: Pictures
    validation: Pictures
    """for thresholds and calibration"""
    test: Pictures
    """for the numbers that are reported, and nothing else"""

    @property
    def side(self) -> int:
        """Pixels along one side; pictures are square."""
        return self.train.images.shape[-1]

    @property
    def raw_bytes(self) -> int:
        """Bytes of one raw picture: one per pixel."""
        return self.train.images[0].size


def load_data(name: Literal["fashion", "digits"], folder: str | Path | None = None) -> Data:
    """Load a data set with its fixed split.

    Args:
        name: ``fashion`` (28 x 28; 55,000 pictures to train, 5,000 to validate, the publisher's 10,000 to
            test) or ``digits`` (8 x 8; 997, 300 and 500).
        folder: where the four ``.gz`` files of Fashion-MNIST are; None: the folder that the environment
            variable ``FASHION_MNIST`` names, else that of the Debian package.

    Raises:
        ConfigError: an unknown name, or files that are missing or damaged.
        DependencyNotInstalled: the digits need scikit-learn, which is missing.
    """
    if name == "digits":
        return _digits()
    if name == "fashion":
        return _fashion(Path(folder or os.environ.get(VARIABLE) or DATA_FOLDER))
    raise ConfigError("data", f"{name!r} is not allowed; {closest(name, DATA_SETS)}")


def use_folder(folder: str | Path | None) -> None:
    """Read Fashion-MNIST from a folder from now on, in this process and those that it starts.

    Args:
        folder: where its four ``.gz`` files are; None: nothing changes.
    """
    if folder is not None:
        os.environ[VARIABLE] = str(folder)


def _fashion(folder: Path) -> Data:
    images, labels = (
        _read_idx(folder / f"train-{kind}.gz") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    test = [_read_idx(folder / f"t10k-{kind}.gz") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    train, validation = _split(images, labels, 5_000)
    return Data("fashion", 10, train, validation, _part(*test))


def _digits() -> Data:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DependencyNotInstalled("The digits need scikit-learn: pip install 'idn-gym[lab]'") from None
    digits = load_digits()
    # Grey values 0 to 16 become 0 to 255, one byte per pixel like any picture.
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    rest, test = _split(images, digits.target, 500)
    train, validation = _split(rest.images[:, 0], rest.labels, 300)
    return Data("digits", 10, train, validation, test)


def _split(images: NDArray[np.uint8], labels: NDArray[np.integer], held: int) -> tuple[Pictures, Pictures]:
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    return (
        _part(images[order[held:]], labels[order[held:]]),
        _part(images[order[:held]], labels[order[:held]]),
    )


def _part(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Pictures:
    return Pictures(np.ascontiguousarray(images[:, None]), labels.astype(np.int64))


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file: magic number, one big-endian length per axis, then the bytes."""
    try:
        raw = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            str(path),
            "does not exist; `make data` installs Fashion-MNIST (Debian's dataset-fashion-mnist), and "
            f"the option --data or the environment variable {VARIABLE} names another folder",
        ) from None
    except (OSError, EOFError) as error:
        raise ConfigError(str(path), f"cannot be read as gzip ({error})") from None
    axes = raw[3] if len(raw) > 3 else 0
    lengths = np.frombuffer(raw, ">u4", axes, 4) if len(raw) >= 4 + 4 * axes else np.zeros(1)
    if int.from_bytes(raw[:4], "big") != MAGIC.get(axes) or len(raw) != 4 + 4 * axes + lengths.prod():
        raise ConfigError(str(path), "is not an IDX file of bytes, or is truncated")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(lengths)
