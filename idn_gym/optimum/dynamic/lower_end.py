"""A good sequence of wishes for one episode, and the best placement to keep that was found on it.

Candidates come from searches on pieces of the episode; the program over them starts, then every node is
refined by itself, and what the sequence holds joins the candidates. Only costs that were played count.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Ints, Residents
from idn_gym.core.slots import one_row
from idn_gym.optimum.dynamic.candidates import (
    CandidateConfig,
    cut_slots,
    distinct_placements,
    search_pieces,
)
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.refining import Refiner
from idn_gym.optimum.dynamic.search_clock import SearchClock
from idn_gym.optimum.dynamic.sequences import steady_costs, switch_costs
from idn_gym.optimum.dynamic.transfers import best_held_sequence
from idn_gym.optimum.search.moves import LEAST_SHARE
from idn_gym.optimum.search.slot_search import SlotSearch
from idn_gym.scenarios.compile import Compiled

SEARCHING, TRYING, KEEPING = 0.4, 0.5, 0.55
"""Shares of the time after which no further piece is searched, no further candidate played as if it were
kept, and the placement to keep not refined; what was not played by then is no candidate."""

MOST_CANDIDATES = 200
"""Maximum number of placements in one dynamic program; of more, the best ones in a slot or as static ones."""


@dataclass(frozen=True, eq=False)
class LowerEnd:
    """Sequences found; costs are summed over the slots of the row."""

    sequence: Residents
    """(T, N, M) wishes"""
    reached: float
    """[cost] of the sequence, played"""
    placement: Residents
    """(N, M) the best one to keep"""
    static: float
    """[cost] of keeping it, its first load included"""
    late: bool
    """whether the nominal time, or a share of it, ended a part of the search"""
    seconds: float
    """[s] of processor time that it took, compiling of kernels left out"""


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
        seconds: nominal time after which to stop (`SearchClock`): work is counted, so that the same is found
            on every machine; one search, program or node is always finished.
        played: sequences of wishes (T, N, M) that are known.
        config: of the searches for candidates.

    Raises:
        ConfigError: the preference weighs an objective that is no sum over requests, or a sequence is one of
            another scenario.
    """
    config = CandidateConfig() if config is None else config
    row = one_row(instance, b)
    _warm_up(compiled, row)
    began, clock = time.process_time(), SearchClock(seconds)
    player, rng = SequencePlayer(compiled, row, clock=clock), np.random.default_rng(config.seed)
    known = [Refiner(compiled, player, wishes, rng) for wishes in played]
    held = [distinct_placements(one.wishes) for one in sorted(known, key=lambda one: one.total)]
    first = [row.tables.pinned, *(some[0] for some in held if len(some) == 1)]
    pieces = search_pieces(compiled, row, config, clock, SEARCHING)
    candidates = distinct_placements([*first, *pieces, *(p for some in held for p in some)])
    kept: list[float] = []
    for one in candidates:
        if len(kept) >= len(first) and clock.over(TRYING):
            break
        kept.append(float(player.play(one).sum()))
    candidates = candidates[: len(kept)]
    static = Refiner(compiled, player, candidates[int(np.argmin(kept))], rng, KEEPING)
    static.refine(candidates, kept=True)
    cheapest = min([static, *known], key=lambda one: one.total)
    best = Refiner(compiled, player, cheapest.wishes, rng)
    choices, before = _Choices(compiled, player), np.inf
    while best.total < before * (1.0 - LEAST_SHARE) and not best.late:
        before = best.total
        candidates = distinct_placements([*candidates, static.wishes[0], *best.wishes])
        best.try_wishes(choices.best_sequence(candidates))
        best.refine(candidates)
    return LowerEnd(
        sequence=best.wishes,
        reached=best.total,
        placement=static.wishes[0].copy(),
        static=static.total,
        late=clock.late,
        seconds=time.process_time() - began,
    )


def _warm_up(compiled: Compiled, row: Instance) -> None:
    """Call the kernels once, on the first slot: the seconds told are not of compiling them."""
    SequencePlayer(compiled, row).steady_costs(row.tables.pinned, np.zeros(1, np.int64))
    search = SlotSearch(compiled, cut_slots(row, 0, 1))
    for node, segment in search.items[:1]:
        search.gain(search.load(node, segment))


class _Choices:
    """Sequences over candidates; what a slot costs with each of them resident is measured once."""

    def __init__(self, compiled: Compiled, player: SequencePlayer) -> None:
        self._compiled, self._player = compiled, player
        self._steady: dict[bytes, Floats] = {}

    def best_sequence(self, candidates: Residents) -> Residents:
        """The best sequence (T, N, M) among candidates, the pins first."""
        keys = [one.tobytes() for one in candidates]
        fresh = [i for i, key in enumerate(keys) if key not in self._steady]
        costs = steady_costs(self._player, candidates[fresh])
        self._steady |= dict(zip([keys[i] for i in fresh], costs.T, strict=True))
        steady = np.stack([self._steady[key] for key in keys], axis=1)
        chosen = np.append(0, _most_useful(steady, MOST_CANDIDATES - 1))
        candidates, steady = candidates[chosen], steady[:, chosen]
        switch = switch_costs(self._compiled, candidates, self._player.row.draw.weights[0])
        return candidates[best_held_sequence(self._player, candidates, steady, switch)]


def _most_useful(steady: Floats, most: int) -> Ints:
    """Placements to choose from, besides the first, at most this many: best in a slot, then best static."""
    rank = steady.sum(0)
    rank[np.unique(steady.argmin(1))] -= np.abs(rank).max() * 2.0 + 1.0
    order: Ints = 1 + np.argsort(rank[1:], kind="stable")
    return np.sort(order[:most])
