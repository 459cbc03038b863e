"""Exact projections onto the fractional placements of every node, in two geometries weighted by size.

A node's fractional placements are chains 1 >= z_1 >= z_2 >= ... >= 0 whose sizes fit into its budget,
sum s z <= b. The budget need not be used up: a longer prefix may be worth less than a shorter one. Both
projections pool violators of a chain's order by their weighted mean, then cut the pooled values h off, and
where that does not fit, shift all of them down by one number (the multiplier of the budget) and cut them
off, since a monotone map commutes with pooling:

- entropy, sum s z ln z: values are logs, pooled by weighted mean (a geometric mean of the points), and
  z = min(1, mu h) with mu <= 1;
- Euclidean, sum s z^2 / 2: z = clip(h - lambda, 0, 1) with lambda >= 0.

Neither sorts: mu grows monotonically while items reach 1 (as in Michelot's projection onto a simplex),
and lambda is found by Newton steps on a piecewise linear function inside a shrinking bracket. Each pass
is O(n), a handful of them is the rule, and both end on the exact piece and not at a tolerance.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import njit_inline, njit_no_alloc

LOG_FLOOR = math.log(1e-12)
"""Logs of fractions are kept above this, so that an item given up long ago can return."""

SMALL = 1e-250
"""Below this a sum of exponentials is taken again with another shift."""


class Polytope(NamedTuple):
    """The fractional placements of all nodes; I columns node by node, chain by chain."""

    node_start: Ints  # (N+1,) into I
    chain_last: Ints  # (I,) one past the last item of the chain that starts here; 0 inside a chain
    size: Floats  # (I,) [bytes] of the item alone, at least 1
    total: Floats  # (N,) [bytes] sum of the sizes
    budget: Floats  # (N,) [bytes] min(memory for items, total)
    work: Floats  # (3, I) work space


def make_polytope(node_start: Ints, parent: Ints, size: Floats, budget: Floats) -> Polytope:
    """Lay out chains and budgets.

    Args:
        node_start: (N+1,) into I.
        parent: (I,) the item before this one in its chain (the column just before), or a negative number.
        size: (I,) [bytes] increments; taken as at least 1, since geometries divide by them. Budgets grow
            by what that adds, so that whatever fits still does.
        budget: (N,) [bytes].
    """
    count = len(size)
    given, size = size, np.maximum(size, 1.0)
    last = np.zeros(count, np.int64)
    starts = np.flatnonzero(np.asarray(parent) < 0)
    last[starts] = np.append(starts[1:], count)
    total = np.array([size[a:z].sum() for a, z in itertools.pairwise(node_start)])
    added = np.array([(size - given)[a:z].sum() for a, z in itertools.pairwise(node_start)])
    room = np.clip(budget + added, 0.0, total)
    return Polytope(np.asarray(node_start, np.int64), last, size, total, room, np.zeros((3, count)))


@njit_no_alloc
def pool_chains(polytope: Polytope, values: Floats) -> None:
    """Make values fall along every chain: adjacent violators become their mean, weighted by size.

    Args:
        polytope: the fractional placements.
        values: (B, I) pooled in place.
    """
    for b in range(len(values)):
        for v in range(len(polytope.budget)):
            _pool(polytope, b, polytope.node_start[v], polytope.node_start[v + 1], values)


@njit_no_alloc
def project_entropy(polytope: Polytope, logs: Floats, z: Floats) -> None:
    """Project exp(logs) in the entropy geometry.

    Args:
        polytope: the fractional placements.
        logs: (B, I) logs of the points; overwritten with the logs of the projections.
        z: (B, I) overwritten with the projections.
    """
    for b in range(len(logs)):
        for v in range(len(polytope.budget)):
            first, last = polytope.node_start[v], polytope.node_start[v + 1]
            _pool(polytope, b, first, last, logs)
            _scale(polytope, b, v, logs, z)


@njit_no_alloc
def project_euclid(polytope: Polytope, points: Floats, z: Floats) -> None:
    """Project points in the Euclidean geometry.

    Args:
        polytope: the fractional placements.
        points: (B, I) pooled in place.
        z: (B, I) overwritten with the projections.
    """
    for b in range(len(points)):
        for v in range(len(polytope.budget)):
            first, last = polytope.node_start[v], polytope.node_start[v + 1]
            _pool(polytope, b, first, last, points)
            _shift(polytope, b, v, points, z)


@njit_inline
def _pool(polytope: Polytope, b: int, first: int, last: int, values: Floats) -> None:
    """Make the values of every chain fall, by pooling adjacent violators into their weighted mean."""
    mean, weight, count = polytope.work[0], polytope.work[1], polytope.work[2]
    start = first
    while start < last:
        end = polytope.chain_last[start]
        if end - start > 1:
            top = start - 1
            for i in range(start, end):
                top += 1
                mean[top], weight[top], count[top] = values[b, i], polytope.size[i], 1.0
                while top > start and mean[top - 1] < mean[top]:
                    both = weight[top - 1] + weight[top]
                    mean[top - 1] = (weight[top - 1] * mean[top - 1] + weight[top] * mean[top]) / both
                    weight[top - 1] = both
                    count[top - 1] += count[top]
                    top -= 1
            i = start
            for k in range(start, top + 1):
                for _ in range(int(count[k])):
                    values[b, i] = mean[k]
                    i += 1
        start = end


@njit_inline
def _scale(polytope: Polytope, b: int, v: int, logs: Floats, z: Floats) -> None:
    """Find z = min(1, mu exp(log)), mu at most 1, that fits; items that reached 1 stay there.

    The search is for the mu that uses the budget up; one above 1 says that the points fit as they are.
    """
    size, budget = polytope.size, polytope.budget[v]
    first, last = polytope.node_start[v], polytope.node_start[v + 1]
    if budget <= 0.0:
        for i in range(first, last):
            z[b, i] = 0.0
            logs[b, i] = LOG_FLOOR
        return
    if budget >= polytope.total[v]:
        _cut(b, first, last, logs, z)
        return
    shift = -math.inf
    for i in range(first, last):
        shift = max(shift, logs[b, i])
    for i in range(first, last):
        z[b, i] = math.exp(logs[b, i] - shift)
    cut, scale = math.inf, 0.0
    before = -1
    while True:
        room, mass, top = budget, 0.0, -math.inf
        capped = 0
        for i in range(first, last):
            if logs[b, i] >= cut:
                room -= size[i]
                capped += 1
            else:
                mass += size[i] * z[b, i]
                top = max(top, logs[b, i])
        if capped <= before or capped == last - first:
            break  # the same items as before, or fewer by a rounding error
        before = capped
        if mass < SMALL:
            shift, mass = top, 0.0
            for i in range(first, last):
                if logs[b, i] < cut:
                    z[b, i] = math.exp(logs[b, i] - shift)
                    mass += size[i] * z[b, i]
        scale = max(room, 0.0) / mass
        if scale <= 0.0:
            break
        cut = min(cut, shift - math.log(scale))
    lift = math.log(scale) - shift if scale > 0.0 else -math.inf
    if lift >= 0.0:
        _cut(b, first, last, logs, z)
        return
    for i in range(first, last):
        z[b, i] = 1.0 if logs[b, i] >= cut else min(1.0, scale * z[b, i])
        logs[b, i] = max(LOG_FLOOR, min(0.0, logs[b, i] + lift))


@njit_inline
def _cut(b: int, first: int, last: int, logs: Floats, z: Floats) -> None:
    """Cut points off at 1, z = min(1, exp(log)), and do no more: the budget does not bind."""
    for i in range(first, last):
        z[b, i] = math.exp(min(0.0, logs[b, i]))
        logs[b, i] = max(LOG_FLOOR, min(0.0, logs[b, i]))


@njit_inline
def _shift(polytope: Polytope, b: int, v: int, points: Floats, z: Floats) -> None:
    """Find z = clip(point - lambda, 0, 1), lambda at least 0, that fits."""
    size, budget = polytope.size, polytope.budget[v]
    first, last = polytope.node_start[v], polytope.node_start[v + 1]
    used, weighted, taken = 0.0, 0.0, 0.0
    low, high = math.inf, -math.inf
    for i in range(first, last):
        used += size[i]
        weighted += size[i] * points[b, i]
        low, high = min(low, points[b, i] - 1.0), max(high, points[b, i])
        z[b, i] = min(1.0, max(0.0, points[b, i])) if budget > 0.0 else 0.0
        taken += size[i] * z[b, i]
    if taken <= budget or budget >= polytope.total[v]:
        return
    low = max(low, 0.0)
    guess = min(max((weighted - budget) / used, low), high)
    before_ones, before_zeros = -1, -1
    for step in range(200):
        ones, zeros = 0, 0
        taken, slope = 0.0, 0.0
        for i in range(first, last):
            rest = points[b, i] - guess
            if rest >= 1.0:
                ones += 1
                taken += size[i]
            elif rest <= 0.0:
                zeros += 1
            else:
                taken += size[i] * rest
                slope += size[i]
        if taken == budget or (ones == before_ones and zeros == before_zeros):
            break  # the guess came from this very piece, so it is exact
        if taken > budget:
            low = guess
        else:
            high = guess
        before_ones, before_zeros = ones, zeros
        newton = guess + (taken - budget) / slope if slope > 0.0 else math.inf
        if low < newton < high and step % 3 < 2:
            guess = newton
        else:
            guess = 0.5 * (low + high)
            before_ones, before_zeros = -1, -1
        if high - low <= 1e-16 * max(abs(low), abs(high)):
            break
    for i in range(first, last):
        z[b, i] = min(1.0, max(0.0, points[b, i] - guess))
