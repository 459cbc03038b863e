"""Trained networks as entries of the catalogue: what can be placed, what crosses cuts, how accurate it is.

Accuracies and exit shares are means over the trainings (seeds) of a network, on test pictures; thresholds
are screened on validation pictures of each training by itself, on calibrated entropies as coarse as those of
the outcome tables (`idn_gym.lab.calibration.outcomes`), so that both tell the same of the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idn_gym.catalog import Block, Exit, Model, OperatingPoint, Provenance
from idn_gym.catalog.outcomes import ENTROPY_STEPS
from idn_gym.core.arrays import Bools, Floats
from idn_gym.lab.calibration.calibrate import Scaling, fit_exits
from idn_gym.lab.calibration.outcomes import kept_entropy
from idn_gym.lab.networks.chain import Chain, macs_to_exits
from idn_gym.lab.networks.ddnn import DDNN, VIEWS, Devices, binary, communication_bytes, quadrants
from idn_gym.lab.networks.exits import cheapest_setting, point_of_thresholds, screen
from idn_gym.lab.networks.work import Work, add_work, block_of, chain_work, work_of
from idn_gym.lab.training.codecs import cut_chain
from idn_gym.lab.training.data import Data
from idn_gym.lab.training.loop import pixels

_GATHERING = (
    Provenance("blocks.gateway.weights", "8,192 bytes of them to put views together", "assumption"),
)

FALL = {"thrifty": 0.02, "balanced": 0.005, "careful": 0.0}
"""Accuracy on validation pictures that an operating point may lose against the last exit."""

GATHERED = 8192.0
"""[bytes] that a gateway needs beside its weights to put views together, an assumption: more than is left on
a device with room for its own part, so that no device does what needs all of them."""

Kind = Literal["whole", "split", "bottleneck", "exits", "bottleneck+exits"]


class TrainedNetwork(NamedTuple):
    """A network trained from one seed, with its logits; X exits, S pictures, C classes."""

    network: Chain | DDNN
    validation: NDArray[np.floating]  # (X, S, C)
    test: NDArray[np.floating]  # (X, S, C)
    validation_labels: NDArray[np.int64]  # (S,)
    test_labels: NDArray[np.int64]  # (S,)

    @property
    def accuracy(self) -> float:
        """Accuracy of the last exit on test pictures."""
        return float((self.test[-1].argmax(axis=-1) == self.test_labels).mean())


class Parts(NamedTuple):
    """Parts of an entry."""

    blocks: tuple[Block, ...]
    points: tuple[OperatingPoint, ...]
    thresholds: Mapping[str, tuple[float, ...]]
    """of the first training, by point: calibrated normalised entropies up to which early exits answer"""


def whole(trainings: Sequence[TrainedNetwork], data: Data) -> Parts:
    """The network in one piece."""
    tiers = chain_work(_chain(trainings[0]), _example(data))
    return _plain((block_of("whole", add_work(tiers), 0.0),), _accuracy(trainings))


def naive(trainings: Sequence[TrainedNetwork], data: Data) -> Parts:
    """Cut where it stands, a byte per value; the accuracy is that of the worse of the two cuts."""
    worst = [min(cut_chain(_chain(one), after, data).accuracy for after in (1, 2)) for one in trainings]
    return _plain(_cut_blocks(_chain(trainings[0]), data), float(np.mean(worst)))


def exits(trainings: Sequence[TrainedNetwork], data: Data) -> Parts:
    """Cut after its tiers, with exits: one operating point per entry of `FALL`, by operations."""
    network = _chain(trainings[0])
    spent = macs_to_exits(network, _example(data))
    return Parts(_cut_blocks(network, data), *screened_points(trainings, network.after, spent))


def bottleneck(trainings: Sequence[TrainedNetwork], data: Data, payload: float) -> Parts:
    """Encoder, then decoder and tail; with an early label at the encoder the operating points use it."""
    network = _chain(trainings[0])
    first, *rest = chain_work(network, _example(data))
    blocks = (block_of("encoder", first, payload), block_of("decoder_and_tail", add_work(rest), 0.0))
    if len(network.after) == 1:
        return _plain(blocks, _accuracy(trainings))
    local = float(np.mean([(one.test[0].argmax(axis=-1) == one.test_labels).mean() for one in trainings]))
    alone = OperatingPoint("local", (Exit(1, 1.0, local), Exit(2, 0.0, 0.0)))
    remote = OperatingPoint("remote", (Exit(2, 1.0, _accuracy(trainings)),))
    points, thresholds = screened_points(trainings, (1, 2), (0.0, payload))
    # Entropies are from 0 to 1.
    return Parts(blocks, (*points, alone, remote), {**thresholds, "local": (1.0,), "remote": (-1.0,)})


def distributed(trainings: Sequence[TrainedNetwork], data: Data, devices: Devices) -> Parts:
    """Devices, gateway with the local exit, and cloud, for one view of a picture.

    A picture is as many requests as there are devices, each with the view of one. Work, weights and bytes of
    a device are its own; of what is done and sent for all views together each request has its part, layers
    rounded up, so that sums over the views are those of a picture. Devices send scores and features at once,
    so a local exit saves only what goes on to the cloud.
    """
    network = trainings[0].network
    assert isinstance(network, DDNN)
    view = quadrants(_example(data))[0]
    with torch.no_grad():
        features = binary(network.devices[0](view))
        scores = network.scores[0](features.flatten(1))
    body, head = work_of(network.devices[0], view), work_of(network.scores[0], features.flatten(1))
    device = add_work([body, head])
    gathered = torch.cat([scores] * VIEWS, dim=1) if devices.local == "concat" else scores
    # A maximum or mean takes one operation per score, and no weights.
    plain = Work(float(VIEWS * data.classes), 0, 0.0)
    gateway = work_of(network.gateway, gathered) if devices.local == "concat" else plain
    inputs = torch.cat([features] * VIEWS, dim=1) if devices.cloud == "concat" else features
    outputs = devices.outputs(data.side)
    both = communication_bytes(data.classes, 0.0, devices.filters, outputs)
    alone = communication_bytes(0, 0.0, devices.filters, outputs)
    blocks = (
        block_of("devices", device, both),
        block_of("gateway", _part_of_view(gateway._replace(weights=gateway.weights + GATHERED)), alone),
        block_of("cloud", _part_of_view(work_of(network.cloud, inputs)), 0.0),
    )
    return Parts(blocks, *screened_points(trainings, (2, 3), (0.0, alone)))


def _part_of_view(work: Work) -> Work:
    """Share of one view in the work for all views; weights are held once."""
    return Work(work.macs / VIEWS, -(-work.layers // VIEWS), work.weights)


def entry(
    name: str,
    kind: Kind,
    parts: Parts,
    data: Data,
    source: str,
    input_bytes: float | None = None,
    views: int = 1,
) -> Model:
    """The entry of a network, from what one of the functions above returned.

    Args:
        name: of the entry.
        kind: of the entry.
        parts: blocks and operating points.
        data: what the network was trained on.
        source: where the points come from.
        input_bytes: [bytes] of an input on the wire; None: raw.
        views: into which an input is cut; each is a request.
    """
    counted = "input, blocks.macs, blocks.layers, blocks.weights, blocks.output"
    export = f"torch.export of the network, torch {torch.__version__}"
    return Model(
        name=name,
        task=data.name,
        family=f"{data.name}_lab",
        kind=kind,
        blocks=parts.blocks,
        points=parts.points,
        outcome="measured",
        input=float(data.raw_bytes if input_bytes is None else input_bytes) / views,
        provenance=(
            Provenance(counted, export, "derived"),
            Provenance("points.accuracy, points.exits", source, "measured"),
            *(_GATHERING if views > 1 else ()),
        ),
    )


def _cut_blocks(network: Chain, data: Data) -> tuple[Block, ...]:
    """One block per tier with the head after it, a byte per value between them."""
    with torch.no_grad():
        sizes = [float(value[0].numel()) for value in network.maps(_example(data))]
    sizes[-1] = 0.0
    rows = zip(("tier1", "tier2", "tier3"), chain_work(network, _example(data)), sizes, strict=True)
    return tuple(block_of(*row) for row in rows)


def screened_points(
    trainings: Sequence[TrainedNetwork], after: Sequence[int], costs: Sequence[float]
) -> tuple[tuple[OperatingPoint, ...], dict[str, tuple[float, ...]]]:
    """The operating points of `FALL`, each the mean over the trainings, and the first one's thresholds."""
    found: dict[str, list[OperatingPoint]] = {name: [] for name in FALL}
    kept: dict[str, tuple[float, ...]] = {}
    for one in trainings:
        scalings = fit_exits(one.validation, one.validation_labels)
        validation, test = (
            _judged(scalings, *pair)
            for pair in ((one.validation, one.validation_labels), (one.test, one.test_labels))
        )
        front = screen(*validation, costs)
        last = float(validation[1][-1].mean())
        for name, fall in FALL.items():
            thresholds = cheapest_setting(front, last - fall).thresholds
            found[name].append(point_of_thresholds(name, *test, after, thresholds))
            kept.setdefault(name, thresholds)
    means = [_mean(name, points) for name, points in found.items()]
    # Where there is little to gain, two of them come out the same.
    points = [point for i, point in enumerate(means) if point.exits not in [p.exits for p in means[:i]]]
    return tuple(points), {point.name: kept[point.name] for point in points}


