"""Networks with exits and bottlenecks that were made elsewhere, as entries of the catalogue."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from idn_gym.catalog import Exit, Measured, Model, OperatingPoint, Provenance
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.lab.networks.chain import Chain, macs_to_exits
from idn_gym.lab.networks.insertion import crossing_bytes, latent_bits
from idn_gym.lab.networks.work import block_of, chain_work
from idn_gym.lab.training.deploy import Kind, TrainedNetwork, screened_points
from idn_gym.lab.training.loop import loader_logits
from idn_gym.lab.training.quantized_cuts import QuantizedTier


def judge_network(
    network: Chain, validation: Iterable[Sequence[Tensor]], test: Iterable[Sequence[Tensor]]
) -> TrainedNetwork:
    """A trained network with what it answers: what `chain_entry` and `lab_report` read.

    Args:
        network: such as `insert_bottleneck` and `with_exits` return.
        validation: loader of inputs and labels that thresholds and temperatures are fitted on.
        test: loader of inputs and labels that accuracies are measured on; none of the others.

    Raises:
        ConfigError: the network is no chain, or a loader gives nothing, or something else than inputs and
            labels of its classes.
    """
    if not isinstance(network, Chain):
        raise ConfigError(
            "network",
            f"{type(network).__name__} is not allowed; must be a chain, such as "
            "with_exits(network, example, {}) makes of any network",
        )
    scores, labels = loader_logits(network, validation, "validation")
    others, truth = loader_logits(network, test, "test")
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
    kept, and points at which nobody leaves early are left out for ``last``. A point that something else
    beats (`dominated_points`) brings a `UserWarning`. Without a quantiser at the cut, accuracies are those of
    exact values, for any `bytes_per_value`; `quantize_cuts` puts quantisers there.

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
    network = _trained_chain(trainings)
    sent = (*crossing_bytes(network, example, bytes_per_value), 0.0)
    works = chain_work(network, example)
    rows = zip(works, sent, strict=True)
    blocks = (block_of(f"tier{i}", *row) for i, row in enumerate(rows, start=1))
    held = (work.activations for work in works)
    entry = Model(
        name=name,
        task=task,
        family=family,
        kind=_kind(network),
        blocks=tuple(replace(block, activations=most) for block, most in zip(blocks, held, strict=True)),
        points=chain_points(trainings, network, example)[0],
        outcome="measured",
        input=float(input_bytes),
        seconds=seconds,
        provenance=_provenance(source, bytes_per_value),
    )
    # Only reading checks the bounds of plain numbers.
    checked = from_plain(Model, to_plain(entry), name)
    alone = Chain(list(network.tiers), {len(network.tiers): network.heads[str(len(network.tiers))]})
    for sentence in dominated_points(checked, macs_to_exits(alone, example)[-1]):
        warnings.warn(f"{name}: {sentence}", stacklevel=2)
    return checked


def _trained_chain(trainings: Sequence[TrainedNetwork]) -> Chain:
    """The network of the first training.

    Raises:
        ConfigError: no training, or one of no chain.
    """
    # One training is a tuple as well.
    plain = isinstance(trainings, TrainedNetwork) or not all(isinstance(t, TrainedNetwork) for t in trainings)
    network = trainings[0].network if trainings and not plain else None
    if not isinstance(network, Chain):
        raise ConfigError(
            "trainings", "must be one trained chain at least, as a list of what judge_network returns"
        )
    return network


def _provenance(source: str, bytes_per_value: float) -> tuple[Provenance, Provenance]:
    """Where the numbers of blocks and of points come from."""
    counted = "blocks.macs, blocks.layers, blocks.weights, blocks.output, blocks.activations"
    export = (
        f"torch.export of the tiers, torch {torch.__version__}; "
        f"{bytes_per_value:g} bytes per value that is not quantised"
    )
    return (
        Provenance(counted, export, "derived"),
        Provenance("points.accuracy, points.exits", source, "measured"),
    )


def dominated_points(entry: Model, plain_macs: float) -> list[str]:
    """Sentences on operating points that the network without early exits beats, with no more operations.

    Args:
        entry: whose last point is that at which nobody leaves early.
        plain_macs: [MAC] of the network without early heads, as accurate as that point.
    """
    *early, last = entry.points
    return [
        f"point {point.name!r} is right in {point.accuracy:.1%} with {mean_macs(entry, point):,.0f} MACs on "
        f"average, no early exit at all in {last.accuracy:.1%} with {plain_macs:,.0f}; train its exits "
        "longer, move them back or leave them out"
        for point in early
        if point.accuracy < last.accuracy and mean_macs(entry, point) >= plain_macs
    ]


def mean_macs(entry: Model, point: OperatingPoint) -> float:
    """[MAC] of an input on average at an operating point, heads included."""
    survival = point.survival(len(entry.blocks))
    return math.fsum(share * block.macs for share, block in zip(survival, entry.blocks, strict=True))


def chain_points(
    trainings: Sequence[TrainedNetwork], network: Chain, example: Tensor
) -> tuple[tuple[OperatingPoint, ...], dict[str, tuple[float, ...]]]:
    """Operating points of a chain, and the first training's thresholds of each.

    Args:
        trainings: the same network from one or more seeds.
        network: of the first of them.
        example: (1, ...) input.
    """
    accuracy = sum(one.accuracy for one in trainings) / len(trainings)
    end, early = (Exit(len(network.tiers), 1.0, accuracy),), len(network.after) - 1
    if not early:
        return (OperatingPoint("full", end),), {"full": ()}
    found, thresholds = screened_points(trainings, network.after, macs_to_exits(network, example))
    # Where exits save nothing, points come out as the last exit alone.
    points = (*(point for point in found if len(point.exits) > 1), OperatingPoint("last", end))
    # Entropies are from 0 to 1.
    known = {**thresholds, "last": (-1.0,) * early}
    return points, {point.name: known[point.name] for point in points}


def _kind(network: Chain) -> Kind:
    squeezed = any(
        latent_bits(tier) is not None and not isinstance(tier, QuantizedTier) for tier in network.tiers
    )
    if len(network.after) > 1:
        return "bottleneck+exits" if squeezed else "exits"
    if squeezed:
        return "bottleneck"
    return "split" if len(network.tiers) > 1 else "whole"
