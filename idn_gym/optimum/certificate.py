"""A bound on the best static placement that needs no solver.

For any points z_n with values G(z_n), supergradients g_n and weights w_n, concavity gives for all z

    G(z) <= avg (G(z_n) - g_n z_n) + max over z of (avg g_n) z,

and the maximum is a fractional knapsack per node. The points come from mirror ascent with size-weighted
entropy; they decide how tight the bound is, not whether it holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints
from idn_gym.core.slots import one_row
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.prefixes import Prefixes, list_prefixes, serves_alone
from idn_gym.scenarios.compile import Compiled


class Certificate(NamedTuple):
    """What mirror ascent reached and proved."""

    value: float  # [cost] largest fractional gain of a point, summed over slots
    upper: float  # [cost] no placement of prefixes gains more
    z: Floats  # (I,) that point


def certificate(
    compiled: Compiled, instance: Instance, b: int = 0, iterations: int = 200, step: float = 10.0
) -> Certificate:
    """Bound the best static placement of one row.

    Args:
        compiled: the scenario, with private capacities and prefixes that serve on their own.
        instance: drawn from it.
        b: row.
        iterations: number of points; the bound may be asked for at any number.
        step: multiplies the adaptive step sqrt(max(1, ln(S/b)) / sum max(g/s)^2) of each node.

    Raises:
        ConfigError: the concave gain does not cover the scenario.
    """
    items, row = list_prefixes(compiled), one_row(instance, b)
    if not serves_alone(compiled.tables, items):
        raise ConfigError("serving", "some options here need two placed segments or shared capacity")
    slots = np.flatnonzero(row.draw.demand[0].sum(1) > 0.0)
    filler = Filler(row.tables, row.draw, items, 0, slots)
    total = np.bincount(items.node, items.size, len(items.budget))
    budget = np.minimum(items.budget, total)
    share = np.divide(budget, total, out=np.ones_like(total), where=total > 0.0)
    size = np.maximum(items.size, 1e-300)
    z = share[items.node].copy()
    best, upper, best_z = 0.0, np.inf, z
    slope, offset, weight, squares = np.zeros(len(z)), 0.0, 0.0, np.zeros(len(budget))
    for n in range(1, iterations + 1):
        value, gradient = filler.gain(z)
        if value > best:
            best, best_z = value, z
        slope += n * gradient
        offset += n * (value - float(gradient @ z))
        weight += n
        upper = min(upper, offset / weight + knapsack(items, slope / weight))
        steepest = np.zeros(len(budget))
        np.maximum.at(steepest, items.node, np.abs(gradient) / size)
        squares += steepest**2
        spread = np.maximum(1.0, -np.log(np.maximum(share, 1e-9)))
        rate = step * np.sqrt(spread / np.maximum(squares, 1e-300))
        exponent = rate[items.node] * gradient / size
        raised = np.log(np.maximum(z, 1e-12)) + np.minimum(exponent, 50.0)
        z = project(items, raised, budget)
    return Certificate(best, max(upper, best), best_z)


def project(items: Prefixes, log_z: Floats, budget: Floats) -> Floats:
    """min(1, mu e^log_z) per node with the largest mu <= 1 that fits, then falling along chains.

    Budgets are not filled up: where a longer prefix serves less, the best point leaves memory free.

    Args:
        items: from `list_prefixes`.
        log_z: (I,) logarithms.
        budget: (N,) [bytes], at most the size of all columns of the node.
    """
    low, high = np.full(len(budget), -800.0), np.zeros(len(budget))
    for _ in range(60):
        middle = (low + high) / 2
        z = np.exp(np.minimum(0.0, log_z + middle[items.node]))
        over = np.bincount(items.node, items.size * z, len(budget)) > budget
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    z = np.exp(np.minimum(0.0, log_z + low[items.node]))
    for i in np.flatnonzero(items.parent != EMPTY).tolist():
        z[i] = min(z[i], z[items.parent[i]])
    return z


def knapsack(items: Prefixes, gradient: Floats) -> float:
    """Maximum of gradient @ z over columns that fall along each chain and fit into each budget.

    Runs of a chain in which the gradient per byte rises are filled together (pooling); then the pooled
    runs of a node are filled in falling order of gradient per byte, the last one in part.
    """
    size, worth, node = items.size.copy(), gradient.copy(), items.node
    chained = items.parent != EMPTY
    if chained.any():
        size, worth, node = _pool(items, gradient)
    density = np.where(size > 0.0, worth / np.maximum(size, 1e-300), np.where(worth > 0.0, np.inf, 0.0))
    order = np.lexsort((-density, node))
    order = order[worth[order] > 0.0]
    size, worth, node = size[order], worth[order], node[order]
    if not len(order):
        return 0.0
    filled = np.cumsum(size)
    first = np.searchsorted(node, node)
    before = filled - size - (filled - size)[first]
    room = np.maximum(0.0, items.budget[node] - before)
    part = np.where(size > 0.0, np.minimum(1.0, room / np.maximum(size, 1e-300)), 1.0)
    return float((part * worth).sum())


def _pool(items: Prefixes, gradient: Floats) -> tuple[Floats, Floats, Ints]:
    """Sizes, worths and nodes of the pooled runs of all chains."""
    size: list[float] = []
    worth: list[float] = []
    node: list[int] = []
    length = 0
    for i in range(len(gradient)):
        length = length + 1 if items.parent[i] != EMPTY else 1
        size.append(float(items.size[i]))
        worth.append(float(gradient[i]))
        node.append(int(items.node[i]))
        while length > 1 and worth[-1] * size[-2] > worth[-2] * size[-1]:
            size[-2:], worth[-2:] = [size[-2] + size[-1]], [worth[-2] + worth[-1]]
            node.pop()
            length -= 1
    return np.array(size), np.array(worth), np.array(node, np.int64)
