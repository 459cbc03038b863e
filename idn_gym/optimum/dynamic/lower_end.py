"""A good sequence of wishes for one episode, and the best placement to keep that was found on it.

Candidates come from searches on pieces of the episode; the programme over them starts, then every node is
refined by itself, and what the sequence holds joins the candidates. Only costs that were played count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Ints, Residents
from idn_gym.core.slots import one_row
from idn_gym.optimum.dynamic.candidates import CandidateConfig, distinct_placements, search_pieces
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.refining import Refiner
from idn_gym.optimum.dynamic.sequences import steady_costs, switch_costs
from idn_gym.optimum.dynamic.transfers import best_held_sequence
from idn_gym.optimum.search.moves import LEAST_SHARE
from idn_gym.scenarios.compile import Compiled

SEARCHING, KEEPING = 0.4, 0.55
"""Shares of the time after which no further piece is searched, and the placement to keep not refined."""

MOST_CANDIDATES = 200
"""That one programme chooses from; of more, those that are best in a slot or if kept."""


@dataclass(frozen=True, eq=False)
class LowerEnd:
    """What was found; costs are summed over the slots of the row."""

    sequence: Residents
    """(T, N, M) wishes"""
    reached: float
    """[cost] of the sequence, played"""
    placement: Residents
    """(N, M) the best one to keep"""
    static: float
    """[cost] of keeping it, its first load included"""
    late: bool
    """whether the time ended the search"""


def find_sequence(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    seconds: float = 60.0,
    played: Sequence[Residents] = (),
    config: CandidateConfig | None = None,
) -> LowerEnd:
    """Search for a cheap sequence; none of those played, and no placement that is kept, costs less.

    Args:
        compiled: the scenario.
        instance: drawn from it; the preference is that of the draw.
        b: row.
        seconds: processor time after which to stop; one search, programme or node is always finished.
        played: sequences of wishes (T, N, M) that are known.
        config: of the searches for candidates.

    Raises:
        ConfigError: the preference weighs an objective that is no sum over requests, or a sequence is one of
            another scenario.
    """
    began, config = time.process_time(), CandidateConfig() if config is None else config
    row, end = one_row(instance, b), began + seconds
    player, rng = SequencePlayer(compiled, row), np.random.default_rng(config.seed)
    known = [Refiner(compiled, player, wishes, rng, end) for wishes in played]
    pieces = _until(search_pieces(compiled, row, config), began + SEARCHING * seconds)
    held = [distinct_placements(one.wishes) for one in known]
    candidates = distinct_placements([row.tables.pinned, *pieces, *(p for some in held for p in some)])
    kept = [float(player.play(placement).sum()) for placement in candidates]
    static = Refiner(compiled, player, candidates[int(np.argmin(kept))], rng, began + KEEPING * seconds)
    static.refine(candidates, kept=True)
    cheapest = min([static, *known], key=lambda one: one.total)
    best = Refiner(compiled, player, cheapest.wishes, rng, end)
    before = np.inf
    while best.total < before * (1.0 - LEAST_SHARE) and not best.late:
        before = best.total
        candidates = distinct_placements([*candidates, static.wishes[0], *best.wishes])
        best.try_wishes(_over_candidates(compiled, player, candidates, end))
        best.refine(candidates)
    return LowerEnd(best.wishes, best.total, static.wishes[0].copy(), static.total, best.late or static.late)


def _until(pieces: Iterator[Residents], end: float) -> Iterator[Residents]:
    """What comes before a processor time [s], the first in any case."""
    for placement in pieces:
        yield placement
        if time.process_time() > end:
            return


def _over_candidates(
    compiled: Compiled, player: SequencePlayer, candidates: Residents, end: float
) -> Residents:
    """The best sequence (T, N, M) among candidates, the pins first."""
    steady = steady_costs(compiled, player.row, candidates)
    chosen = np.append(0, _most_useful(steady, MOST_CANDIDATES - 1))
    candidates, steady = candidates[chosen], steady[:, chosen]
    switch = switch_costs(compiled, candidates, player.row.draw.weights[0])
    return candidates[best_held_sequence(player, candidates, steady, switch, end)]


def _most_useful(steady: Floats, most: int) -> Ints:
    """Which placements but the first to choose from, at most so many: best in a slot, then best if kept."""
    rank = steady.sum(0)
    rank[np.unique(steady.argmin(1))] -= np.abs(rank).max() * 2.0 + 1.0
    order: Ints = 1 + np.argsort(rank[1:], kind="stable")
    return np.sort(order[:most])
