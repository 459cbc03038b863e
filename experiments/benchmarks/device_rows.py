"""Devices: what a slot of `tinyml-million` takes with more of them, in cohorts and as nodes of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from experiments.benchmarks.bench import Bench, BenchWork, Entrant
from experiments.benchmarks.measured import LIMITS, MEASURED, NOT_DONE, BenchNumber
from experiments.benchmarks.processes import LimitError
from experiments.benchmarks.rows import BenchRow
from idn_gym.scenarios.config import Hierarchy
from idn_gym.scenarios.presets import load_scenario

PRESET = "tinyml-million"

GATEWAYS = 100
"""nodes of the preset above its sensors"""

DEVICE_REPEATS = 2


class DeviceWorld(NamedTuple):
    """A preset with other numbers of devices, which ask as often as there."""

    nodes: int
    """at which requests enter"""
    each: int
    """devices of each; 1: no cohorts"""

    @property
    def name(self) -> str:
        """Name of its row."""
        what = f"cohorts of {self.each:,}" if self.each > 1 else "nodes of their own"
        return f"{self.nodes * self.each:,} devices, {f'{self.nodes:,} ' if self.each > 1 else ''}{what}"

    @property
    def classes(self) -> int:
        """Request classes."""
        return self.nodes * sum(task.copies for task in load_scenario(PRESET).tasks)

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of ``gym.make``; there are as many gateways per device as in the preset."""
        whole = load_scenario(PRESET)
        assert isinstance(whole.topology, Hierarchy)
        sensor, gateway = (whole.topology.tiers[tier] for tier in (3, 2))
        devices, before = self.nodes * self.each, 10 * GATEWAYS * sensor.count
        changes = {
            "topology.tiers.3.fan_out": self.nodes // GATEWAYS,
            "topology.tiers.3.count": self.each,
            "topology.tiers.2.count": max(1, round(gateway.count * devices / before)),
            "workload.rate": whole.workload.rate * devices / before,
        }
        return {"scenario": PRESET, "overrides": changes}


COHORTS = tuple(DeviceWorld(1_000, each) for each in (1, 10, 100, 1_000))
EXPLICIT = (DeviceWorld(3_000, 1), DeviceWorld(10_000, 1))
WORLDS = (*COHORTS, *EXPLICIT)


def _measure(bench: Bench, world: DeviceWorld) -> tuple[float, float, float]:
    """CPU seconds of ``gym.make``, CPU milliseconds of a slot without resets, and GB of the process."""
    return bench.once(("devices", world), lambda: _play(bench, world))


def _play(bench: Bench, world: DeviceWorld) -> tuple[float, float, float]:
    make, slots = BenchWork("make", options=world.options), BenchWork("slots", size=1, options=world.options)
    try:
        made = bench.rates(
            {"one": Entrant("now", make)}, seconds=0.0, repeats=1, warm=False, limit=bench.limit
        )
    except LimitError:
        return NOT_DONE, NOT_DONE, NOT_DONE
    played = bench.rates({"one": Entrant("now", slots)}, repeats=min(DEVICE_REPEATS, bench.repeats))
    return 1.0 / made.of("one"), 1e3 / played.of("one"), played.memory / 1e9


def _row(world: DeviceWorld, bench: Bench) -> list[BenchNumber]:
    made, slot, memory = _measure(bench, world)
    return [
        BenchNumber("classes", world.classes),
        BenchNumber("gym.make [CPU s]", made),
        BenchNumber("slot [CPU ms]", slot),
        BenchNumber("slot [CPU us per class]", 1e3 * slot / world.classes),
        BenchNumber("memory [GB]", memory),
    ]


def _spread(worlds: Sequence[DeviceWorld], bench: Bench) -> list[BenchNumber]:
    costs = [_measure(bench, world)[1] / world.classes for world in worlds]
    spread = NOT_DONE if any(map(math.isnan, costs)) else max(costs) / min(costs)
    return [BenchNumber(MEASURED, spread, "lower", 1.5)]


def device_rows() -> Iterator[BenchRow]:
    """More and more devices, and what a class costs with few and with many."""
    for world in WORLDS:
        yield BenchRow("devices", world.name, partial(_row, world))
    name = "slot per class, 1,000 to 1,000,000 devices in cohorts, largest over smallest"
    yield BenchRow(LIMITS, name, partial(_spread, COHORTS))
    name = "slot per class, 1,000 to 10,000 devices as nodes, largest over smallest"
    yield BenchRow(LIMITS, name, partial(_spread, (COHORTS[0], *EXPLICIT)))
