"""How resources move: links, compute, memory and the speed of devices.

Every process draws for all columns, those that it does not move included, so that a change of what moves
leaves the draws of the rest as they were. All chains start in their stationary distribution.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.scenarios.config import Ar1, Background, ConstantRate, GilbertElliott, MemoryPressure, Outages
from idn_gym.scenarios.processes.markov import ar1, two_state
from idn_gym.scenarios.processes.random_streams import Streams

MOST_BACKGROUND = 0.95
"""Share of a node's compute that other work takes at most: only an outage takes all of it."""


def draw_rates(
    process: ConstantRate | GilbertElliott | Ar1,
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
        (T, E) [bytes/s].
    """
    if isinstance(process, ConstantRate):
        return _hold(nominal, horizon)
    shape = (horizon, nominal.size)
    if isinstance(process, GilbertElliott):
        bad = two_state(rng.random(shape), process.fail, process.heal)
        return np.where(bad & moving, process.bad * nominal, nominal)
    log_rate = process.sigma * ar1(rng.standard_normal(shape), process.memory)
    # E[exp(sigma x)] = exp(sigma^2 / 2), taken off so that the mean stays nominal
    return np.where(moving, nominal * np.exp(log_rate - process.sigma**2 / 2), nominal)


def draw_seconds(
    background: Background | None,
    outages: Outages | None,
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
        x = ar1(streams("background").standard_normal(shape), background.memory)
        taken = np.minimum(np.maximum(background.mean + background.sigma * x, 0.0), MOST_BACKGROUND)
        seconds = np.where(movable, nominal * (1.0 - taken), nominal)
    if outages is not None:
        down = two_state(streams("outages").random(shape), 1 / outages.mean_up, 1 / outages.mean_down)
        seconds[down & movable] = 0.0
    return seconds


def draw_memory(
    shrinkage: MemoryPressure | None, nominal: Floats, movable: Bools, horizon: int, rng: np.random.Generator
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
    uniforms = rng.random((horizon, nominal.size))
    shrunk = two_state(uniforms, 1 / shrinkage.mean_full, 1 / shrinkage.mean_shrunk)
    return np.where(shrunk & movable, shrinkage.left * nominal, nominal)


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
