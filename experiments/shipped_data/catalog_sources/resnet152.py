"""ResNet-152, plain and with BottleFit's bottleneck, counted from the architecture."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from experiments.shipped_data.catalog_sources.layers import NORM, Layer, block, dense, full
from idn_gym.catalog import Model, Provenance


def resnet152_models() -> tuple[Model, Model]:
    """The plain network and the one with the bottleneck."""
    given = facts("bottlefit.yaml")
    return _plain(given), _bottleneck(given)


def jpeg_bytes() -> float:
    """Bytes [bytes] of an ImageNet picture as a JPEG: payload / (1 - compression), to four digits."""
    given = facts("bottlefit.yaml")
    return digits(given["payload_bytes"] / (1 - given["compression"]), 4)


def jpeg_provenance() -> tuple[Provenance, ...]:
    """Source of that size."""
    return provenance(facts("bottlefit.yaml")["provenance"]["jpeg"])


def network(name: str) -> list[Layer]:
    """Layers of a ResNet with bottleneck units, such as "resnet50"."""
    given = facts("bottlefit.yaml")
    shape, depths = given["resnet"], given["depths"][name]
    stages = [
        unit for stage, depth in zip(shape["stages"], depths, strict=True) for unit in _stage(stage, depth)
    ]
    return [Layer(**shape["stem"]), *stages, dense(shape["features"], shape["classes"])]


def _stage(stage: dict[str, Any], depth: int) -> list[Layer]:
    """Units of 1x1, 3x3 and 1x1 convolutions; the first halves the map and projects its input.

    The 3x3 convolution takes the stride, so the first 1x1 still works on the map of the stage
    before (He et al. 2016, in the variant that torchvision trained).
    """
    expansion = facts("bottlefit.yaml")["resnet"]["expansion"]
    width, side, inputs = stage["width"], stage["side"], stage["inputs"]
    outputs = width * expansion
    before = side if inputs == width else 2 * side
    layers = [Layer(1, inputs, outputs, side)]
    for unit in range(depth):
        layers += [
            Layer(1, outputs if unit else inputs, width, side if unit else before),
            Layer(3, width, width, side),
            Layer(1, width, outputs, side),
        ]
    return layers


def _plain(given: dict[str, Any]) -> Model:
    blocks = (block("all", network("resnet152"), output=0),)
    return Model(
        name="resnet152",
        task=given["task"],
        family="resnet",
        kind="whole",
        blocks=blocks,
        points=full(blocks, given["accuracy"]),
        outcome="published",
        input=jpeg_bytes(),
        provenance=jpeg_provenance() + provenance(given["provenance"]["plain"]),
    )


def _bottleneck(given: dict[str, Any]) -> Model:
    shape, depths = given["resnet"], given["depths"]["resnet152"]
    tail = [Layer(**layer) for layer in given["decoder"]]
    for stage, depth in zip(shape["stages"], depths, strict=True):
        if stage["name"] in given["kept_stages"]:
            tail += _stage(stage, depth)
    tail.append(dense(shape["features"], shape["classes"]))
    head = [Layer(**layer) for layer in given["encoder"]]
    blocks = (
        block("encoder", head, given["payload_bytes"], NORM * sum(given["encoder_norm"])),
        block("decoder_and_tail", tail, 0, NORM * sum(given["decoder_norm"])),
    )
    accuracy = digits(given["accuracy"] - given["loss"])
    return Model(
        name="resnet152_bottlefit",
        task=given["task"],
        family="resnet",
        kind="bottleneck",
        blocks=blocks,
        points=full(blocks, accuracy),
        outcome="published",
        input=jpeg_bytes(),
        provenance=jpeg_provenance() + provenance(given["provenance"]["bottleneck"]),
    )
