"""The layers of the concave gain at nominal costs, and what prices say of the columns that open them.

With y_e the share of a class's demand that its layer e serves, and z_i the share of column i that is there,

    y_e <= room_e (z_item - z_shorter),    sum over the layers of a class of y_e <= 1,

z = 1 where pinned copies serve, the gain is the sum of worth_e y_e. Let a byte of node v cost mu_v and all
the demand of class rho P_rho, both at least 0. What a layer gains beyond that is g_e = [worth_e - P_rho]^+,
and for every mu and P

    sum_v b_v mu_v + sum_rho P_rho + sum over pinned layers room_e g_e
        + sum over chains max over prefixes [sum over its columns i (sum_e +-room_e g_e - s_i mu_v)]^+

is an upper bound of the gain, the inner sum over the layers that name the column (- as `shorter`). A chain
whose bracket is 0 has nothing to add.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.row_starts import entries_of, starts_of
from idn_gym.optimum.prefix_program import Rankings
from idn_gym.optimum.prefixes import PINNED, Prefixes

SLACK = 1e-9
"""Share of a class's demand below which a column serves nothing of it."""

NEAR_SHARE = 0.55
"""Share of the price of its bytes that a chain has to gain to be near: it may matter for the next demand."""


class Layers(NamedTuple):
    """The layers of all classes, E entries, class by class, in a class by rising cost."""

    start: Ints  # (R+1,) into E
    item: Ints  # (E,) column that opens the entry, or PINNED
    shorter: Ints  # (E,) column that opens a cheaper entry of the same chain, or EMPTY
    saved: Floats  # (E,) [cost] per request less than if nothing served it
    capacity: Floats  # (E,) [requests] per slot
    # of one demand
    room: Floats  # (E,) [shares of the class's demand]
    worth: Floats  # (E,) [cost] saved if it served all of it


def list_layers(rankings: Rankings) -> Layers:
    """Rows of the first slot; `room` and `worth` are those without demand.

    Args:
        rankings: of the scenario at nominal costs.
    """
    ranking = rankings.of_slot[0]
    entry = entries_of(rankings.start[:-1], ranking.entries)
    return Layers(
        start=starts_of(ranking.entries),
        item=ranking.item[entry],
        shorter=ranking.shorter[entry],
        saved=np.repeat(ranking.last_cost, ranking.entries) - ranking.cost[entry],
        capacity=ranking.capacity[entry],
        room=np.ones(len(entry)),
        worth=np.zeros(len(entry)),
    )


@njit_no_alloc
def ask_layers(layers: Layers, requests: Floats, slots: float) -> None:
    """Write `room` and `worth` for a demand (R,) [requests], at least 0, summed up over so many slots."""
    for rho in range(len(requests)):
        asked = requests[rho]
        for e in range(layers.start[rho], layers.start[rho + 1]):
            served = layers.capacity[e] * slots
            layers.room[e] = served / asked if served < asked else 1.0
            layers.worth[e] = asked * layers.saved[e]


@njit_no_alloc
def price_chains(
    layers: Layers, items: Prefixes, byte: Floats, demand: Floats, worth: Floats, excess: Floats, near: Bools
) -> float:
    """Bound on the full program that prices prove.

    Args:
        layers: of a demand.
        items: from `list_prefixes`.
        byte: (N,) [cost] mu, of a byte.
        demand: (R,) [cost] P, of all the demand.
        worth: (I,) work space.
        excess: (I,) [cost] overwritten: what the best prefix of the column's chain gains beyond its price.
        near: (I,) overwritten: whether it would at `NEAR_SHARE` of the price of bytes.

    Returns:
        The upper bound [cost].
    """
    bound = 0.0
    for i in range(len(worth)):
        worth[i] = 0.0
    for v in range(len(byte)):
        bound += items.budget[v] * byte[v]
    for rho in range(len(demand)):
        bound += demand[rho]
        for e in range(layers.start[rho], layers.start[rho + 1]):
            beyond = layers.worth[e] - demand[rho]
            if beyond <= 0.0:
                break  # costs rise: none of the next gains
            gained = layers.room[e] * beyond
            if layers.item[e] == PINNED:
                bound += gained
            else:
                worth[layers.item[e]] += gained
            if layers.shorter[e] != EMPTY:
                worth[layers.shorter[e]] -= gained
    first = 0
    while first < len(worth):
        end, total, price, best, closest = first, 0.0, 0.0, 0.0, 0.0
        while end < len(worth) and (end == first or items.parent[end] != EMPTY):
            total += worth[end]
            price += items.size[end] * byte[items.node[end]]
            best = max(best, total - price)
            closest = max(closest, total - NEAR_SHARE * price)
            end += 1
        for i in range(first, end):
            excess[i], near[i] = best, closest > 0.0
        bound += best
        first = end
    return bound


@njit_no_alloc
def mark_serving(layers: Layers, items: Prefixes, requests: Floats, z: Floats, serving: Bools) -> None:
    """Mark columns (I,) that serve something of what cheaper layers leave, or whose longer prefixes do."""
    for i in range(len(serving)):
        serving[i] = False
    for rho in range(len(requests)):
        before = 0.0
        for e in range(layers.start[rho], layers.start[rho + 1]):
            if requests[rho] <= 0.0 or before >= 1.0 - SLACK:
                break
            opened = 1.0 if layers.item[e] == PINNED else z[layers.item[e]]
            if layers.shorter[e] != EMPTY:
                opened -= z[layers.shorter[e]]
            if layers.item[e] != PINNED and layers.room[e] * opened > SLACK:
                serving[layers.item[e]] = True
            before += layers.room[e] * opened
    for i in range(len(serving) - 1, -1, -1):
        if serving[i] and items.parent[i] != EMPTY:
            serving[items.parent[i]] = True
