"""The best static placement when requests may be routed in the best way: splits, and shared capacity.

The environment serves greedily, so three numbers are told apart: the bound on any placement with any
routing, what the placement found gains with the best routing, and what it gains in the environment.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.evaluation.climb import climb
from idn_gym.evaluation.hindsight import FULL, ROWS, Bracket, one_row
from idn_gym.evaluation.routing_program import Routing
from idn_gym.evaluation.solver import Program, SolverError, solve_integers, solve_relaxed
from idn_gym.scenarios.compile import Compiled


def routed_gain(routing: Routing, placement: Residents, seconds: float) -> float:
    """Gain of a placement whose requests are routed in the best way, slot by slot.

    Args:
        routing: of the row.
        placement: (N, M), as it is, without repair.
        seconds: time limit.

    Raises:
        SolverError: not solved in time.
    """
    end = time.perf_counter() + seconds
    total = 0.0
    for t in range(len(routing.saving)):
        program = routing.program([np.array([t])], placement)
        total += solve_relaxed(program, max(1e-3, end - time.perf_counter())).bound
    return total - routing.served_gain


def best_routed(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    seconds: float = 60.0,
    gap: float = 0.01,
    one_per_task: bool = False,
) -> Bracket:
    """Bracket the best static placement of any segments, in either capacity mode.

    Args:
        compiled: the scenario.
        instance: drawn from it.
        b: row.
        seconds: time limit; routing the placement found in the best way may take as long again.
        gap: relative gap at which to stop.
        one_per_task: allow one segment per node and task.

    Raises:
        SolverError: not even the coarsest linear program was solved in time.
    """
    begin = time.perf_counter()
    row = one_row(instance, b)
    routing = Routing(compiled, row, one_per_task)
    best = Bracket(0.0, np.inf, compiled.tables.pinned.copy(), "time", 0.0, np.inf, 0.0)
    slots, pieces = len(routing.saving), 1
    while True:
        edges = np.linspace(0, slots, pieces + 1).astype(int)
        program = routing.program([np.arange(first, last) for first, last in pairwise(edges)])
        try:
            best = _narrow(best, routing, program, seconds - (time.perf_counter() - begin), gap)
        except SolverError:
            if not np.isfinite(best.upper):
                raise
            break
        spent = time.perf_counter() - begin
        if best.gap <= gap or pieces >= slots or spent > seconds:
            best = replace(best, status="time" if spent > seconds else "ideas")
            break
        if program.rows.shape[0] * 4 > ROWS:
            best = replace(best, status="size")
            break
        pieces = min(slots, pieces * 4)
    best = replace(best, status="closed" if best.gap <= gap else best.status)
    if best.gap > 1e-9:
        try:
            best = replace(best, routed=max(best.lower, routed_gain(routing, best.placement, seconds)))
        except SolverError:
            best = replace(best, routed=None)
    else:
        best = replace(best, routed=best.lower)
    return replace(best, seconds=time.perf_counter() - begin)


def _narrow(best: Bracket, routing: Routing, program: Program, seconds: float, gap: float) -> Bracket:
    """One round: a bound, and the best of rounding, integers and filling."""
    end = time.perf_counter() + seconds
    relaxed = solve_relaxed(program, max(seconds, 1e-3))
    assert relaxed.x is not None
    bound = relaxed.bound - routing.served_gain
    best = replace(best, relaxed=min(best.relaxed, bound), upper=min(best.upper, bound))
    x = relaxed.x[: program.integers]
    best = improve(best, routing, x, end, gap)
    left = end - time.perf_counter()
    if best.gap > gap and left > 0.0:
        keep = np.ones(len(program.upper), bool)
        full = program.integers <= FULL
        if not full:
            keep[: program.integers] = x > 1e-6
        # Half of the time is kept for finer sums of slots and for judging what was found.
        found = solve_integers(program, left / 2, gap / 4, keep)
        if full:
            best = replace(best, upper=min(best.upper, max(best.lower, found.bound - routing.served_gain)))
        if found.x is not None:
            best = improve(best, routing, np.round(found.x[: program.integers]), end, gap)
    return best


def improve(best: Bracket, routing: Routing, x: Floats, end: float, gap: float) -> Bracket:
    """Climb from nothing and from what the program is sure of, in its order; keep what is better."""
    for sure in (0.99, 2.0):
        enough = best.upper * (1.0 - gap)
        if best.lower >= enough or time.perf_counter() > end:
            break
        placement, gained = climb(routing, x, sure, end, enough)
        if gained > best.upper * (1.0 + 1e-6) + 1e-9:
            raise SolverError(f"a placement gains {gained:g}, more than the bound of {best.upper:g}")
        if gained > best.lower:
            best = replace(best, lower=gained, placement=placement, upper=max(best.upper, gained))
    return best
