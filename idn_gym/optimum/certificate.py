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
from idn_gym.core.arrays import Floats, Instance
from idn_gym.core.row_starts import owners
from idn_gym.core.slots import one_row
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.load_prices import column_prices
from idn_gym.optimum.prefixes import list_prefixes, serves_alone
from idn_gym.optimum.projection import LOG_FLOOR, Polytope, make_polytope, pool_chains, project_entropy
from idn_gym.scenarios.compile import Compiled


class Certificate(NamedTuple):
    """Results of mirror ascent: the value reached and the proven bound."""

    value: float  # [cost] largest fractional gain of a point, summed over slots
    upper: float  # [cost] no placement of prefixes gains more
    z: Floats  # (I,) that point


def certificate(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    iterations: int = 200,
    step: float = 10.0,
    load_price: float = 0.0,
) -> Certificate:
    """Bound the best static placement of one row.

    Args:
        compiled: the scenario, with private capacities and prefixes that serve on their own.
        instance: drawn from it.
        b: row.
        iterations: number of points; the bound can be read after any number.
        step: multiplies the adaptive step sqrt(max(1, ln(S/b)) / sum max(g/s)^2) of each node.
        load_price: [cost/byte] of loads.

    Raises:
        ConfigError: the concave gain does not cover the scenario.
    """
    items, row = list_prefixes(compiled), one_row(instance, b)
    if not serves_alone(compiled.tables, items):
        raise ConfigError("serving", "some options need two placed segments or shared capacity")
    slots = np.flatnonzero(row.draw.demand[0].sum(1) > 0.0)
    paid = column_prices(row.tables, items, load_price)
    filler = Filler(row.tables, row.draw, items, 0, slots, paid=paid)
    polytope = make_polytope(items.node_start, items.parent, items.size, items.budget)
    total, budget, node = polytope.total, polytope.budget, items.node
    share = np.divide(budget, total, out=np.ones_like(total), where=total > 0.0)
    z = share[node]
    logs = np.log(np.maximum(z, np.exp(LOG_FLOOR)))
    best, upper, best_z = 0.0, np.inf, z
    slope, offset, weight, squares = np.zeros(len(z)), 0.0, 0.0, np.zeros(len(budget))
    spread = np.maximum(1.0, -np.log(np.maximum(share, 1e-9)))
    for n in range(1, iterations + 1):
        value, gradient = filler.gain(z)
        if value > best:
            best, best_z = value, z
        slope += n * gradient
        offset += n * (value - float(gradient @ z))
        weight += n
        upper = min(upper, offset / weight + knapsack(polytope, slope / weight))
        rise = gradient / polytope.size
        steepest = np.zeros(len(budget))
        np.maximum.at(steepest, node, np.abs(rise))
        squares += steepest**2
        rate = step * np.sqrt(spread / np.maximum(squares, 1e-300))
        logs += np.minimum(rate[node] * rise, 50.0)
        z = np.empty_like(z)
        project_entropy(polytope, logs[None], z[None])
    return Certificate(best, max(upper, best), best_z)


def knapsack(polytope: Polytope, gradient: Floats) -> float:
    """Maximum of gradient @ z over columns that fall along each chain and fit into each budget.

    Columns take the gradient per byte of their run, the stretch of the chain that is best filled together
    (`pool_chains`); a node is filled in falling order of it, the last column in part.
    """
    density = gradient / polytope.size
    pool_chains(polytope, density[None])
    node = owners(polytope.node_start)
    order = np.lexsort((-density, node))
    order = order[density[order] > 0.0]
    if not len(order):
        return 0.0
    size, node = polytope.size[order], node[order]
    before = np.cumsum(size) - size
    before -= before[np.searchsorted(node, node)]
    taken = np.clip(polytope.budget[node] - before, 0.0, size)
    return float((taken * density[order]).sum())
