"""Rounding of fractional placements to whole ones.

Items that are a chain of their own take part in a weighted DepRound on a balanced tree: each tree node
trades size between the one open item of either side until one of the two is integral (`pair_rounding.trade`).
So every mean and a node's used size are kept and no two items are positively correlated. One item may stay
open at the root: a coin of its own closes it, and the budget is exceeded by less than that item ("exact").

Every trade has a uniform of its own place in the tree. Drawn again for every rounding they make the rounded
placements independent; frozen for an episode they couple them, so that a slowly moving z loads little.

Longer chains are cut at one uniform each: prefix i is held where z_i > u. Means are exact, the budget
holds in expectation only.

The mode "best-of-two" ends in two candidates per node: what was rounded without the open item, trimmed
where chains exceed the budget and then filled up; and the best item that the first had to leave out, filled
up. It takes the one worth more on recent demand. No factor of the gain is guaranteed; the budget is. Where
a node holds one or two models hardly anything is left to chance, and who knows the rule can play against it.
"""

from __future__ import annotations

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.pair_rounding import INTEGRAL, trade
from idn_gym.optimum.projection import Polytope


@njit_no_alloc
def round_exactly(polytope: Polytope, z: Floats, uniforms: Floats, x: Floats, work: Ints) -> None:
    """Round with exact means; the item left open at a node is closed by its own coin.

    Args:
        polytope: chains, sizes and budgets.
        z: (I,) fractional placement.
        uniforms: (2, I) of the tree's trades, and of chains.
        x: (I,) overwritten with 0 and 1.
        work: (3, I or N) work space; row 2 names the item of each node that a coin closed, or -1.
    """
    for v in range(len(polytope.budget)):
        _round_node(polytope, v, z, uniforms, x, work)
        i = work[2, v]
        if i >= 0:
            x[i] = 1.0 if uniforms[0, polytope.node_start[v]] < x[i] else 0.0


@njit_no_alloc
def start_rounding(polytope: Polytope, z: Floats, uniforms: Floats, x: Floats, work: Ints) -> None:
    """Round all but the item left open at each node, which x leaves out.

    Args:
        polytope: chains, sizes and budgets.
        z: (I,) fractional placement.
        uniforms: (2, I) of the tree's trades, and of chains.
        x: (I,) overwritten with 0 and 1.
        work: (3, I or N) work space; row 2 names the open item of each node, or -1.
    """
    for v in range(len(polytope.budget)):
        _round_node(polytope, v, z, uniforms, x, work)
        if work[2, v] >= 0:
            x[work[2, v]] = 0.0


@njit_no_alloc
def finish_rounding(
    polytope: Polytope, task: Ints, alone: Floats, added: Floats, x: Floats, other: Floats, work: Ints
) -> None:
    """Make what `start_rounding` left fit, fill it up, and take the better of the two candidates.

    Args:
        polytope: chains, sizes and budgets.
        task: (I,) of the item's model. A fill loads one model of a task per node, since `added` is
            measured without any of the others.
        alone: (I,) recent gain of the item where nothing but its shorter prefixes is placed. Candidates
            are compared by it: the best chain of each task counts.
        added: (I,) recent gain of the item on top of what x holds everywhere; fills go by it.
        x: (I,) changed in place.
        other: (I,) work space.
        work: as `start_rounding` left it.
    """
    for v in range(len(polytope.budget)):
        _finish_node(polytope, v, task, alone, added, x, other, work)


@njit_inline
def _round_node(polytope: Polytope, v: int, z: Floats, uniforms: Floats, x: Floats, work: Ints) -> None:
    """Trade up the tree; entry (2, v) of `work` is the item still open, or -1."""
    first, last = polytope.node_start[v], polytope.node_start[v + 1]
    level = 0.0
    for i in range(first, last):
        work[0, i] = -1
        end = polytope.chain_last[i]
        if end > i:
            level = uniforms[1, i]
        if end == i + 1:
            if z[i] < INTEGRAL or z[i] > 1.0 - INTEGRAL:
                x[i] = 1.0 if z[i] > 0.5 else 0.0
            else:
                x[i] = z[i]
                work[0, i] = i
        else:
            x[i] = 1.0 if z[i] > level and z[i] >= INTEGRAL else 0.0
    step = 1
    while step < last - first:
        for k in range(first, last - step, 2 * step):
            one, two = work[0, k], work[0, k + step]
            if one < 0:
                work[0, k] = two
            elif two >= 0:
                sizes = polytope.size[one], polytope.size[two]
                x[one], x[two] = trade(x[one], x[two], sizes[0], sizes[1], uniforms[0, k + step])
                work[0, k] = one if 0.0 < x[one] < 1.0 else (two if 0.0 < x[two] < 1.0 else -1)
        step *= 2
    work[2, v] = work[0, first] if last > first else -1


