"""Your own network as an entry of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from idn_gym.catalog import Exit, Measured, Model, OperatingPoint, Provenance
from idn_gym.config_reader import from_plain, to_plain
from idn_gym.lab.profiling.cuts import Cut, blocks
from idn_gym.lab.profiling.graph import OperatorGraph


def catalog_entry(
    name: str,
    graph: OperatorGraph,
    cuts: tuple[Cut, ...] = (),
    *,
    task: str,
    accuracy: float,
    outcome: Literal["measured", "published"],
    source: str,
    input_bytes: float,
    bytes_per_value: float = 4.0,
    family: str = "own",
    seconds: tuple[Measured, ...] = (),
) -> Model:
    """A network without exits, whole or cut into blocks, as an entry that scenarios can name.

    Args:
        name: of the entry; must be new.
        graph: of `idn_gym.lab.profiling.graph.trace`.
        cuts: some of ``graph.cuts()``, in their order, neither input nor output; none: one whole block.
        task: of the catalogue, such as ``imagenet``.
        accuracy: share of right answers, 0 to 1, of the network cut and sent like this.
        outcome: whether the accuracy was measured for this entry or published by others.
        source: where the accuracy comes from: data, split and seed, or a reference.
        input_bytes: [bytes] of the raw input as a device would send it.
        bytes_per_value: [bytes] of an activation on the wire: 4 for fp32, 1 for int8.
        family: free label.
        seconds: measured ones per device; others follow the laws of the devices.

    Raises:
        ConfigError: a number out of bounds, or cuts that this network does not have.
    """
    weights = graph.weights(cuts)
    ends = graph.cuts()
    counted_parts = blocks([ends[0], *cuts, ends[-1]], bytes_per_value, weights)
    held = zip(counted_parts, graph.peak_bytes(cuts), strict=True)
    parts = tuple(replace(part, activations=float(most)) for part, most in held)
    export = (
        f"torch.export of the network, torch {torch.__version__}; {bytes_per_value:g} bytes per activation"
    )
    counted = "blocks.macs, blocks.layers, blocks.weights, blocks.output, blocks.activations"
    entry = Model(
        name=name,
        task=task,
        family=family,
        kind="split" if cuts else "whole",
        blocks=parts,
        points=(OperatingPoint("full", (Exit(len(parts), 1.0, accuracy),)),),
        outcome=outcome,
        input=float(input_bytes),
        seconds=seconds,
        provenance=(Provenance(counted, export, "derived"), Provenance("points.accuracy", source, outcome)),
    )
    # Only reading checks the bounds of plain numbers.
    return from_plain(Model, to_plain(entry), name)
