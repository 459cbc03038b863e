"""Popularity: movement of demand between tasks; its total does not change."""

from __future__ import annotations

import math

import numpy as np

from idn_gym.core.arrays import Bools, Floats
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
from idn_gym.scenarios.spans import Span


def draw_fixed(process: Fixed, popularity: Floats, span: Span) -> tuple[Floats, None]:
    """The constant shares, in every slot."""
    return np.repeat(popularity[None], span.length, axis=0), None


def draw_sliding(process: Sliding, popularity: Floats, span: Span) -> tuple[Floats, None]:
    """The shares of other tasks after each shift."""
    tasks = np.arange(popularity.size)
    rank = (tasks - (process.shift % popularity.size) * (span.slots // process.every)) % popularity.size
    return np.take(popularity, rank), None


def draw_flares(process: ShotNoise, popularity: Floats, span: Span) -> tuple[Floats, Floats]:
    """The shares times a floor and shot noise above it; and that noise at the end (K,)."""
    flares, last = draw_shots(process, popularity.size, span)
    return popularity * (process.floor + (1.0 - process.floor) * flares), last


def draw_alternating(process: Alternating, popularity: Floats, span: Span) -> tuple[Floats, None]:
    """The shares of one half of the tasks, then of the other."""
    now = 2 * (span.slots % process.period) < process.period
    return _only(np.equal(_first_half(popularity.size), now), popularity), None


def draw_lfu_killer(process: LfuKiller, popularity: Floats, span: Span) -> tuple[Floats, None]:
    """The shares of the first half of the tasks up to the switch, then of the others."""
    now = span.slots < process.switch * span.horizon
    return _only(np.equal(_first_half(popularity.size), now), popularity), None


def draw_round_robin(process: RoundRobin, popularity: Floats, span: Span) -> tuple[Floats, None]:
    """The share of one task at a time, in turn."""
    tasks = np.arange(popularity.size)
    return _only(np.equal(tasks, (span.slots // process.hold) % tasks.size), popularity), None


def draw_uniform_task(process: UniformTask, popularity: Floats, span: Span) -> tuple[Floats, Floats]:
    """The share of one task at a time, drawn uniformly; and the last one (1,)."""
    tasks = np.arange(popularity.size)
    turn = span.slots[:, 0] // process.hold
    begun = turn[0] * process.hold < span.first
    drawn = (span.rng.random(turn[-1] - turn[0] + 1 - begun) * tasks.size).astype(np.int64)
    if begun:
        drawn = np.concatenate([np.asarray(span.state, np.int64), drawn])
    now = drawn[turn - turn[0]]
    return _only(np.equal(tasks, now[:, None]), popularity), now[-1:].astype(np.float64)


def _first_half(tasks: int) -> Bools:
    return np.arange(tasks) < (tasks + 1) // 2


def _only(active: Bools, popularity: Floats) -> Floats:
    """The shares of the tasks that are requested at all, for sequences that an adversary would choose."""
    return np.where(active, popularity, 0.0)


def draw_shots(process: ShotNoise, tasks: int, span: Span) -> tuple[Floats, Floats]:
    """Draw shot noise per task: S[t] = a S[t-1] + heights of the shots of slot t, a = exp(-1 / life).

    Shots come at Poisson times, from 16 lives before slot 0, so that the noise is stationary from the
    start (what is older has faded to 1e-7 of its height). S is divided by its mean.

    Returns:
        (T, tasks) noise of mean 1, and its last values (tasks,).
    """
    fade = math.exp(-1.0 / process.life)
    per_slot = process.shots / span.horizon
    # a Pareto height has mean tail / (tail - 1), and its fading sums to 1 / (1 - a)
    mean = per_slot * process.tail / (process.tail - 1.0) / (1.0 - fade)
    last = span.state
    if last is None:
        past = math.ceil(16 * process.life)
        age, task, heights = _shots(process, per_slot * past * tasks, span.rng)
        faded = heights / mean * fade ** np.floor(age * past)
        last = np.bincount((task * tasks).astype(np.int64), faded, tasks)
    slot, task, heights = _shots(process, per_slot * span.length * tasks, span.rng)
    noise = np.zeros(span.shape(tasks))
    noise[0] = fade * last
    _sum_up(noise, slot, task, heights / mean, fade)
    return noise, noise[-1].copy()


def _shots(process: ShotNoise, mean: float, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Poisson many shots: two uniform numbers for their places, and their heights."""
    one, other, height = rng.random((3, rng.poisson(mean)))
    return one, other, (1.0 - height) ** (-1.0 / process.tail)


@kernel
def _sum_up(noise: Floats, slot: Floats, task: Floats, heights: Floats, fade: float) -> None:
    """Add shots, at uniform places (slot, task) in [0, 1), to `noise`, and let them fade down the rows."""
    slots, tasks = noise.shape
    for i in range(heights.size):
        noise[int(slot[i] * slots), int(task[i] * tasks)] += heights[i]
    for t in range(1, slots):
        for k in range(tasks):
            noise[t, k] += fade * noise[t - 1, k]
