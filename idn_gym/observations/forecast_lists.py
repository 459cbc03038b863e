"""The options of every class by rising cost in the expected slot, kept from slot to slot.

A list stores the conditions for which it was made: tariff, time on links, and resident segments. Only changed
conditions are processed, and no notice of a new episode is needed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import (
    EMPTY,
    EXOGENOUS,
    PRICED,
    SECOND,
    Draw,
    Floats,
    Ints,
    Residents,
    Tables,
)
from idn_gym.core.charges import charges_cost, drop_charges
from idn_gym.core.geometry import covers
from idn_gym.core.kernel import njit_inline
from idn_gym.core.listing import is_late, link_seconds, option_latency
from idn_gym.core.paces import count_moves, take_over
from idn_gym.core.pricing import price
from idn_gym.core.record_types import GROUPS
from idn_gym.core.usable import is_listed
from idn_gym.core.workspace import Scratch

SEVERAL = -2
"""Value of `ForecastLists.lacks` where an option lacks segments on two nodes or more."""


class ForecastLists(NamedTuple):
    """Lists of all classes, B rows; the options of a class have the same positions as in `Tables`."""

    option: Ints  # (B, O) in order of cost, ties by rank; those that are late come last
    lacks: Ints  # (B, O) node where the segment that the option needs is not resident, EMPTY or SEVERAL
    cost: Floats  # (B, O) [cost] of a request; inf where it is late
    price: Floats  # (B, O) [cost] of it but for the time on links that rates decide
    end: Ints  # (B, R) into O: where options begin that are late or never reached
    drop: Floats  # (B, R) [cost] of a dropped request
    # what the lists are for, besides what `Scratch` notes of residents
    tariff: Floats  # (B, 4 + F)
    price_list: Floats  # (B,)
    pace: Floats  # (B, J) [s/byte] as `Scratch.pace`
    moves: Ints  # (B, P) how often one of these has changed on the path
    priced: Ints  # (B, R) of these the one that the list has seen
    filled: Floats  # (N,) [s] of private capacity that the copies on each node have


GROUPS[ForecastLists] = (("option", "lacks", "cost"),)


def make_lists(tables: Tables, rows: int, order: Ints) -> ForecastLists:
    """Lists of which none holds.

    Args:
        tables: the scenario's tables.
        rows: number of rows B.
        order: (O,) options of each class, by likely cost.
    """
    options, classes = len(order), len(tables.class_task)
    # Woven, since who reads one field of an entry reads the others.
    entry = np.zeros((rows, options), [("cost", float), ("option", np.int32), ("lacks", np.int32)])
    entry["option"] = order
    return ForecastLists(
        option=entry["option"],
        lacks=entry["lacks"],
        cost=entry["cost"],
        price=np.zeros((rows, options)),
        end=np.zeros((rows, classes), np.int64),
        drop=np.zeros((rows, classes)),
        tariff=np.full((rows, PRICED + tables.node_charge.shape[1]), np.nan),
        price_list=np.zeros(rows),
        pace=np.full((rows, len(tables.path_node)), np.nan),
        moves=np.zeros((rows, len(tables.path_start) - 1), np.int64),
        priced=np.zeros((rows, classes), np.int64),
        filled=np.full(len(tables.node_memory), np.nan),
    )


@njit_inline
def note_expected(tables: Tables, expected: Draw, b: int, lists: ForecastLists, scratch: Scratch) -> None:
    """See whether the tariff, or the time on links of any path, has moved since the lists were made."""
    other = take_over(lists.tariff[b], expected.tariff[0])
    if lists.price_list[b] != expected.price_list[0]:
        lists.price_list[b] = expected.price_list[0]
        other = True
    if other:
        _price_options(tables, expected, b, lists)
    count_moves(tables, scratch.pace, other, lists.pace[b], lists.moves[b])


@njit_inline
def _price_options(tables: Tables, expected: Draw, b: int, lists: ForecastLists) -> None:
    """Apply the tariff to all options, and to a drop of each class, as `pricing` does."""
    tariff = expected.tariff[0]
    for i in range(lists.price.shape[1]):
        o = int(lists.option[b, i])
        latency, joules = expected.option_latency[0, o], expected.option_joules[0, o]
        lists.price[b, i] = price(
            tariff, expected.error_in_force[0, o], latency, joules, tables.option_traffic[o]
        )
    for rho in range(lists.drop.shape[1]):
        cost = price(tariff, 1.0, tables.class_timeout[rho], expected.drop_joules[0, rho], 0.0)
        cost += price(tariff, 0.0, 0.0, 0.0, tables.class_drop_bytes[rho])
        lists.drop[b, rho] = cost + drop_charges(expected, 0, 0, rho)


@njit_inline
def bring_up_to_date(
    tables: Tables,
    expected: Draw,
    resident: Residents,
    b: int,
    rho: int,
    lists: ForecastLists,
    scratch: Scratch,
) -> None:
    """Make the list of a class hold; `note_expected` and `note_residents` come before."""
    moves = lists.moves[b, tables.class_path[rho]]
    if lists.priced[b, rho] != moves:
        _sort_options(tables, expected, b, rho, lists, scratch)
        lists.priced[b, rho] = moves
        if tables.capacity == EXOGENOUS:
            scratch.list_change[b, rho] = EMPTY  # another end: of some it is not known what they lack
    if not is_listed(tables, rho, b, scratch):
        _note_lacks(tables, resident, b, rho, lists)
    scratch.list_change[b, rho] = scratch.change[b]


@njit_inline
def _sort_options(
    tables: Tables, expected: Draw, b: int, rho: int, lists: ForecastLists, scratch: Scratch
) -> None:
    """Work out what the options cost and sort them, beginning with the order that they had."""
    origin = tables.path_start[tables.class_path[rho]]
    first, last = tables.option_start[rho], tables.option_start[rho + 1]
    for i in range(first, last):
        o, lacks, base = int(lists.option[b, i]), lists.lacks[b, i], lists.price[b, i]
        link = link_seconds(tables, o, origin, scratch)
        cost = np.inf
        if not is_late(tables, rho, option_latency(expected, 0, o, link)):
            cost = base + expected.tariff[0, SECOND] * link
            cost += charges_cost(tables, expected, 0, 0, o, origin)
        k = i
        while k > first and (
            lists.cost[b, k - 1] > cost
            or (
                lists.cost[b, k - 1] == cost
                and tables.option_rank[lists.option[b, k - 1]] > tables.option_rank[o]
            )
        ):
            lists.option[b, k], lists.lacks[b, k] = lists.option[b, k - 1], lists.lacks[b, k - 1]
            lists.cost[b, k], lists.price[b, k] = lists.cost[b, k - 1], lists.price[b, k - 1]
            k -= 1
        lists.cost[b, k] = cost
        if k < i:
            lists.option[b, k], lists.lacks[b, k], lists.price[b, k] = o, lacks, base
    end = first
    while end < last and lists.cost[b, end] < np.inf:
        end += 1
        if tables.capacity == EXOGENOUS and lists.option[b, end - 1] >= tables.class_fallback[rho]:
            break  # it takes all that is left
    lists.end[b, rho] = end


@njit_inline
def _note_lacks(tables: Tables, resident: Residents, b: int, rho: int, lists: ForecastLists) -> None:
    """Write what the options lack of what is resident."""
    last = lists.end[b, rho] if tables.capacity == EXOGENOUS else tables.option_start[rho + 1]
    for i in range(tables.option_start[rho], last):
        o = int(lists.option[b, i])
        model = tables.option_model[o]
        lacks = EMPTY
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            held, part = resident[b, v, model], tables.part_segment[q]
            if held == EMPTY or (held != part and not covers(tables, held, part)):
                lacks = v if lacks == EMPTY else SEVERAL
        lists.lacks[b, i] = lacks
