"""Schema of the catalogue: models cut into blocks, devices and links, every number with its source.

SI units throughout; an operation is one multiply-accumulate (MAC).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from idn_gym.config_reader import ConfigError, bounded, show
from idn_gym.radio.lorawan import FACTORS


@dataclass(frozen=True)
class Provenance:
    """Source of a number."""

    what: str
    """field or fields that this entry speaks of"""
    source: str
    status: str
    """how far to trust it: published, measured, derived, assumption, recalled, weak, ..."""


@dataclass(frozen=True)
class Block:
    """A contiguous group of layers: the smallest thing that can be placed."""

    name: str
    macs: float = bounded(least=0)
    """[MAC] per input, exit heads and codecs included"""
    layers: int | None = bounded(None, least=0)
    """layers with weights; null where unknown: the device's simple law then gives the seconds"""
    weights: float = bounded(0.0, least=0)
    """[bytes] resident in memory"""
    output: float = bounded(0.0, least=0)
    """[bytes] on the wire when the next block runs elsewhere; 0 for the last, whose answer is free"""
    activations: float = bounded(0.0, least=0)
    """[bytes] of tensors at their most while it runs, which devices with `ram` must have; 0 where unknown"""


@dataclass(frozen=True)
class Exit:
    """One way out of a model."""

    after: int = bounded(least=1)
    """blocks done when it is taken; the number of blocks for the last exit"""
    share: float = bounded(least=0, most=1)
    """share of all inputs that leave here"""
    accuracy: float = bounded(least=0, most=1)
    """of the inputs that leave here"""


@dataclass(frozen=True)
class OperatingPoint:
    """A model with its exit thresholds set."""

    name: str
    exits: tuple[Exit, ...]
    """in the order of their blocks; shares add up to 1"""

    def __post_init__(self) -> None:
        after = [exit_.after for exit_ in self.exits]
        if not after or after != sorted(set(after)):
            raise ConfigError(
                "exits", f"after = {show(after)} is not allowed; must be rising, one exit at least"
            )
        total = math.fsum(exit_.share for exit_ in self.exits)
        if abs(total - 1.0) > 1e-9:
            raise ConfigError("exits", f"shares add up to {total!r}; must be 1")

    @property
    def accuracy(self) -> float:
        """Mean accuracy over all inputs."""
        return math.fsum(exit_.share * exit_.accuracy for exit_ in self.exits)

    def survival(self, blocks: int) -> tuple[float, ...]:
        """Share of inputs that reach each of `blocks` blocks; the first entry is 1."""
        return tuple(
            math.fsum(exit_.share for exit_ in self.exits if exit_.after > block) if block else 1.0
            for block in range(blocks)
        )


@dataclass(frozen=True)
class Measured:
    """Seconds of a model on a device, measured; beats the device's law."""

    device: str
    blocks: tuple[float, ...]
    """[s] per block, fixed costs included"""


@dataclass(frozen=True)
class Model:
    """One DNN that solves one task."""

    name: str
    task: str
    family: str
    kind: Literal["whole", "split", "bottleneck", "exits", "bottleneck+exits"]
    blocks: tuple[Block, ...]
    points: tuple[OperatingPoint, ...]
    outcome: Literal["published", "measured"]
    """whether the accuracy was published by others or measured for this catalogue"""
    input: float = bounded(least=0)
    """[bytes] of the raw input, which crosses cut 0"""
    seconds: tuple[Measured, ...] = ()
    start_seconds: float = bounded(0.0, least=0)
    """[s] from its last byte to its first answer, on top of the device's, where loading takes time"""
    provenance: tuple[Provenance, ...] = ()

    def __post_init__(self) -> None:
        _check_blocks(self)
        _check_points(self)
        devices = [row.device for row in self.seconds]
        for row in self.seconds:
            if devices.count(row.device) > 1:
                raise ConfigError("seconds", f"device {row.device!r} is given twice; each may be given once")
            if len(row.blocks) != len(self.blocks) or min(row.blocks) <= 0:
                raise ConfigError(
                    f"seconds.{devices.index(row.device)}.blocks",
                    f"{show(row.blocks)} is not allowed; must be {len(self.blocks)} numbers above 0",
                )


@dataclass(frozen=True)
class SimpleLaw:
    """Seconds of a model whose layers are not counted: fixed + MACs / rate."""

    fixed_seconds: float = bounded(least=0)
    """[s] once per part that runs on the device"""
    macs_per_second: float = bounded(above=0)
    """[MAC/s]"""
    error: float | None = bounded(None, least=0)
    """median relative error on networks left out of the fit; null: unknown"""


