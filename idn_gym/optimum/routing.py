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
from idn_gym.core.slots import one_row
from idn_gym.optimum.bracket import Bracket
from idn_gym.optimum.filling import SURE
from idn_gym.optimum.hill_climbing import TOGETHER, improve_bracket
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.solver import FULL, ROWS, Program, SolverError, solve_integers, solve_relaxed
from idn_gym.optimum.warm import warm_up
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
    row = one_row(instance, b)
    warm_up(row, list_prefixes(compiled))
    begin = time.perf_counter()
    routing = Routing(compiled, row, one_per_task)
    best = Bracket(0.0, np.inf, compiled.tables.pinned.copy(), "time", 0.0, np.inf, 0.0)
    slots, pieces, wanted = len(routing.saving), 1, np.zeros(len(routing.node))
    while True:
        edges = np.linspace(0, slots, pieces + 1).astype(int)
        program = routing.program([np.arange(first, last) for first, last in pairwise(edges)])
        try:
            best, wanted = _narrow(best, routing, program, seconds - (time.perf_counter() - begin), gap)
        except SolverError:
            if not np.isfinite(best.upper):
                raise
            break
        if best.gap <= gap or pieces >= slots or time.perf_counter() - begin > seconds:
            best = replace(best, status="stalled")
            break
        if program.rows.shape[0] * 4 > ROWS:
            best = replace(best, status="size")
            break
        pieces = min(slots, pieces * 4)
    starts = [best.placement, *_starts(routing, wanted)]
    best = improve_bracket(best, routing.choices, starts, wanted, TOGETHER, begin + seconds, gap)
    best = best.ended(gap, time.perf_counter() - begin > seconds)
    if best.gap > 1e-9:
        try:
            best = replace(best, routed=max(best.lower, routed_gain(routing, best.placement, seconds)))
        except SolverError:
            best = replace(best, routed=None)
    else:
        best = replace(best, routed=best.lower)
    return replace(best, seconds=time.perf_counter() - begin)


def _narrow(
    best: Bracket, routing: Routing, program: Program, seconds: float, gap: float
) -> tuple[Bracket, Floats]:
    """One round: a bound, and the best of what climbs from its columns and from integers.

    Returns:
        The bracket, and how much the linear program wants each column (I,).
    """
    end = time.perf_counter() + seconds
    relaxed = solve_relaxed(program, max(seconds, 1e-3))
    assert relaxed.x is not None
    bound = relaxed.bound - routing.served_gain
    best = replace(best, relaxed=min(best.relaxed, bound), upper=min(best.upper, bound))
    x = relaxed.x[: program.integers]
    best = improve_bracket(best, routing.choices, _starts(routing, x), x, 1, end, gap)
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
            whole = np.round(found.x[: program.integers])
            best = improve_bracket(best, routing.choices, _starts(routing, whole), whole, 1, end, gap)
    return best, x


def _starts(routing: Routing, x: Floats) -> list[Residents]:
    """Where climbing starts: from what the program is sure of, and from nothing."""
    return [routing.choices.start(x, SURE), routing.row.tables.pinned]
