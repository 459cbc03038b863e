"""Other data that a device could send: the picture, raw or as PNG or JPEG, and quantised feature maps."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray
from torch import nn

from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.insertion import crossing_bytes
from idn_gym.lab.training.data import Data
from idn_gym.lab.training.loop import accuracy, logits, pixels
from idn_gym.lab.training.quantized_cuts import quantize_cuts

try:
    from PIL import Image
except ImportError as error:
    raise DependencyNotInstalled(
        f'{error.name} is not installed; run `pip install "idn-gym[lab]"`'
    ) from error

QUALITIES = (5, 10, 25, 50, 75, 90)


class Sent(NamedTuple):
    """One way to send a picture to where the rest of a network is."""

    name: str
    payload: float
    """[bytes] per picture, headers included; mean over the test pictures"""
    accuracy: float
    """of the last exit on the test pictures"""


def png_bytes(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bytes of each of the pictures (S, 1, H, W) as an optimised PNG, (S,)."""
    return np.array([len(_encode(image, "PNG", optimize=True)) for image in images[:, 0]])


def jpeg(
    images: NDArray[np.uint8], quality: int, optimize: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures (S, 1, H, W) as they come out of JPEG, and the bytes of each, (S,).

    With `optimize` each file has Huffman tables of its own instead of the standard's, which in small pictures
    are most of the file; the pictures are the same.
    """
    files = [_encode(image, "JPEG", quality=quality, optimize=optimize) for image in images[:, 0]]
    decoded = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])[:, None]
    return decoded, np.array([len(file) for file in files])


def send_pictures(network: nn.Module, data: Data) -> tuple[Sent, ...]:
    """Raw, as PNG, and as JPEG at `QUALITIES`, plain and optimised, answered by `network`."""
    images, labels = data.test
    exact = float(accuracy(logits(network, images), labels)[-1])
    found = [Sent("raw", data.raw_bytes, exact), Sent("png", float(png_bytes(images).mean()), exact)]
    for quality in QUALITIES:
        decoded, sizes = jpeg(images, quality)
        share = float(accuracy(logits(network, decoded), labels)[-1])
        smaller = jpeg(images, quality, optimize=True)[1]
        found.append(Sent(f"jpeg{quality}", float(sizes.mean()), share))
        found.append(Sent(f"jpeg{quality}-optimised", float(smaller.mean()), share))
    return tuple(found)


def cut_chain(chain: Chain, after: int, data: Data, bits: int = 8) -> Sent:
    """Cut a trained chain after some tiers and send the map, `bits` per value; nothing is trained for it.

    The range of the quantiser is taken from validation pictures.
    """
    images = pixels(data.validation.images)
    parted = quantize_cuts(chain, [(images,)], bits, after=(after,))
    share = float(accuracy(logits(parted, data.test.images), data.test.labels)[-1])
    return Sent(f"cut{after}-int{bits}", crossing_bytes(parted, images[:1])[after - 1], share)


def _encode(image: NDArray[np.uint8], form: str, **options: int | bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form, **options)
    return buffer.getvalue()
