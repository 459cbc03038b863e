"""Shares of requests that find their model at their node: kept for ever, by LRU, or with foresight."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from experiments.requests.request_rows import RequestRows, draw_requests
from idn_gym.core.arrays import Ints
from idn_gym.scenarios.config import Scenario

Case = tuple[int, int]
"""Nodes, and models that each has room for."""

CASES: tuple[Case, ...] = ((1, 5), (1, 10), (8, 3), (16, 2), (16, 3), (16, 4))

FITTED, HELD_OUT = (0.0, 0.6), (0.6, 1.0)
"""Shares of the log's time: what the generator's parameters were fitted to, and the rest."""

HOUR, TEN_MINUTES = 3600.0, 600.0


class HitRatios(NamedTuple):
    """Hit ratios for one number of nodes and models per node, in [0, 1]."""

    static: float
    """the best models of each node, in hindsight"""
    lru: float
    """least-recently-used replacement, every miss of which is a load"""
    hourly: float
    """the best models of each node and hour, chosen in hindsight and loaded for free"""
    ten_minutes: float
    """the same with ten minutes"""


GENAI_RATIOS = {
    (1, 5): HitRatios(0.7115, 0.7371, 0.7895, 0.8716),
    (1, 10): HitRatios(0.8737, 0.8993, 0.9367, 0.9848),
    (8, 3): HitRatios(0.5913, 0.7231, 0.8157, 0.9267),
    (16, 2): HitRatios(0.5008, 0.6741, 0.7740, 0.8878),
    (16, 3): HitRatios(0.6173, 0.7404, 0.8700, 0.9526),
    (16, 4): HitRatios(0.6933, 0.7839, 0.9234, 0.9792),
}
"""Hit ratios of the 26,392 valid requests of the log of cluster-trace-v2026-GenAI."""


def ratios_by_case(requests: RequestRows) -> dict[Case, HitRatios]:
    """Hit ratios of all cases."""
    return {case: hit_ratios(requests, *case) for case in CASES}


def generator_ratios(scenario: Scenario, seeds: int) -> dict[Case, HitRatios]:
    """Means over draws of a scenario; see `draw_requests`."""
    draws = [ratios_by_case(draw_requests(scenario, seed)) for seed in range(seeds)]
    return {case: HitRatios(*np.mean([draw[case] for draw in draws], axis=0).tolist()) for case in CASES}


def hit_ratios(requests: RequestRows, nodes: int, room: int) -> HitRatios:
    """Hits of four rules on the requests.

    Args:
        requests: at least one.
        nodes: a divisor of the number of cells, which are dealt to them round robin.
        room: models that a node holds.
    """
    node = requests.cell % nodes
    count = len(node)
    static, hourly, ten_minutes = (
        best_hits((requests.time // length).astype(np.int64) * nodes + node, requests.model, room) / count
        for length in (np.inf, HOUR, TEN_MINUTES)
    )
    return HitRatios(static, lru_hits(node, requests.model, room) / count, hourly, ten_minutes)


def best_hits(place: Ints, model: Ints, room: int) -> int:
    """Requests for the `room` most frequent models of each place, a node or a node in a stretch of time."""
    pairs, counts = np.unique(np.stack([place, model], axis=1), axis=0, return_counts=True)
    at = pairs[:, 0]
    order = np.lexsort((-counts, at))
    at, counts = at[order], counts[order]
    begins = np.searchsorted(at, at)
    return int(counts[np.arange(len(at)) - begins < room].sum())


def lru_hits(node: Ints, model: Ints, room: int) -> int:
    """Requests for one of the `room` models requested last at their node; all others are loads."""
    held: dict[int, OrderedDict[int, None]] = {g: OrderedDict() for g in np.unique(node).tolist()}
    hits = 0
    for g, asked in zip(node.tolist(), model.tolist(), strict=True):
        models = held[g]
        if asked in models:
            hits += 1
            models.move_to_end(asked)
            continue
        models[asked] = None
        if len(models) > room:
            models.popitem(last=False)
    return hits