@dataclass(frozen=True)
class Device:
    """A class of compute nodes: seconds = fixed + layers x layer_seconds + MACs / macs_per_second."""

    name: str
    tier: str
    """free label, such as mcu, sbc, edge_server, cloud_gpu"""
    memory: float = bounded(above=0)
    """[bytes] that can hold weights; null at `ram`: and activations, which are not counted"""
    macs_per_second: float = bounded(above=0)
    """[MAC/s]"""
    active_watts: float = bounded(least=0)
    """[W] in total while computing"""
    idle_watts: float = bounded(least=0)
    """[W] in total while waiting"""
    context_watts: float = bounded(0.0, least=0)
    """[W] more while it holds any model, busy or not, as the context of an accelerator does"""
    fixed_seconds: float = bounded(0.0, least=0)
    """[s] once per part that runs on the device"""
    layer_seconds: float = bounded(0.0, least=0)
    """[s] per layer with weights"""
    law_error: float | None = bounded(None, least=0)
    """median relative error of the law on networks left out of its fit; null: unknown"""
    simple: SimpleLaw | None = None
    """law for models whose layers are not counted; needed only where `layer_seconds` is above 0"""
    start_seconds: float = bounded(0.0, least=0)
    """[s] to start any model once its bytes are there, where loading takes time"""
    ram: float | None = bounded(None, above=0)
    """[bytes] for activations where weights have a memory of their own; null: activations are not checked"""
    provenance: tuple[Provenance, ...] = ()

    def __post_init__(self) -> None:
        if self.active_watts < self.idle_watts + self.context_watts:
            least = "idle_watts" if self.context_watts == 0.0 else "idle_watts + context_watts"
            raise ConfigError(
                "active_watts", f"{self.active_watts:g} is not allowed; must be at least {least}"
            )


@dataclass(frozen=True)
class LoRaFrames:
    """A LoRaWAN radio at 125 kHz, class A: properties of its frames, independent of their content."""

    factor: int
    """spreading factor"""
    payload: int = bounded(least=1)
    """[bytes] of the application that a frame holds at most"""
    duty: float = bounded(above=0, most=1)
    """share of the time that a device may send"""
    transmit_watts: float = bounded(least=0)
    """[W] while it sends"""
    frame_joules: float = bounded(least=0)
    """[J] of each frame besides: it waits for its receive windows, and listens in them"""
    sensitivity: float = bounded()
    """[dBm] of the gateway"""
    answer_airtime: float = bounded(0.0, least=0)
    """[s] of the answer in the first receive window, which is part of the link's delay, with the wait for
    the window; 0: the delay has none"""
    transmissions: int = bounded(1, least=1)
    """of each frame, whether an earlier one got through or not (NbTrans)"""

    def __post_init__(self) -> None:
        if self.factor not in FACTORS:
            raise ConfigError("factor", f"{show(self.factor)} is not allowed; must be one of {FACTORS}")


@dataclass(frozen=True)
class LinkKind:
    """A kind of link; a scenario may override its numbers link by link."""

    name: str
    delay: float = bounded(least=0)
    """[s] round trip"""
    rate: float = bounded(above=0)
    """[bytes/s] that applications see, towards the repository"""
    energy: float = bounded(least=0)
    """[J/byte]"""
    marginal: float | None = bounded(None, least=0)
    """[J/byte] that a byte adds, where `energy` is its share of what is drawn in any case; null: all of it"""
    down_rate: float | None = bounded(None, above=0)
    """[bytes/s] away from the repository, where that has a capacity of its own; null: one medium for both"""
    wake_joules: float = bounded(0.0, least=0)
    """[J] per message, where the radio sleeps: to wake up for it, and to listen after it"""
    lorawan: LoRaFrames | None = None
    """frames that messages travel in, which take airtime and energy besides; null: there is no such limit"""
    provenance: tuple[Provenance, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """All models, devices and links, by name."""

    models: Mapping[str, Model]
    devices: Mapping[str, Device]
    links: Mapping[str, LinkKind]


def _check_blocks(model: Model) -> None:
    blocks = model.blocks
    if not blocks:
        raise ConfigError("blocks", "() is not allowed; at least one block is needed")
    if (model.kind == "whole") != (len(blocks) == 1):
        raise ConfigError("kind", f"{model.kind!r} does not go with {len(blocks)} blocks; whole means one")
    if blocks[-1].output != 0:
        raise ConfigError(
            f"blocks.{len(blocks) - 1}.output",
            f"{blocks[-1].output:g} is not allowed; the answer must have 0 bytes",
        )
    if len({block.layers is None for block in blocks}) > 1:
        raise ConfigError("blocks", "some layer counts are null; must be all or none")


def _check_points(model: Model) -> None:
    names = [point.name for point in model.points]
    if not names or len(set(names)) < len(names):
        raise ConfigError("points", f"{show(names)} is not allowed; one point at least, names must differ")
    for i, point in enumerate(model.points):
        if point.exits[-1].after != len(model.blocks):
            raise ConfigError(
                f"points.{i}.exits",
                f"the last exit is after block {point.exits[-1].after}; must be {len(model.blocks)}, "
                "with share 0 if no input reaches it",
            )
        if "exits" not in model.kind and len(point.exits) > 1:
            raise ConfigError(
                f"points.{i}.exits",
                f"{len(point.exits)} exits do not go with kind {model.kind!r}; must be one",
            )