def _judged(
    scalings: Sequence[Scaling], scores: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[Floats, Bools]:
    """Doubts as in the outcome tables, and whether answers are right; both (X, S), of logits (X, S, C)."""
    doubts = np.stack([kept_entropy(*pair) for pair in zip(scalings, scores, strict=True)]) / ENTROPY_STEPS
    return doubts, scores.argmax(axis=-1) == labels


def _mean(name: str, points: Sequence[OperatingPoint]) -> OperatingPoint:
    """Shares are averaged; accuracies by the shares that they speak of."""
    share: dict[int, float] = {}
    right: dict[int, float] = {}
    for point in points:
        for one in point.exits:
            share[one.after] = share.get(one.after, 0.0) + one.share / len(points)
            right[one.after] = right.get(one.after, 0.0) + one.share * one.accuracy / len(points)
    rows = [(after, share[after], right[after]) for after in sorted(share)]
    return OperatingPoint(name, tuple(Exit(a, s, min(1.0, r / s) if s else 0.0) for a, s, r in rows))


def _plain(blocks: tuple[Block, ...], accuracy: float) -> Parts:
    """Without early exits."""
    return Parts(blocks, (OperatingPoint("full", (Exit(len(blocks), 1.0, accuracy),)),), {"full": ()})


def _accuracy(trainings: Sequence[TrainedNetwork]) -> float:
    return float(np.mean([one.accuracy for one in trainings]))


def _chain(training: TrainedNetwork) -> Chain:
    assert isinstance(training.network, Chain)
    return training.network


def _example(data: Data) -> Tensor:
    return pixels(data.test.images[:1])
