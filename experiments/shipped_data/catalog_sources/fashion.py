"""Fashion-MNIST miniatures: naive cuts, early exits, bottlenecks, and both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from experiments.shipped_data.catalog_sources.facts import facts, provenance
from experiments.shipped_data.catalog_sources.layers import Layer, block, dense, full
from idn_gym.catalog import Block, Exit, Model, OperatingPoint


def fashion_models() -> tuple[Model, ...]:
    """The baseline, its early-exit twin, and one model per bottleneck."""
    given = facts("fashion.yaml")
    return (
        _baseline(given),
        _exits(given),
        *(_bottleneck(given, row) for row in given["bottlenecks"]),
        *(_early_label(given, row) for row in given["early_labels"]),
    )


def encoder(channels: int) -> list[Layer]:
    """Layers on the device's side of a bottleneck."""
    return _layers(facts("fashion.yaml")["encoder"], channels)


def _baseline(given: dict[str, Any]) -> Model:
    blocks = [block(t["name"], _layers(t["layers"]), t["output"]) for t in given["tiers"]]
    points = full(blocks, given["baseline_accuracy"])
    return _model(given, "fashion_cnn", "split", blocks, points, "baseline")


def _exits(given: dict[str, Any]) -> Model:
    blocks = [
        block(t["name"], _layers(t["layers"]) + _layers(t["exit_head"]), t["output"]) for t in given["tiers"]
    ]
    points = [_point(row["name"], row["accuracy"], row["exits"]) for row in given["front"]]
    return _model(given, "fashion_branchy", "exits", blocks, points, "exits")


def _bottleneck(given: dict[str, Any], row: dict[str, Any]) -> Model:
    blocks = _two_blocks(given, row["channels"], [])
    name = f"fashion_bottleneck_{blocks[0].output:.0f}"
    return _model(given, name, "bottleneck", blocks, full(blocks, row["accuracy"]), "bottleneck")


def _early_label(given: dict[str, Any], row: dict[str, Any]) -> Model:
    head = dense(row["channels"] * given["map_side"] ** 2, given["classes"])
    blocks = _two_blocks(given, row["channels"], [head])
    points = [
        _point(point["name"], point["accuracy"], [100 - point["offloaded"], point["offloaded"]])
        for point in row["points"]
    ]
    name = f"fashion_early_{blocks[0].output:.0f}"
    return _model(given, name, "bottleneck+exits", blocks, points, "early_label")


def _two_blocks(given: dict[str, Any], channels: int, head: list[Layer]) -> list[Block]:
    """Encoder (and local head), then decoder and the last tier."""
    tail = _layers(given["decoder"], channels) + _layers(given["tiers"][-1]["layers"])
    payload = channels * given["map_side"] ** 2
    return [block("encoder", encoder(channels) + head, payload), block("decoder_and_tail", tail, 0)]


def _layers(rows: list[dict[str, Any]], channels: int = 0) -> list[Layer]:
    """Layers of the fact file; `channels` stands for the word in its rows."""
    return [
        Layer(**{key: channels if value == "channels" else value for key, value in row.items()})
        for row in rows
    ]


def _point(name: str, accuracy: float, shares: Sequence[float]) -> OperatingPoint:
    """An operating point that knows only its mean accuracy; exits that nothing takes are dropped.

    Shares are scaled to add up to 1. The last exit stays, since a model must end somewhere.
    """
    last = len(shares)
    total = sum(shares)
    exits = tuple(
        Exit(after, share / total, accuracy)
        for after, share in enumerate(shares, start=1)
        if share > 0 or after == last
    )
    return OperatingPoint(name, exits)


def _model(
    given: dict[str, Any],
    name: str,
    kind: Literal["split", "bottleneck", "exits", "bottleneck+exits"],
    blocks: list[Block],
    points: Sequence[OperatingPoint],
    sources: str,
) -> Model:
    return Model(
        name=name,
        task=given["task"],
        family=given["family"],
        kind=kind,
        blocks=tuple(blocks),
        points=tuple(points),
        outcome="measured",
        input=float(given["input_bytes"]),
        provenance=provenance(given["provenance"]["all"] + given["provenance"][sources]),
    )
