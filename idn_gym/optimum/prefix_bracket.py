"""The best static placement of prefixes in hindsight, for private capacities: always as a bracket.

The lower end is the placement's true gain as the environment serves and repairs, never a solver's opinion.
Where memory moves, the placement is a fixed target that is repaired.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.core.slots import one_row
from idn_gym.optimum.bracket import Bracket, open_bracket
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.hill_climbing import AT_ONCE, Choices, improve_bracket
from idn_gym.optimum.load_prices import column_prices
from idn_gym.optimum.prefix_program import LayerProgram, Rankings
from idn_gym.optimum.prefixes import Prefixes, list_prefixes, serves_alone, to_placement
from idn_gym.optimum.solver import FULL, ROWS, SolverError, solve_integers, solve_relaxed
from idn_gym.optimum.warm import warm_up
from idn_gym.scenarios.compile import Compiled

SAMPLE = 12
"""Slots whose gain decides what fills memory that rounding left free."""


class _Search(NamedTuple):
    """Sample and time limits of the search."""

    row: Instance
    items: Prefixes
    choices: Choices
    filler: Filler
    rankings: Rankings
    one_per_task: bool
    paid: Floats  # (I,) [cost] what loading each column costs
    gap: float
    deadline: float  # [s] of `time.process_time`

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.process_time()


def best_prefixes(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    seconds: float = 60.0,
    gap: float = 0.01,
    one_per_task: bool = False,
    pieces: int = 1,
    load_price: float = 0.0,
) -> Bracket:
    """Bracket the best static placement of prefixes; arguments as for `best_static`.

    The linear program bounds it. Its columns above 0 alone go into a mixed-integer program (all of them if
    there are few), whose answer is judged by the core as it is and filled up. While the bracket is open,
    slots that were added up although it is not exact are added up in more and smaller parts; what is open
    at the end is left to climbing from the best placement.

    Args:
        compiled: the scenario.
        instance: drawn from it.
        b: row.
        seconds: of processor time.
        gap: relative gap at which to stop.
        one_per_task: allow one model per node and task.
        pieces: into how many parts such slots are cut at first.
        load_price: [cost/byte] of loads.

    Raises:
        ConfigError: the concave gain does not cover the scenario (`serves_alone`).
    """
    row, items = one_row(instance, b), list_prefixes(compiled)
    if not serves_alone(compiled.tables, items):
        raise ConfigError("serving", "some options need two placed segments or shared capacity")
    warm_up(row, items)
    begin = time.process_time()
    nothing: Residents = compiled.tables.pinned.copy()
    choices = Choices(row, items.node, items.segment, one_per_task, load_price)
    if not len(items.node):
        return Bracket(0.0, 0.0, nothing, "closed", time.process_time() - begin, 0.0, choices.alone)
    paid = column_prices(compiled.tables, items, load_price)
    rankings, filler = Rankings(row, items, 0), _filler(row, items, one_per_task, paid)
    search = _Search(row, items, choices, filler, rankings, one_per_task, paid, gap, begin + seconds)
    best = open_bracket(nothing, choices.alone)
    best, wanted = _refine(best, search, pieces)
    best = improve_bracket(best, choices, (best.placement, nothing), wanted, AT_ONCE, begin + seconds, gap)
    spent = time.process_time() - begin
    return replace(best.ended(gap, spent > seconds), seconds=spent)


def _filler(row: Instance, items: Prefixes, one_per_task: bool, paid: Floats) -> Filler:
    """Fill free memory by the gain in a sample of the slots."""
    slots = row.draw.demand.shape[1]
    sample = np.unique(np.linspace(0, slots - 1, min(slots, SAMPLE)).astype(np.int64))
    return Filler(row.tables, row.draw, items, 0, sample, one_per_task, paid * len(sample) / slots)


def _refine(best: Bracket, search: _Search, pieces: int) -> tuple[Bracket, Floats]:
    """Rounds with slots that are added up in more and smaller parts, while the bracket is open.

    Returns:
        The bracket, and how much the last linear program wants each column (I,).
    """
    slots, wanted = search.row.draw.demand.shape[1], np.zeros(len(search.items.node))
    while True:
        arguments = pieces, search.one_per_task, search.rankings, search.paid
        layered = LayerProgram(search.row, search.items, 0, *arguments)
        try:
            best, wanted = _narrow(best, search, layered)
        except SolverError:
            return best, wanted
        if best.gap <= search.gap or layered.exact or pieces >= slots:
            return replace(best, status="stalled"), wanted
        if layered.program.rows.shape[0] * 4 > ROWS:
            return replace(best, status="size"), wanted
        pieces = min(slots, pieces * 4)


def _narrow(best: Bracket, search: _Search, layered: LayerProgram) -> tuple[Bracket, Floats]:
    """One round: a bound, and the best of rounding and of the mixed-integer program.

    Returns:
        The bracket, and how much the linear program wants each column (I,).
    """
    program = layered.program
    relaxed = solve_relaxed(program, max(search.left, 1e-3))
    assert relaxed.x is not None and relaxed.reduced is not None
    z = relaxed.x[: program.integers]
    best = replace(best, relaxed=min(best.relaxed, relaxed.bound), upper=min(best.upper, relaxed.bound))
    best = _judge(best, search, search.filler.round(z))
    used, keep = z > 1e-6, np.ones(len(program.upper), bool)
    for restricted in (True, False) if program.integers > FULL else (False,):
        left = search.left
        if best.gap <= search.gap or left <= 0.0:
            break
        # A column whose reduced cost exceeds the gap is in no placement that is better than the best.
        near = relaxed.reduced[: program.integers] <= relaxed.bound - best.lower
        keep[: program.integers] = used if restricted else used | near
        # Half of the time is kept for finer sums of slots and for climbing.
        found = solve_integers(program, left / 2, search.gap / 4, keep)
        if not restricted:
            best = replace(best, upper=min(best.upper, max(found.bound, best.lower)))
        if found.x is not None:
            whole = np.round(found.x[: program.integers])
            for candidate in (whole, search.filler.fill(whole)):
                best = _judge(best, search, candidate)
    return best, z


def _judge(best: Bracket, search: _Search, z: Floats) -> Bracket:
    placement = to_placement(search.row.tables, search.items, z)
    best = best.judged(placement, search.choices.gain(placement))
    return replace(best, upper=max(best.upper, best.lower))
