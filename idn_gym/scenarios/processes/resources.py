"""Changes of resources: links, compute, memory and the speed of devices.

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
from idn_gym.scenarios.processes.named_things import ColumnNames
from idn_gym.scenarios.spans import Span, SpanDrawer

MOST_BACKGROUND = 0.95
"""Share of a node's compute that other work takes at most: only an outage takes all of it."""


def draw_rates(
    process: LinkProcess, nominal: Floats, moving: Bools, drawer: SpanDrawer, names: ColumnNames = ()
) -> Floats:
    """Draw the rate of every link in the slots of a span.

    Args:
        process: what the moving links do.
        nominal: (E,) [bytes/s].
        moving: (E,) which links move.
        drawer: of the span.
        names: (E,) of the links.

    Returns:
        (T, E) [bytes/s]; 0 where a link is down.
    """
    return np.where(moving, draw_process(drawer, process, nominal, names), nominal)


def draw_steady(process: ConstantRate, nominal: Floats, span: Span) -> tuple[Floats, None]:
    """Nominal rates (T, E)."""
    return _hold(nominal, span.length), None


def draw_good_and_bad(process: GilbertElliott, nominal: Floats, span: Span) -> tuple[Floats, Bools]:
    """Rates (T, E) of links that are good or bad, and which are bad at the end (E,)."""
    bad = two_state(span.rng.random(span.shape(nominal.size)), process.fail, process.heal, span.state)
    return np.where(bad, process.bad * nominal, nominal), bad[-1].copy()


def draw_swings(process: Ar1, nominal: Floats, span: Span) -> tuple[Floats, Floats]:
    """Rates (T, E) whose logarithm is autoregressive, and its last value (E,) in standard deviations."""
    x = ar1(span.rng.standard_normal(span.shape(nominal.size)), process.memory, span.state)
    # E[exp(sigma x)] = exp(sigma^2 / 2), taken off so that the mean stays nominal
    return nominal * np.exp(process.sigma * x - process.sigma**2 / 2), x[-1].copy()


def draw_seconds(
    background: BackgroundProcess | None,
    outages: OutageProcess | None,
    nominal: Floats,
    movable: Bools,
    drawer: SpanDrawer,
    names: ColumnNames = (),
) -> Floats:
    """Draw the compute seconds of every node in the slots of a span.

    Args:
        background: other work, or None.
        outages: failures, or None.
        nominal: (N,) [s]; infinite where elastic, which background work leaves infinite.
        movable: (N,) which nodes the processes touch; False for repositories.
        drawer: of the span.
        names: (N,) of the nodes.

    Returns:
        (T, N) [s].
    """
    seconds = _hold(nominal, drawer.length)
    if background is not None:
        taken = np.minimum(draw_process(drawer, background, nominal.size, names), MOST_BACKGROUND)
        seconds = np.where(movable, nominal * (1.0 - taken), nominal)
    if outages is not None:
        down = draw_process(drawer, outages, nominal.size, names)
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


def draw_background(process: Background, nodes: int, span: Span) -> tuple[Floats, Floats]:
    """Share (T, N) of compute that other work takes, and its last chain (N,) in standard deviations."""
    x = ar1(span.rng.standard_normal(span.shape(nodes)), process.memory, span.state)
    return np.maximum(process.mean + process.sigma * x, 0.0), x[-1].copy()


def draw_outages(process: Outages, nodes: int, span: Span) -> tuple[Bools, Bools]:
    """Nodes that are down, (T, N), and those down at the end (N,)."""
    down = two_state(
        span.rng.random(span.shape(nodes)), 1 / process.mean_up, 1 / process.mean_down, span.state
    )
    return down, down[-1].copy()


def draw_memory(
    shrinkage: MemoryProcess | None,
    nominal: Floats,
    movable: Bools,
    drawer: SpanDrawer,
    names: ColumnNames = (),
) -> Floats:
    """Draw the memory of every node in the slots of a span.

    Args:
        shrinkage: other work that takes memory, or None.
        nominal: (N,) [bytes].
        movable: (N,) which nodes it touches; False for repositories.
        drawer: of the span.
        names: (N,) of the nodes.

    Returns:
        (T, N) [bytes].
    """
    if shrinkage is None:
        return _hold(nominal, drawer.length)
    left = draw_process(drawer, shrinkage, nominal.size, names)
    return np.where(movable, np.minimum(left, 1.0) * nominal, nominal)


def draw_memory_left(process: MemoryPressure, nodes: int, span: Span) -> tuple[Floats, Bools]:
    """Share (T, N) of memory that is left, and which nodes are short of it at the end (N,)."""
    shrunk = two_state(
        span.rng.random(span.shape(nodes)), 1 / process.mean_full, 1 / process.mean_shrunk, span.state
    )
    return np.where(shrunk, process.left, 1.0), shrunk[-1].copy()


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


def _hold(nominal: Floats, slots: int) -> Floats:
    """Repeat (C,) in each slot: (T, C), writable."""
    held = np.empty((slots, nominal.size))
    held[:] = nominal
    return held
