"""Choice of cuts: scans, a minimum cut, exits under a deadline, and a chain of tiers.

All work on seconds that the caller has computed, from a law of the catalogue or from timings. The
answer is free, as everywhere here: only what travels towards the server costs time.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import NamedTuple

import networkx as nx
import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.lab.profiling.graph import OperatorGraph


class BlockTimes(NamedTuple):
    """Seconds of a network of L blocks in a row, between a device and a server."""

    device: Floats
    """(L,) [s] per block on the device"""
    server: Floats
    """(L,) [s] per block on the server"""
    transfer: Floats
    """(L + 1,) [s] to send what crosses before each block; the last entry, the answer, is 0"""


class DeviceSplit(NamedTuple):
    """Blocks before `cut` run on the device, the others on the server."""

    cut: int
    seconds: float


def scan(chain: BlockTimes) -> DeviceSplit:
    """The best single cut by trying all: Neurosurgeon's rule (Kang et al., ASPLOS 2017).

    min over i of sum_{j<i} device_j + transfer_i + sum_{j>=i} server_j; the formula is from memory of the
    paper, whose abstract alone could be read. Ties go to the server.

    Raises:
        ConfigError: the shapes do not fit, or a number is negative or missing.
    """
    _check(chain)
    before = np.concatenate([[0.0], np.cumsum(chain.device)])
    after = np.concatenate([np.cumsum(chain.server[::-1])[::-1], [0.0]])
    seconds = before + chain.transfer + after
    best = int(np.argmin(seconds))
    return DeviceSplit(best, float(seconds[best]))


def min_cut(
    graph: OperatorGraph, device: Sequence[float], server: Sequence[float], transfer: Sequence[float]
) -> tuple[frozenset[int], float]:
    """The best assignment of all operators: DADS under light load (Hu et al., INFOCOM 2019).

    A minimum cut: to leave an operator on the server costs its time there, on the device its time there;
    a tensor that crosses costs its transfer once, however many operators use it; nothing comes back, and the
    input is on the device. The details of the network are our construction, since only the abstract could be
    read.

    Args:
        graph: of `idn_gym.lab.profiling.graph.trace`.
        device: (N,) [s] per operator of ``graph.operators`` on the device, infinite where it may not run; the
            input's is not used.
        server: (N,) [s] per operator on the server.
        transfer: (N,) [s] to send each operator's output; the last one's, the answer, is not used.

    Returns:
        The rows that run on the device, the input's always among them, and the seconds in all; `share_out` of
        `idn_gym.lab.profiling.cutting` makes modules of them.

    Raises:
        ConfigError: not one number per operator, one that is negative or missing, or no way is finite.
    """
    rows = graph.operators
    for key, values in (("device", device), ("server", server), ("transfer", transfer)):
        if len(values) != len(rows) or not all(value >= 0 for value in values):
            raise ConfigError(key, f"must be {len(rows)} numbers of at least 0, one per operator")
    network = nx.DiGraph()
    network.add_nodes_from(["device", "server"])
    scale = _denominator([*device, *server, *transfer])

    def join(start: Hashable, end: Hashable, seconds: float) -> None:
        # In whole numbers, since sums of numbers that are rounded cannot tell which edges are full.
        limit = {} if math.isinf(seconds) else {"capacity": int(Fraction(seconds) * scale)}
        network.add_edge(start, end, **limit)

    used = {source for row in rows for source in row.inputs}
    for i, row in enumerate(rows):
        join("device", i, server[i] if i else math.inf)
        if i:
            join(i, "server", device[i])
        if i in used:
            join(i, ("sent", i), transfer[i])
        for source in row.inputs:
            join(("sent", source), i, math.inf)
            join(i, source, math.inf)
    try:
        seconds, (near, _) = nx.minimum_cut(network, "device", "server")
    except nx.NetworkXUnbounded:
        raise ConfigError("device", "no assignment takes a finite time") from None
    return frozenset(node for node in near if isinstance(node, int)), float(Fraction(seconds, scale))


def _denominator(values: Sequence[float]) -> int:
    """Factor that makes all finite numbers whole; floats have powers of two as denominators."""
    return max((Fraction(value).denominator for value in values if not math.isinf(value)), default=1)


class ExitSplit(NamedTuple):
    """An exit and where the network up to it is cut."""

    exit: int
    cut: int
    seconds: float


def within_deadline(
    chains: Sequence[BlockTimes], accuracy: Sequence[float], deadline: float
) -> ExitSplit | None:
    """The most accurate exit that some cut reaches in time: Edgent's choice (Li, Zhou, Chen 2018).

    Their search is exhaustive over exits and cuts; its details are from memory of the paper.

    Args:
        chains: the network up to each exit, its head included.
        accuracy: of each exit; ties are broken by their seconds.
        deadline: [s].

    Returns:
        None where no exit is reached in time.
    """
    if len(chains) != len(accuracy):
        raise ConfigError(
            "accuracy", f"{len(accuracy)} numbers are not allowed; must be one per exit, {len(chains)}"
        )
    found = [ExitSplit(k, *scan(chain)) for k, chain in enumerate(chains)]
    timely = [choice for choice in found if choice.seconds <= deadline]
    return max(timely, key=lambda choice: (accuracy[choice.exit], -choice.seconds), default=None)


class Tiers(NamedTuple):
    """Assignment of the blocks to the tiers of a chain."""

    tier: tuple[int, ...]
    """per block, never falling"""
    seconds: float


def tiers(compute: Floats, transfer: Floats) -> Tiers:
    """The best way of L blocks up a chain of H tiers, such as device, gateway, edge and cloud.

    A dynamic program of our own in L x H steps: best(l, h) = min(best(l-1, h) + compute[h, l-1],
    best(l, h-1) + transfer[h-1, l]), for l blocks done and the data on tier h. The input starts on tier 0 and
    blocks may end on any tier.

    Args:
        compute: (H, L) [s] of each block on each tier; infinite where it may not run.
        transfer: (H - 1, L + 1) [s] to send what crosses before each block one tier up.

    Raises:
        ConfigError: the shapes do not fit, a number is negative or missing, or no way is finite.
    """
    height, length = compute.shape
    if transfer.shape != (height - 1, length + 1):
        raise ConfigError(
            "transfer", f"shape {transfer.shape} is not allowed; must be {(height - 1, length + 1)}"
        )
    for key, values in (("compute", compute), ("transfer", transfer)):
        if not (values >= 0).all():
            raise ConfigError(key, "holds a negative number or nan; must be at least 0")
    best = np.full((height, length + 1), np.inf)
    climbed = np.zeros((height, length + 1), dtype=bool)
    best[0, 0] = 0.0
    for done in range(length + 1):
        for tier in range(height):
            stay = best[tier, done - 1] + compute[tier, done - 1] if done else best[tier, 0]
            climb = best[tier - 1, done] + transfer[tier - 1, done] if tier else np.inf
            best[tier, done], climbed[tier, done] = min(stay, climb), climb < stay
    tier, done = int(np.argmin(best[:, length])), length
    seconds = float(best[tier, length])
    if not math.isfinite(seconds):
        raise ConfigError(
            "compute", "no path is finite; every block must be finite on a tier that can be reached"
        )
    path: list[int] = []
    while done:
        if climbed[tier, done]:
            tier -= 1
        else:
            path.append(tier)
            done -= 1
    return Tiers(tuple(reversed(path)), seconds)


def _check(chain: BlockTimes) -> None:
    length = len(chain.device)
    if len(chain.server) != length or len(chain.transfer) != length + 1:
        shapes = tuple(len(part) for part in chain)
        raise ConfigError(
            "chain", f"lengths {shapes} are not allowed; must be {(length, length, length + 1)}"
        )
    for key, values in chain._asdict().items():
        if not (np.asarray(values) >= 0).all():
            raise ConfigError(f"chain.{key}", "holds a negative number or nan; must be at least 0")