@njit_inline
def _finish_node(
    polytope: Polytope,
    v: int,
    task: Ints,
    alone: Floats,
    added: Floats,
    x: Floats,
    other: Floats,
    work: Ints,
) -> None:
    first, last, budget = polytope.node_start[v], polytope.node_start[v + 1], polytope.budget[v]
    size = polytope.size
    used = 0.0
    for i in range(first, last):
        used += size[i] * x[i]
        other[i] = 0.0
    best = work[2, v]
    while used > budget * (1.0 + 1e-12):
        i = _least_top(polytope, first, last, alone, x)
        x[i] = 0.0
        used -= size[i]
        if best < 0 or _chain_worth(polytope, i, alone) > _chain_worth(polytope, best, alone):
            best = i
    _fill(polytope, first, last, budget - used, task, added, x, work)
    if best < 0 or x[best] > 0.5:
        return
    used = 0.0
    i = best
    while True:
        other[i] = 1.0
        used += size[i]
        if polytope.chain_last[i] > 0:
            break
        i -= 1
    if used > budget * (1.0 + 1e-12):
        return
    _fill(polytope, first, last, budget - used, task, alone, other, work)
    if _node_worth(polytope, first, last, task, alone, other) > _node_worth(
        polytope, first, last, task, alone, x
    ):
        for i in range(first, last):
            x[i] = other[i]


@njit_inline
def _node_worth(polytope: Polytope, first: int, last: int, task: Ints, alone: Floats, x: Floats) -> float:
    """Sum over tasks of what the best held chain is worth alone; models of one task are neighbours."""
    total, best, chain = 0.0, 0.0, 0.0
    for i in range(first, last):
        if i > first and task[i] != task[i - 1]:
            total += best
            best = 0.0
        if polytope.chain_last[i] > 0:
            chain = 0.0
        if x[i] > 0.5:
            chain += alone[i]
            best = max(best, chain)
    return total + best


@njit_inline
def _chain_worth(polytope: Polytope, i: int, alone: Floats) -> float:
    """Worth of a prefix: of the item and all before it in its chain."""
    total = alone[i]
    while polytope.chain_last[i] == 0:
        i -= 1
        total += alone[i]
    return total


@njit_inline
def _least_top(polytope: Polytope, first: int, last: int, alone: Floats, x: Floats) -> int:
    """The end of a held chain that is worth least per byte."""
    least = -1
    for i in range(first, last):
        if x[i] < 0.5 or (i + 1 < last and polytope.chain_last[i + 1] == 0 and x[i + 1] > 0.5):
            continue
        if least < 0 or alone[i] * polytope.size[least] < alone[least] * polytope.size[i]:
            least = i
    return least


@njit_inline
def _fill(
    polytope: Polytope, first: int, last: int, room: float, task: Ints, worth: Floats, x: Floats, work: Ints
) -> None:
    """Add the prefix worth most per byte that fits, again and again, one model of a task.

    Rows 0 and 1 of `work` hold where each task begins and its best prefix, row 0 of `polytope.work` what
    that is worth per byte.
    """
    density = polytope.work[0]
    groups = 0
    for i in range(first, last):
        if i == first or task[i] != task[i - 1]:
            work[0, first + groups] = i
            _best_of_task(polytope, first + groups, last, room, task, worth, x, work)
            groups += 1
    while True:
        top = -1
        for k in range(first, first + groups):
            if density[k] > 0.0 and (top < 0 or density[k] > density[top]):
                top = k
        if top < 0:
            break
        i = work[1, top]
        need = _missing(polytope, i, polytope.size, x)
        if need > room:
            _best_of_task(polytope, top, last, room, task, worth, x, work)
            continue
        density[top] = 0.0
        room -= need
        while x[i] < 0.5:
            x[i] = 1.0
            if polytope.chain_last[i] > 0:
                break
            i -= 1


@njit_inline
def _best_of_task(
    polytope: Polytope, k: int, last: int, room: float, task: Ints, worth: Floats, x: Floats, work: Ints
) -> None:
    """Find the prefix of a task that is worth most per byte and fits; its density is 0 if there is none."""
    density = polytope.work[0]
    density[k] = 0.0
    start = work[0, k]
    i = start
    while i < last and task[i] == task[start]:
        if x[i] < 0.5:
            gain, need = _missing(polytope, i, worth, x), _missing(polytope, i, polytope.size, x)
            if need <= room and gain > density[k] * need:
                density[k] = gain / need
                work[1, k] = i
        i += 1


@njit_inline
def _missing(polytope: Polytope, i: int, values: Floats, x: Floats) -> float:
    """Sum of values over what x does not hold of the prefix."""
    total = 0.0
    while x[i] < 0.5:
        total += values[i]
        if polytope.chain_last[i] > 0:
            break
        i -= 1
    return total
