"""Local search from greedy and randomised greedy starts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Instance, Residents
from idn_gym.optimum.search.greedy import greedy
from idn_gym.optimum.search.moves import LEAST_SHARE, Move, NodeSegment, Search, SearchConfig
from idn_gym.optimum.static import cheapest_kept
from idn_gym.scenarios.compile import Compiled


def best_placement(
    compiled: Compiled, instance: Instance, config: SearchConfig, others: Iterable[Residents] = ()
) -> Residents:
    """The best of several local searches (N, M) on sampled slots, evaluated on the whole episodes.

    Args:
        compiled: the scenario.
        instance: episodes drawn from it.
        config: how long to search, and on how many slots.
        others: (N, M) placements found elsewhere, which are evaluated with them.
    """
    search = Search(compiled, instance, config.slots, config.one_per_task)
    found = [*local_optima(search, config), *others]
    return cheapest_kept(instance, compiled.scales, found, compiled.objectives)


def local_optima(search: Search, config: SearchConfig) -> list[Residents]:
    """Results of local searches (N, M), one for each restart."""
    rng = np.random.default_rng(config.seed)
    first: Floats | None = None
    found = []
    for restart in range(config.restarts):
        search.start(search.tables.pinned)
        factors = np.exp(rng.normal(0.0, config.noise if restart else 0.0, len(search.items)))
        first = greedy(search, factors, first)
        improve_locally(search, rng, config.budget)
        found.append(search.placement.copy())
    return found


def improve_locally(search: Search, rng: np.random.Generator, budget: float) -> None:
    """Load, replace, remove and swap, first improvement in random order, until nothing helps.

    What an option needs on several nodes is also loaded in one move: a head may be worth nothing
    without its tail.
    """
    loads = [[item] for item in search.items] + search.teams
    last = search.served + budget
    improved = True
    while improved and search.served < last:
        improved = False
        for i in rng.permutation(len(loads) + len(search.items)):
            if search.served >= last:
                break
            if i < len(loads):
                moves = _loads(search, loads[i], rng)
            else:
                moves = _removals(search, *search.items[i - len(loads)])
            for move in moves:
                gain, costs = search.gain(move)
                if gain > LEAST_SHARE * search.cost:
                    search.apply(move, costs)
                    improved = True
                    break


def _removals(search: Search, v: int, s: int) -> list[Move]:
    m = int(search.tables.segment_model[s])
    return [[(v, m, EMPTY)]] if search.placement[v, m] == s else []


def _loads(search: Search, items: list[NodeSegment], rng: np.random.Generator) -> list[Move]:
    """Ways to bring the items in: one item in every way, several on as many nodes in one way."""
    model = search.tables.segment_model
    missing = [(v, s) for v, s in items if search.placement[v, model[s]] != s]
    ways = [_ways_in(search, v, s, rng) for v, s in missing]
    if len(ways) == 1:
        return ways[0]
    return [[change for way in ways for change in way[0]]] if ways and all(ways) else []


def _ways_in(search: Search, v: int, s: int, rng: np.random.Generator) -> list[Move]:
    """Moves that load a segment: into free memory, else in place of one other, else of several."""
    load = search.load(v, s)
    missing = search.extra(load) - search.room(v)
    if missing <= 0.0:
        return [load]
    held = (search.placement[v] != EMPTY) & (search.tables.pinned[v] == EMPTY)
    held[[n for _, n, _ in load]] = False
    others = [int(n) for n in rng.permutation(np.flatnonzero(held))]
    sizes = [search.size(search.placement[v, n]) for n in others]
    large = [n for n, size in zip(others, sizes, strict=True) if size >= missing]
    if large:
        return [[(v, n, EMPTY), *load] for n in large]
    count = int(np.searchsorted(np.cumsum(sizes), missing)) + 1
    return [[*((v, n, EMPTY) for n in others[:count]), *load]] if count <= len(others) else []
