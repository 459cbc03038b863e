"""Networks with exits and bottlenecks that were made elsewhere, as entries of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from idn_gym.catalog import Exit, Measured, Model, OperatingPoint, Provenance
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.lab.networks.chain import Chain, macs_to_exits
from idn_gym.lab.networks.insertion import crossing_bytes, latent_bits
from idn_gym.lab.networks.work import block_of, chain_work
from idn_gym.lab.training.deploy import Kind, TrainedNetwork, screened_points
from idn_gym.lab.training.loop import loader_logits


def judge_network(
    network: Chain, validation: Iterable[Sequence[Tensor]], test: Iterable[Sequence[Tensor]]
) -> TrainedNetwork:
    """A trained network with what it answers: what `chain_entry` and `lab_report` read.

    Args:
        network: such as `insert_bottleneck` and `with_exits` return.
        validation: loader of inputs and labels that thresholds and temperatures are fitted on.
        test: loader of inputs and labels that accuracies are measured on; none of the others.
    """
    scores, labels = loader_logits(network, validation)
    others, truth = loader_logits(network, test)
    return TrainedNetwork(network, scores, others, labels, truth)


def chain_entry(
    name: str,
    trainings: Sequence[TrainedNetwork],
    example: Tensor,
    *,
    task: str,
    source: str,
    input_bytes: float,
    bytes_per_value: float = 4.0,
    family: str = "own",
    seconds: tuple[Measured, ...] = (),
) -> Model:
    """An entry with the cuts, bottlenecks and exits of a trained chain, with measured accuracies.

    Each tier, with the head after it, is a block. Where there are early exits the entry has the operating
    points ``thrifty``, ``balanced`` and ``careful`` of the networks that ship, with thresholds screened on
    validation data by mean operations, and ``last``, where nobody leaves early; of equal ones the first is
    kept. Without a quantiser at the cut, accuracies are those of exact values, for any `bytes_per_value`.

    Args:
        name: of the entry; must be new.
        trainings: the same network from one or more seeds; shares and accuracies are means over them.
        example: (1, ...) input.
        task: of the catalogue, or of one's own.
        source: data, split and seeds of the accuracies.
        input_bytes: [bytes] of the raw input as a device would send it.
        bytes_per_value: [bytes] on the wire of a value that is not quantised.
        family: free label.
        seconds: measured ones per device; others follow the laws of the devices.

    Raises:
        ConfigError: no training, one of no chain, or a number out of bounds.
    """
    network = trainings[0].network if trainings else None
    if not isinstance(network, Chain):
        raise ConfigError("trainings", "must be one trained chain at least")
    sent = (*crossing_bytes(network, example, bytes_per_value), 0.0)
    rows = zip(chain_work(network, example), sent, strict=True)
    counted = "blocks.macs, blocks.layers, blocks.weights, blocks.output"
    export = (
        f"torch.export of the tiers, torch {torch.__version__}; "
        f"{bytes_per_value:g} bytes per value that is not quantised"
    )
    entry = Model(
        name=name,
        task=task,
        family=family,
        kind=_kind(network),
        blocks=tuple(block_of(f"tier{i}", *row) for i, row in enumerate(rows, start=1)),
        points=_points(trainings, network, example),
        outcome="measured",
        input=float(input_bytes),
        seconds=seconds,
        provenance=(
            Provenance(counted, export, "derived"),
            Provenance("points.accuracy, points.exits", source, "measured"),
        ),
    )
    # Only reading checks the bounds of plain numbers.
    return from_plain(Model, to_plain(entry), name)


def _points(
    trainings: Sequence[TrainedNetwork], network: Chain, example: Tensor
) -> tuple[OperatingPoint, ...]:
    accuracy = sum(one.accuracy for one in trainings) / len(trainings)
    end = Exit(len(network.tiers), 1.0, accuracy)
    if len(network.after) == 1:
        return (OperatingPoint("full", (end,)),)
    found, _ = screened_points(trainings, network.after, macs_to_exits(network, example))
    last = OperatingPoint("last", (end,))
    return (*found, *(() if any(len(point.exits) == 1 for point in found) else (last,)))


def _kind(network: Chain) -> Kind:
    squeezed = any(latent_bits(tier) is not None for tier in network.tiers)
    if len(network.after) > 1:
        return "bottleneck+exits" if squeezed else "exits"
    if squeezed:
        return "bottleneck"
    return "split" if len(network.tiers) > 1 else "whole"
