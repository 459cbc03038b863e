"""Lower bound on the cost of every sequence of requested placements, for any loading and routing.

Each slot is a program of its own (`bound_slots`): any placement, any routing of its requests, the least that
waiting costs. Solved one by one, they bound all sequences as if loads before a slot were free. Rows that say
what loads cost and how long they take (`bound_links`) tie them together, and are priced from windows of slots
(`bound_time`), from short ones to the whole episode.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from idn_gym.core.arrays import Floats, Instance
from idn_gym.core.slots import one_row
from idn_gym.optimum.dynamic.bound_blocks import Loads, Runs, least_loads, list_runs
from idn_gym.optimum.dynamic.bound_links import LinkRows
from idn_gym.optimum.dynamic.bound_order import ServingOrder
from idn_gym.optimum.dynamic.bound_score import fixed_costs, judged_row
from idn_gym.optimum.dynamic.bound_slots import SlotBuild
from idn_gym.optimum.dynamic.bound_time import TimeBound
from idn_gym.optimum.known_quality import check_known_quality
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.optimum.routing import CEILINGS
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.solver import SolverError, solve_relaxed
from idn_gym.optimum.warm import warm_up
from idn_gym.scenarios.compile import Compiled

CEILING_SAMPLE = 4
"""Slots by which the ceiling on utilisation is chosen."""

GROWTH = 4
"""Factor from one length of windows to the next."""


@dataclass(frozen=True, eq=False)
class DynamicBound:
    """A bound on the summed scalar cost of one row, and how far its computing got."""

    least: float
    """no sequence of wishes costs less: minus the scalar rewards, summed over the slots"""
    free: float
    """the same with each slot by itself: what it needs may have come before, for nothing, if there was time
    since the first slot; at most `least`"""
    slots: Floats
    """(T,) parts of `free`"""
    window: int
    """slots of the longest windows that were solved together; 1 where loads are free, 0 where not even every
    slot by itself was solved"""
    status: str
    """closed (all slots were solved together), time (no more of it) or size (longer windows are too large)"""
    seconds: float
    """of processor time"""


def dynamic_bound(compiled: Compiled, instance: Instance, b: int = 0, seconds: float = 60.0) -> DynamicBound:
    """Bound what row b costs under every sequence of wishes that starts from the pins.

    Args:
        compiled: the scenario.
        instance: drawn from it.
        b: row.
        seconds: of processor time, compiling of kernels left out; what is proven by then is returned. Slots
            that are not solved by then count the cheapest option of each class.

    Raises:
        ConfigError: the preference weighs what a package maximises per slot.
        DependencyNotInstalled: SciPy is missing.
    """
    check_known_quality(compiled)
    row = judged_row(compiled, instance, b)
    warm_up(row, list_prefixes(compiled))
    begin = time.process_time()
    end = begin + seconds
    routing, runs = Routing(compiled, row, False), list_runs(compiled)
    loads = least_loads(compiled, row, runs)
    build = _choose_build(routing, runs, loads, ServingOrder(routing, one_row(instance, b)), end)
    links = LinkRows(runs, loads, len(routing.node))
    bound = TimeBound(build.slot, links.slot, _most_gain(routing))
    alone = (routing.row.draw.demand[0] * routing.drop).sum(1)
    requests, fixed = compiled.tables.nominal_requests, fixed_costs(row)
    window = _solve_apart(bound, end)
    slots = fixed + (alone - bound.value) / requests
    if window:
        window = _solve_windows(bound, end)
    least = float((fixed + (alone - bound.value) / requests).sum())
    status = "closed" if window == len(slots) else "size" if window == bound.longest else "time"
    return DynamicBound(least, float(slots.sum()), slots, window, status, time.process_time() - begin)


def _most_gain(routing: Routing) -> Floats:
    """[cost] (T,) of each slot if every class were served by its cheapest option."""
    slots = len(routing.saving)
    best = np.zeros((slots, len(routing.row.tables.class_task)))
    for t in range(slots):
        np.maximum.at(best[t], routing.option_class, routing.saving[t])
    found: Floats = (best * routing.row.draw.demand[0]).sum(1)
    return found


def _choose_build(routing: Routing, runs: Runs, loads: Loads, order: ServingOrder, end: float) -> SlotBuild:
    """Programs whose ceiling on utilisation gives the best bound in a few slots, if solved in time."""
    slots = len(routing.saving)
    ceilings = CEILINGS if routing.waits else CEILINGS[:1]
    builds = [SlotBuild(routing, runs, loads, ceiling, order) for ceiling in ceilings]
    if len(builds) == 1:
        return builds[0]
    sample = np.unique(np.linspace(0, slots - 1, min(slots, CEILING_SAMPLE)).astype(int)).tolist()
    gains = []
    try:
        for build in builds:
            left = max(1e-3, end - time.process_time())
            gains.append(sum(solve_relaxed(build.slot(t), left).bound for t in sample))
    except SolverError:
        return builds[0]
    return builds[int(np.argmin(gains))]


def _solve_apart(bound: TimeBound, end: float) -> int:
    """Solve every slot by itself; returns 1 if all are solved in time."""
    done = 1
    for t in range(len(bound.value)):
        left = end - time.process_time()
        try:
            if left <= 0.0:
                return 0
            bound.solve(t, t + 1, left)
        except SolverError:
            done = 0
    return done


def _solve_windows(bound: TimeBound, end: float) -> int:
    """Solve longer and longer windows, each length twice, shifted; returns the longest that was solved."""
    slots = len(bound.value)
    longest = length = 1
    while longest < bound.longest:
        length = min(length * GROWTH, bound.longest)
        for shift in (0, length // 2) if length < slots else (0,):
            edges = sorted({0, slots, *range(shift, slots, length)})
            for first, last in pairwise(edges):
                left = end - time.process_time()
                try:
                    if left <= 0.0:
                        return longest
                    bound.solve(first, last, left)
                except SolverError:
                    return longest
        longest = length
    return longest
