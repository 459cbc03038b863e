"""Popularity: how demand moves between tasks, its total staying as it is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config import (
    Alternating,
    Fixed,
    LfuKiller,
    RoundRobin,
    ShotNoise,
    Sliding,
    UniformTask,
)
from idn_gym.scenarios.families import PopularityProcess, draw_process


def draw_popularity(
    process: PopularityProcess, popularity: Floats, horizon: int, rng: np.random.Generator
) -> Floats:
    """Draw the weight of every task in every slot; only ratios within a slot matter.

    Args:
        process: how popularity moves.
        popularity: (K,) share of each task on average, adding up to 1.
        horizon: T, number of slots.
        rng: generator of this draw alone.

    Returns:
        (T, K) weights, not negative. With a single task a slot may be all 0: it keeps its demand.
    """
    weights = draw_process(process, (horizon, popularity.size), popularity, horizon, rng)
    return np.asarray(weights, float)


def draw_fixed(process: Fixed, popularity: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """The shares as they are, in every slot."""
    return np.repeat(popularity[None], horizon, axis=0)


def draw_sliding(process: Sliding, popularity: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """The shares of other tasks after each shift."""
    tasks, slots = _grid(popularity, horizon)
    rank = (tasks - (process.shift % popularity.size) * (slots // process.every)) % popularity.size
    return np.take(popularity, rank)


def draw_flares(process: ShotNoise, popularity: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """The shares times a floor and shot noise above it."""
    flares = draw_shots(process, popularity.size, horizon, rng)
    return popularity * (process.floor + (1.0 - process.floor) * flares)


def draw_alternating(
    process: Alternating, popularity: Floats, horizon: int, rng: np.random.Generator
) -> Floats:
    """The shares of one half of the tasks, then of the other."""
    tasks, slots = _grid(popularity, horizon)
    return _only(np.equal(_first_half(tasks), 2 * (slots % process.period) < process.period), popularity)


def draw_lfu_killer(process: LfuKiller, popularity: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """The shares of the first half of the tasks up to the switch, then of the others."""
    tasks, slots = _grid(popularity, horizon)
    return _only(np.equal(_first_half(tasks), slots < process.switch * slots.size), popularity)


def draw_round_robin(
    process: RoundRobin, popularity: Floats, horizon: int, rng: np.random.Generator
) -> Floats:
    """The share of one task at a time, in turn."""
    tasks, slots = _grid(popularity, horizon)
    return _only(np.equal(tasks, (slots // process.hold) % tasks.size), popularity)


def draw_uniform_task(
    process: UniformTask, popularity: Floats, horizon: int, rng: np.random.Generator
) -> Floats:
    """The share of one task at a time, drawn uniformly."""
    tasks, slots = _grid(popularity, horizon)
    return _only(np.equal(tasks, (rng.random(slots.shape) * tasks.size).astype(np.int64)), popularity)


def _grid(popularity: Floats, horizon: int) -> tuple[Ints, Ints]:
    """Tasks (K,) and slots (T, 1)."""
    return np.arange(popularity.size), np.arange(horizon)[:, None]


def _first_half(tasks: Ints) -> npt.NDArray[np.bool_]:
    return tasks < (tasks.size + 1) // 2


def _only(active: npt.NDArray[np.bool_], popularity: Floats) -> Floats:
    """The shares of the tasks that are requested at all, for sequences that an adversary would choose."""
    return np.where(active, popularity, 0.0)


def draw_shots(process: ShotNoise, tasks: int, horizon: int, rng: np.random.Generator) -> Floats:
    """Draw shot noise per task: S[t] = a S[t-1] + heights of the shots of slot t, a = exp(-1 / life).

    Shots come at Poisson times, from 16 lives before slot 0, so that the noise is stationary from the
    start (what is older has faded to 1e-7 of its height). S is divided by its mean.

    Returns:
        (T, tasks) noise of mean 1.
    """
    fade = math.exp(-1.0 / process.life)
    before = math.ceil(16 * process.life)
    per_slot = process.shots / horizon
    count = rng.poisson(per_slot * (before + horizon) * tasks)
    slot, task, height = rng.random((3, count))
    heights = (1.0 - height) ** (-1.0 / process.tail)
    # a Pareto height has mean tail / (tail - 1), and its fading sums to 1 / (1 - a)
    mean = per_slot * process.tail / (process.tail - 1.0) / (1.0 - fade)
    noise = np.zeros((before + horizon, tasks))
    _sum_up(noise, slot, task, heights / mean, fade)
    return noise[before:]


@kernel
def _sum_up(noise: Floats, slot: Floats, task: Floats, heights: Floats, fade: float) -> None:
    """Add shots, at uniform places (slot, task) in [0, 1), to `noise`, and let them fade down the rows."""
    slots, tasks = noise.shape
    for i in range(heights.size):
        noise[int(slot[i] * slots), int(task[i] * tasks)] += heights[i]
    for t in range(1, slots):
        for k in range(tasks):
            noise[t, k] += fade * noise[t - 1, k]
