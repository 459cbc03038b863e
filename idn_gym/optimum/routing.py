"""The best static placement when requests may be routed in the best way: splits, and shared capacity.

The environment serves greedily, so three numbers are told apart: the bound on any placement with any
routing, what the placement found gains with the best routing, and what it gains in the environment.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Ints, Residents
from idn_gym.core.slots import one_row, one_slot
from idn_gym.optimum.best_routing import route_best
from idn_gym.optimum.bracket import Bracket, FalseBoundError, open_bracket
from idn_gym.optimum.filling import SURE
from idn_gym.optimum.hill_climbing import AT_ONCE, improve_bracket
from idn_gym.optimum.load_prices import load_cost
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.search.slot_search import greedy_start
from idn_gym.optimum.solver import FULL, ROWS, Program, SolverError, solve_integers, solve_relaxed
from idn_gym.optimum.warm import warm_up
from idn_gym.scenarios.compile import Compiled

GREEDY_SHARE = 0.2
"""Share of the time that the greedy placement may take with which the search begins."""

CEILINGS = (0.9, 0.8, 0.7)
"""Utilisations beyond which waits are not counted to grow; the best of them is kept."""


def best_routed(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    seconds: float = 60.0,
    gap: float = 0.01,
    one_per_task: bool = False,
    load_price: float = 0.0,
) -> Bracket:
    """Bracket the best static placement of any segments, in either capacity mode.

    Args:
        compiled: the scenario.
        instance: drawn from it.
        b: row.
        seconds: of processor time; routing the placement found in the best way may take as long again.
        gap: relative gap at which to stop.
        one_per_task: allow one segment per node and task.
        load_price: [cost/byte] of loads.
    """
    row = one_row(instance, b)
    _warm_up(compiled, row, one_per_task)
    begin = time.process_time()
    routing = Routing(compiled, row, one_per_task, load_price)
    best = open_bracket(compiled.tables.pinned.copy(), routing.choices.alone)
    sampled = greedy_start(compiled, row, one_per_task, begin + seconds * GREEDY_SHARE)
    best = best.judged(sampled, routing.choices.gain(sampled))
    best, wanted, ceiling = _refine(best, routing, begin + seconds, gap)
    starts = [best.placement, *_starts(routing, wanted)]
    best = improve_bracket(best, routing.choices, starts, wanted, AT_ONCE, begin + seconds, gap)
    best = best.ended(gap, time.process_time() - begin > seconds)
    for placement in (best.placement, starts[1]):
        best = _route(best, routing, placement, seconds, ceiling)
    return replace(best, seconds=time.process_time() - begin)


def _warm_up(compiled: Compiled, row: Instance, one_per_task: bool) -> None:
    """Compile what this search calls, on the first slot."""
    warm_up(row, list_prefixes(compiled))
    first = Routing(compiled, one_slot(row, np.zeros(1, np.int64)), one_per_task)
    route_best(first, compiled.tables.pinned, np.inf)


def _refine(best: Bracket, routing: Routing, end: float, gap: float) -> tuple[Bracket, Floats, float]:
    """Rounds with slots that are added up in more and smaller parts, while the bracket is open.

    Returns:
        The bracket; how much the last linear program wants each column (I,); the ceiling on utilisation.
    """
    slots, wanted = len(routing.saving), np.zeros(len(routing.node))
    ceilings = CEILINGS if routing.waits else CEILINGS[:1]
    pieces = [1]
    while pieces[-1] < slots:
        pieces.append(min(slots, pieces[-1] * 4))
    for done, count in enumerate(pieces):
        edges = np.linspace(0, slots, count + 1).astype(int)
        chunks = [np.arange(first, last) for first, last in pairwise(edges)]
        try:
            ceilings = (_best_ceiling(routing, chunks, ceilings, end),)
            program = routing.program(chunks, ceiling=ceilings[0])
            # What is left is shared with the rounds to come, and with climbing at the end.
            now = time.process_time()
            until = now + (end - now) / (len(pieces) - done + 1)
            best, wanted = _narrow(best, routing, program, max(0.0, end - now), until, gap)
        except SolverError:
            break
        if best.gap <= gap or time.process_time() > end:
            break
        if program.rows.shape[0] * 4 > ROWS and count < slots:
            return replace(best, status="size"), wanted, ceilings[0]
    return replace(best, status="stalled"), wanted, ceilings[0]


def _route(best: Bracket, routing: Routing, placement: Residents, seconds: float, ceiling: float) -> Bracket:
    """The bracket that also knows a placement under the best routing, if that is solved in time."""
    try:
        found = route_best(routing, placement, seconds, ceiling)
    except SolverError:
        return best
    loads = load_cost(routing.row.tables, placement, routing.load_price)
    gained = max(min(best.alone - found.reached - loads, best.upper), best.lower)
    if best.routed is not None and gained <= best.routed:
        return best
    return replace(
        best, routed=gained, routed_upper=max(gained, min(best.alone - found.least - loads, best.upper))
    )


def _best_ceiling(routing: Routing, chunks: list[Ints], ceilings: tuple[float, ...], end: float) -> float:
    """The ceiling on utilisation under which the bound is lowest, of those that are solved in time."""
    if len(ceilings) == 1:
        return ceilings[0]
    bounds = {}
    for ceiling in ceilings:
        program = routing.program(chunks, ceiling=ceiling)
        with contextlib.suppress(SolverError):
            bounds[ceiling] = solve_relaxed(program, max(1e-3, end - time.process_time())).bound
    return min(bounds, key=bounds.__getitem__, default=ceilings[0])


def _narrow(
    best: Bracket, routing: Routing, program: Program, seconds: float, until: float, gap: float
) -> tuple[Bracket, Floats]:
    """One round: a bound, and the best of what climbs from its columns and from integers.

    The linear program may take all `seconds`; what follows stops at the time `until`.

    Returns:
        The bracket, and how much the linear program wants each column (I,).
    """
    relaxed = solve_relaxed(program, max(seconds, 1e-3))
    assert relaxed.x is not None
    bound = relaxed.bound - routing.served_gain
    best = _bounded(replace(best, relaxed=min(best.relaxed, bound)), bound)
    x = relaxed.x[: program.integers]
    best = improve_bracket(best, routing.choices, _starts(routing, x), x, 1, until, gap)
    left = until - time.process_time()
    if best.gap > gap and left > 0.0:
        keep = np.ones(len(program.upper), bool)
        full = program.integers <= FULL
        if not full:
            keep[: program.integers] = x > 1e-6
        # Half of the time is kept for finer sums of slots and for judging what was found.
        found = solve_integers(program, left / 2, gap / 4, keep)
        if full:
            best = _bounded(best, found.bound - routing.served_gain)
        if found.x is not None:
            whole = np.round(found.x[: program.integers])
            best = improve_bracket(best, routing.choices, _starts(routing, whole), whole, 1, until, gap)
    return best, x


def _bounded(best: Bracket, bound: float) -> Bracket:
    """The bracket that also knows of a bound [cost] on all gains.

    Raises:
        FalseBoundError: its placement gains more.
    """
    if best.lower > bound + 1e-6 * abs(bound) + 1e-9:
        raise FalseBoundError(f"a placement gains {best.lower:g}, more than the bound of {bound:g}")
    return replace(best, upper=max(best.lower, min(best.upper, bound)))


def _starts(routing: Routing, x: Floats) -> list[Residents]:
    """Starting points of the ascent: the certain part of the program's solution, and the empty placement."""
    return [routing.choices.start(x, SURE), routing.row.tables.pinned]
