"""Demand of a scenario: its size, its tasks, and the processes that change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.config_replay import Replay
from idn_gym.scenarios.config_zones import Zone
from idn_gym.scenarios.families import (
    BurstProcess,
    DiurnalProcess,
    FlashProcess,
    MobilityProcess,
    PopularityProcess,
    register_process,
)

_DEMAND, _POPULARITY = "idn_gym.scenarios.processes.demand", "idn_gym.scenarios.processes.popularity"


@dataclass(frozen=True)
class Fixed(PopularityProcess):
    """Popularity never changes."""

    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True)
class Sliding(PopularityProcess):
    """The popularity ranking shifts cyclically by `shift` tasks every `every` slots.

    A shift by a multiple of the number of tasks has no effect.
    """

    shift: int = bounded(5, least=0)
    """tasks by which the ranking moves"""
    every: int = bounded(10, least=1)
    """[slots] between two shifts"""
    kind: Literal["sliding"] = "sliding"


@dataclass(frozen=True)
class ShotNoise(PopularityProcess):
    """Shot noise: each task flares up at Poisson times and fades.

    A shot has a Pareto(`tail`) height and decays exponentially over `life` slots; each task has `shots` of
    them per episode on average. The weight of a task is share x (floor + (1 - floor) x noise / mean noise).
    The total over all tasks is that of the rate, so rare tasks get more than their share on average.
    """

    shots: float = bounded(2.0, above=0, most=100)
    """mean number of shots per task and episode"""
    life: float = bounded(10.0, above=0, most=10_000)
    """[slots] in which a shot decays by a factor e"""
    tail: float = bounded(2.0, above=1)
    """exponent of the Pareto distribution of heights; up to 2 their variance is infinite"""
    floor: float = bounded(0.1, above=0, most=1)
    """part of its share that a task keeps without any shot"""
    kind: Literal["shot"] = "shot"


@dataclass(frozen=True)
class Alternating(PopularityProcess):
    """Two halves of the tasks take turns; worst case for greedy on the last slot (oblivious adversary)."""

    period: int = bounded(2, least=2)
    """slots until the pattern repeats; each half is active for half of it (odd: the first one slot longer)"""
    kind: Literal["alternating"] = "alternating"


@dataclass(frozen=True)
class RoundRobin(PopularityProcess):
    """One task per slot in a fixed cycle; worst case for LRU (oblivious adversary)."""

    hold: int = bounded(1, least=1)
    """number of slots for which each task is active"""
    kind: Literal["round_robin"] = "round_robin"


@dataclass(frozen=True)
class LfuKiller(PopularityProcess):
    """The first half of the tasks until `switch` of the episode, then the other half until its end."""

    switch: float = bounded(1 / 3, above=0, below=1)
    """share of the episode after which the other tasks take over"""
    kind: Literal["lfu_killer"] = "lfu_killer"


@dataclass(frozen=True)
class UniformTask(PopularityProcess):
    """All demand is for one task at a time, drawn uniformly: the lower-bound instance."""

    hold: int = bounded(1, least=1)
    """[slots] for which each task is active, unless it is drawn again"""
    kind: Literal["uniform"] = "uniform"


@dataclass(frozen=True)
class Diurnal(DiurnalProcess):
    """Factor 1 + amplitude x sin(2 pi (t / period + phase)), one phase per ingress node and episode."""

    amplitude: float = bounded(0.6, least=0, most=1)
    """amplitude of the sine around the mean demand 1"""
    period: float = bounded(144.0, above=0)
    """[slots] length of a day"""
    spread: float = bounded(0.0, least=0, most=1)
    """phases are uniform over this share of the period; 0: all nodes in step"""
    random_start: bool = False
    """draw the phase of slot 0 instead of starting at the mean"""
    regions: tuple[Zone, ...] = ()
    """nodes in other time zones, with the lead of their phases; each node in at most one"""
    by_name: ClassVar[bool] = True
    kind: Literal["sine"] = "sine"

    @property
    def peak(self) -> tuple[str, float]:
        return "amplitude", 1.0 + self.amplitude


@dataclass(frozen=True)
class Bursts(BurstProcess):
    """Two-state Markov-modulated demand, one chain per ingress node, mean kept at 1."""

    ratio: float = bounded(5.0, least=1)
    """demand in a burst over demand outside"""
    start: float = bounded(0.02, above=0, most=1)
    """probability per slot that a burst starts"""
    stop: float = bounded(0.1, above=0, most=1)
    """probability per slot that a burst stops"""
    kind: Literal["two_state"] = "two_state"

    @property
    def peak(self) -> tuple[str, float]:
        return "ratio", float(self.ratio)


@dataclass(frozen=True)
class FlashCrowd(FlashProcess):
    """At one slot, demand for one task jumps to `factor` times its value and decays back.

    Task and slot are drawn uniformly, once per episode.
    """

    factor: float = bounded(10.0, least=1)
    """demand of the task at the jump over its usual demand"""
    decay: float = bounded(10.0, above=0)
    """[slots] in which the excess over usual demand falls by a factor e"""
    kind: Literal["decay"] = "decay"

    @property
    def peak(self) -> tuple[str, float]:
        return "factor", float(self.factor)


register_process(Fixed, f"{_POPULARITY}:draw_fixed")
register_process(Sliding, f"{_POPULARITY}:draw_sliding")
register_process(ShotNoise, f"{_POPULARITY}:draw_flares")
register_process(Alternating, f"{_POPULARITY}:draw_alternating")
register_process(RoundRobin, f"{_POPULARITY}:draw_round_robin")
register_process(LfuKiller, f"{_POPULARITY}:draw_lfu_killer")
register_process(UniformTask, f"{_POPULARITY}:draw_uniform_task")
register_process(Diurnal, f"{_DEMAND}:draw_diurnal")
register_process(Bursts, f"{_DEMAND}:draw_bursts")
register_process(FlashCrowd, f"{_DEMAND}:draw_flash")


@dataclass(frozen=True)
class Workload:
    """Demand: rate x popularity x ingress weight x the active factors.

    Popularity moves demand between the tasks of an ingress node and keeps the node's total in every slot.
    """

    rate: float = bounded(above=0)
    """[requests/s] in total, on average"""
    zipf: float = bounded(0.0, least=0)
    """exponent of task popularity by rank; 0: the tasks' shares unchanged"""
    arrivals: Literal["fluid", "poisson"] = "fluid"
    """fluid: batches are real numbers; poisson: whole numbers drawn around them"""
    popularity: PopularityProcess = field(default_factory=Fixed)
    mobility: MobilityProcess | None = None
    """movement of demand between ingress nodes"""
    diurnal: DiurnalProcess | None = None
    bursts: BurstProcess | None = None
    flash: FlashProcess | None = None
    replay: Replay | None = None
