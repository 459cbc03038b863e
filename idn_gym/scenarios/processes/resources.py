"""How resources move: links, compute, memory and the speed of devices.

Every process draws for all columns, those that it does not move included, so that a change of what moves
leaves the draws of the rest as they were. All chains start in their stationary distribution.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.scenarios.config import Ar1, Background, ConstantRate, GilbertElliott, MemoryPressure, Outages
from idn_gym.scenarios.families import (
    BackgroundProcess,
    LinkProcess,
    MemoryProcess,
    OutageProcess,
    draw_process,
)
from idn_gym.scenarios.processes.markov import ar1, two_state
from idn_gym.scenarios.processes.random_streams import Streams

MOST_BACKGROUND = 0.95
"""Share of a node's compute that other work takes at most: only an outage takes all of it."""


def draw_rates(
    process: LinkProcess,
    nominal: Floats,
    moving: Bools,
    horizon: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw the rate of every link in every slot.

    Args:
        process: what the moving links do.
        nominal: (E,) [bytes/s].
        moving: (E,) which links move.
        horizon: T, number of slots.
        rng: generator of this draw alone.

    Returns:
        (T, E) [bytes/s]; 0 where a link is down.
    """
    rates = draw_process(process, (horizon, nominal.size), nominal, horizon, rng)
    return np.where(moving, rates, nominal)


def draw_steady(process: ConstantRate, nominal: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """Nominal rates (T, E)."""
    return _hold(nominal, horizon)


def draw_good_and_bad(
    process: GilbertElliott, nominal: Floats, horizon: int, rng: np.random.Generator
) -> Floats:
    """Rates (T, E) of links that are good or bad."""
    bad = two_state(rng.random((horizon, nominal.size)), process.fail, process.heal)
    return np.where(bad, process.bad * nominal, nominal)


def draw_swings(process: Ar1, nominal: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """Rates (T, E) whose logarithm is autoregressive."""
    log_rate = process.sigma * ar1(rng.standard_normal((horizon, nominal.size)), process.memory)
    # E[exp(sigma x)] = exp(sigma^2 / 2), taken off so that the mean stays nominal
    return nominal * np.exp(log_rate - process.sigma**2 / 2)


def draw_seconds(
    background: BackgroundProcess | None,
    outages: OutageProcess | None,
    nominal: Floats,
    movable: Bools,
    horizon: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw the compute seconds of every node in every slot.

    Args:
        background: other work, or None.
        outages: failures, or None.
        nominal: (N,) [s]; infinite where elastic, which background work leaves infinite.
        movable: (N,) which nodes the processes touch; False for repositories.
        horizon: T, number of slots.
        rng: generator of this draw alone.

    Returns:
        (T, N) [s].
    """
    if background is None and outages is None:
        return _hold(nominal, horizon)
    streams = Streams(rng)
    shape = (horizon, nominal.size)
    seconds = _hold(nominal, horizon)
    if background is not None:
        taken = draw_process(background, shape, nominal.size, horizon, streams("background"))
        taken = np.minimum(taken, MOST_BACKGROUND)
        seconds = np.where(movable, nominal * (1.0 - taken), nominal)
    if outages is not None:
        down = draw_process(outages, shape, nominal.size, horizon, streams("outages"))
        seconds[(down != 0) & movable] = 0.0
    return seconds


def cut_links(rates: Floats, seconds: Floats, ends: Ints) -> None:
    """Take down the links of nodes that compute nothing, for outages in which nodes do not forward.

    Args:
        rates: (T, E) [bytes/s], written to.
        seconds: (T, N) [s] of the same slots.
        ends: (E, 2) nodes that each link leads from and to.
    """
    rates[(seconds == 0.0)[:, ends].any(axis=2)] = 0.0


def draw_background(process: Background, nodes: int, horizon: int, rng: np.random.Generator) -> Floats:
    """Share (T, N) of compute that other work takes."""
    x = ar1(rng.standard_normal((horizon, nodes)), process.memory)
    return np.maximum(process.mean + process.sigma * x, 0.0)


def draw_outages(process: Outages, nodes: int, horizon: int, rng: np.random.Generator) -> Bools:
    """Which nodes are down, (T, N)."""
    return two_state(rng.random((horizon, nodes)), 1 / process.mean_up, 1 / process.mean_down)


def draw_memory(
    shrinkage: MemoryProcess | None, nominal: Floats, movable: Bools, horizon: int, rng: np.random.Generator
) -> Floats:
    """Draw the memory of every node in every slot.

    Args:
        shrinkage: other work that takes memory, or None.
        nominal: (N,) [bytes].
        movable: (N,) which nodes it touches; False for repositories.
        horizon: T, number of slots.
        rng: generator of this draw alone.

    Returns:
        (T, N) [bytes].
    """
    if shrinkage is None:
        return _hold(nominal, horizon)
    left = draw_process(shrinkage, (horizon, nominal.size), nominal.size, horizon, rng)
    return np.where(movable, np.minimum(left, 1.0) * nominal, nominal)


def draw_memory_left(process: MemoryPressure, nodes: int, horizon: int, rng: np.random.Generator) -> Floats:
    """Share (T, N) of memory that is left."""
    shrunk = two_state(rng.random((horizon, nodes)), 1 / process.mean_full, 1 / process.mean_shrunk)
    left = np.ones(shrunk.shape)
    left[shrunk] = process.left
    return left


def draw_slowdown(device_error: float, nodes: int, rng: np.random.Generator) -> Floats:
    """Draw how much slower each node is than the latency law of its device says, for one episode.

    Args:
        device_error: standard deviation of the log of the factor, whose median is 1.
        nodes: N.
        rng: generator of this draw alone.

    Returns:
        (N,) factor on compute seconds.
    """
    if device_error == 0:
        return np.ones(nodes)
    return np.exp(device_error * rng.standard_normal(nodes))


def _hold(nominal: Floats, horizon: int) -> Floats:
    """Repeat (C,) in each slot: (T, C), writable."""
    held = np.empty((horizon, nominal.size))
    held[:] = nominal
    return held
