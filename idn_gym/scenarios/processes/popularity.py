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

Popularity = Fixed | Sliding | ShotNoise | Alternating | RoundRobin | LfuKiller | UniformTask


def draw_popularity(
    process: Popularity, popularity: Floats, horizon: int, rng: np.random.Generator
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
    tasks = np.arange(popularity.size)
    slots = np.arange(horizon)[:, None]
    if isinstance(process, Sliding):
        rank = (tasks - (process.shift % popularity.size) * (slots // process.every)) % popularity.size
        return np.take(popularity, rank)
    if isinstance(process, ShotNoise):
        flares = draw_shots(process, popularity.size, horizon, rng)
        return popularity * (process.floor + (1.0 - process.floor) * flares)
    return np.where(_active(process, tasks, slots, rng), popularity, 0.0)


def _active(process: Popularity, tasks: Ints, slots: Ints, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(T, K) which tasks are requested at all, for the sequences that an adversary would choose."""
    first_half = tasks < (tasks.size + 1) // 2
    if isinstance(process, Alternating):
        return np.equal(first_half, 2 * (slots % process.period) < process.period)
    if isinstance(process, LfuKiller):
        return np.equal(first_half, slots < process.switch * slots.size)
    if isinstance(process, RoundRobin):
        return np.equal(tasks, (slots // process.hold) % tasks.size)
    if isinstance(process, UniformTask):
        return np.equal(tasks, (rng.random(slots.shape) * tasks.size).astype(np.int64))
    return np.ones((slots.size, tasks.size), np.bool_)


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
