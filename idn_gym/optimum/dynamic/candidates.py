"""Placements that are worth moving between: local searches on pieces of episodes.

A piece is searched as if it were all of the episode, so loading counts once over its slots, at the price of
the score: long pieces give placements that pay where loading is dear, short ones those that pay where it is
cheap. The time that loads take is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Instance, Ints, Residents
from idn_gym.core.slots import MOVING, one_row
from idn_gym.optimum.dynamic.search_clock import SearchClock
from idn_gym.optimum.search.local import local_optima
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.optimum.search.slot_search import SlotSearch
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class CandidateConfig:
    """On what and how long to search for candidates."""

    pieces: int = bounded(24, least=1)
    """an episode is searched as a whole, in halves, in quarters and so on, up to so many pieces"""
    slots: int = bounded(6, least=1)
    """of each piece, evenly spread"""
    restarts: int = bounded(1, least=1)
    """local searches on each piece: from the greedy placement, and from randomised ones"""
    noise: float = bounded(0.5, least=0)
    """as in `SearchConfig`"""
    budget: float = bounded(1e6, least=0)
    """batches served per search, after its start"""
    seed: int = bounded(0, least=0)


def find_candidates(compiled: Compiled, instance: Instance, config: CandidateConfig) -> Residents:
    """Candidates (K, N, M) from the pieces of all rows: the pins alone first, none twice.

    Args:
        compiled: the scenario.
        instance: drawn from it; the preference is that of the draw.
        config: on what and how long to search.

    Raises:
        ConfigError: the preference weighs an objective that is no sum over requests.
    """
    found = [instance.tables.pinned]
    for b in range(len(instance.draw.demand)):
        found += search_pieces(compiled, one_row(instance, b), config)
    return distinct_placements(found)


def search_pieces(
    compiled: Compiled,
    row: Instance,
    config: CandidateConfig,
    clock: SearchClock | None = None,
    share: float = 1.0,
) -> Iterator[Residents]:
    """Candidates (N, M) from the pieces of one row, in the order in which they are found, long pieces first.

    Arguments and errors are those of `find_candidates`; the clock counts what is served, and from this share
    of its time on no further piece is searched.
    """
    horizon = row.draw.demand.shape[1]
    for number, (first, last) in enumerate(piece_spans(horizon, config.pieces)):
        if number and clock is not None and clock.over(share):
            return
        yield from search_stretch(compiled, row, first, last, config, clock)


def search_stretch(
    compiled: Compiled,
    row: Instance,
    first: int,
    last: int,
    config: CandidateConfig,
    clock: SearchClock | None = None,
) -> list[Residents]:
    """Candidates (N, M) from the slots [first, last) of one row; see `find_candidates`."""
    looked_at = np.unique(np.linspace(first, last - 1, config.slots).astype(np.int64))
    search = SlotSearch(compiled, _pick_slots(row, looked_at), last - first)
    wanted = SearchConfig(config.restarts, config.noise, config.budget, seed=config.seed)
    found = local_optima(search, wanted)
    if clock is not None:
        clock.measure(search.measured, search.served)
    return found


def piece_spans(horizon: int, pieces: int) -> list[tuple[int, int]]:
    """First slot of each piece and one past its last: the whole, halves, quarters, up to `pieces` of them."""
    counts, count = [], 1
    while count < min(pieces, horizon):
        counts.append(count)
        count *= 2
    counts.append(min(pieces, horizon))
    spans: list[tuple[int, int]] = []
    for count in counts:
        ends = np.linspace(0, horizon, count + 1).round().astype(int).tolist()
        spans += pairwise(ends)
    return spans


def cut_slots(row: Instance, first: int, last: int) -> Instance:
    """The slots [first, last) of an instance of one row; tables are shared."""
    moving = {name: getattr(row.draw, name)[:, first:last] for name in MOVING}
    return Instance(row.tables, row.draw._replace(**moving))


def _pick_slots(row: Instance, slots: Ints) -> Instance:
    """The slots of these numbers of an instance of one row; tables are shared."""
    moving = {name: np.take(getattr(row.draw, name), slots, axis=1) for name in MOVING}
    return Instance(row.tables, row.draw._replace(**moving))


def distinct_placements(placements: Iterable[Residents]) -> Residents:
    """Placements (K, N, M) in their order, each the first time that it comes."""
    stacked = np.stack(list(placements))
    _, first = np.unique(stacked, axis=0, return_index=True)
    kept: Residents = stacked[np.sort(first)]
    return kept
