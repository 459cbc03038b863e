"""Networks for microcontrollers, and larger ones for the same tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from experiments.shipped_data.catalog_sources import devices
from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from experiments.shipped_data.catalog_sources.layers import full
from experiments.shipped_data.catalog_sources.steps import Step, elements, walk
from idn_gym.catalog import Block, Measured, Model
from idn_gym.lab.profiling.cuts import Cut, blocks, useful

MILLI = 1e-3


def tiny_models() -> tuple[Model, ...]:
    """The networks counted from their layers, then those of which only totals are published."""
    given = facts("tinyml.yaml")
    counted = (_counted(given, name, row) for name, row in given["counted"].items())
    return (*counted, *(_whole(given, row) for row in given["whole"]))


def network_steps(name: str) -> list[Step]:
    """Steps of a counted network."""
    row = facts("tinyml.yaml")["counted"][name]
    return list(walk(row["input"], row["layers"]))


def _counted(given: dict[str, Any], name: str, row: dict[str, Any]) -> Model:
    steps, size = list(walk(row["input"], row["layers"])), given["activation_bytes"]
    cuts, places = _cuts(row["input"], steps, given)
    received = elements(cuts[0].shape) * size  # type: ignore[arg-type]
    kept = useful(cuts, received, size)
    ends = [0, *(places[cuts.index(cut)] for cut in kept), len(steps)]
    parts = [steps[first:last] for first, last in pairwise(ends)]
    held = tuple(
        replace(block, activations=float(size * max(step.alive for step in part)))
        for block, part in zip(blocks([cuts[0], *kept, cuts[-1]], size), parts, strict=True)
    )
    return Model(
        name=name,
        task=row["task"],
        family=row["family"],
        kind="split",
        blocks=held,
        points=full(held, row["accuracy"]),
        outcome="published",
        input=float(received),
        seconds=_measured(row["bench"], parts) if "bench" in row else (),
        provenance=tuple(entry for key in row["sources"] for entry in provenance(given["provenance"][key])),
    )


def _cuts(shape: list[int], steps: Sequence[Step], given: dict[str, Any]) -> tuple[list[Cut], list[int]]:
    """Cuts that a single tensor crosses, and the number of steps before each."""
    cuts, places = [Cut("input", tuple(shape), elements((shape[0], shape[1], shape[2])), 0, 0, 0)], [0]
    macs = held = layers = 0
    for done, step in enumerate(steps, start=1):
        macs += step.dense + step.depthwise
        held += step.kernels + given["bias_bytes"] * step.biases
        layers += step.layers
        if step.alone:
            cuts.append(Cut(f"layer{layers}", step.shape, elements(step.shape), macs, held, layers))
            places.append(done)
    return cuts, places


def _measured(bench: str, parts: Sequence[Sequence[Step]]) -> tuple[Measured, ...]:
    """Published seconds of each device that ships, divided among blocks as its law divides them."""
    rows = []
    for row in devices.shipped_rows():
        milliseconds = row["bench_ms"].get(bench)
        if row["model_set"] == "mlperf_tiny" and milliseconds is not None:
            shares = [_law_seconds(row["latency_law"], part) for part in parts]
            seconds = (digits(milliseconds * MILLI * share / sum(shares)) for share in shares)
            rows.append(Measured(row["id"], tuple(seconds)))
    return tuple(rows)


def _law_seconds(law: dict[str, Any], part: Sequence[Step]) -> float:
    deep = law["depthwise_mac_per_s"] or law["dense_mac_per_s"]
    seconds = sum(step.dense / law["dense_mac_per_s"] + step.depthwise / deep for step in part)
    return float(seconds)


def _whole(given: dict[str, Any], row: dict[str, Any]) -> Model:
    parts = (Block("all", row["macs"], None, weights=row["weights"], activations=row["activations"]),)
    height, width, channels = row["input"]
    return Model(
        name=row["name"],
        task=given["whole_task"],
        family=given["whole_family"],
        kind="whole",
        blocks=parts,
        points=full(parts, row["accuracy"]),
        outcome="published",
        input=float(height * width * channels),
        provenance=provenance(given["provenance"]["whole"]),
    )
