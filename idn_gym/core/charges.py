"""Further objectives per request: constants of options, and linear in their seconds and bytes slot by slot.

There are F of them (`Tables.option_charge`, `Draw.charge_second`, `charge_byte`), 0 by default: price,
carbon, airtime and what packages add.
Serving sees only what they add to the tariff; the outcome books each separately, and also what a slot
costs regardless of what is served (`charge_slot`).
"""

from __future__ import annotations

from idn_gym.core.arrays import PRICED, Draw, Outcome, Tables
from idn_gym.core.kernel import aside, njit_inline, njit_no_alloc
from idn_gym.core.workspace import Scratch


@njit_inline
def option_charge(tables: Tables, draw: Draw, b: int, t: int, o: int, origin: int, f: int) -> float:
    """Amount of one request by the option in one further objective [unit]."""
    total = tables.option_charge[o, f]
    before = tables.option_origin[o]
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        total += tables.part_seconds[q] * draw.slowdown[b, v] * draw.charge_second[b, t, v, f]
        for j in range(origin + before + 1, origin + tables.part_position[q] + 1):
            total += tables.part_bytes[q] * draw.charge_byte[b, t, tables.path_link[j], f]
        before = tables.part_position[q]
    return total


@njit_inline
def charges_cost(tables: Tables, draw: Draw, b: int, t: int, o: int, origin: int) -> float:
    """Addition of one request's further objectives to its tariff."""
    cost = 0.0
    for f in range(draw.charge_second.shape[3]):
        cost += draw.tariff[b, PRICED + f] * option_charge(tables, draw, b, t, o, origin, f)
    return cost


@njit_inline
def drop_charges(draw: Draw, b: int, t: int, rho: int) -> float:
    """Addition of a dropped request's further objectives to its tariff."""
    cost = 0.0
    for f in range(draw.charge_drop.shape[3]):
        cost += draw.tariff[b, PRICED + f] * draw.charge_drop[b, t, rho, f]
    return cost


@aside
def add_charges(
    tables: Tables, draw: Draw, b: int, t: int, first: int, end: int, origin: int, scratch: Scratch
) -> None:
    """Add the further objectives of their requests to the cost of the entries [first, end)."""
    for i in range(first, end):
        scratch.cost[i] += charges_cost(tables, draw, b, t, scratch.option[i], origin)


@aside
def book_charges(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, o: int, origin: int, amount: float, outcome: Outcome
) -> None:
    """Add the amounts of requests in the further objectives."""
    for f in range(outcome.charged.shape[2]):
        outcome.charged[b, rho, f] += amount * option_charge(tables, draw, b, t, o, origin, f)


@aside
def book_drops(draw: Draw, b: int, t: int, rho: int, left: float, outcome: Outcome) -> None:
    """Add the amounts of dropped requests in the further objectives."""
    for f in range(outcome.charged.shape[2]):
        outcome.penalty[b, rho, PRICED + f] += left * draw.charge_drop[b, t, rho, f]


@aside
def book_slot(draw: Draw, b: int, t: int, outcome: Outcome) -> None:
    """Add the amounts of the slot itself in the further objectives, independent of serving."""
    for f in range(outcome.idle_charged.shape[1]):
        outcome.idle_charged[b, f] += draw.charge_slot[b, t, f]


@njit_no_alloc
def charge_drops(tables: Tables, draw: Draw, b: int, first: int, last: int) -> None:
    """Fill `charge_drop` of row b, places [first, last): no option of the class is worse in any of them."""
    for t in range(first, last):
        for rho in range(len(tables.class_task)):
            origin = tables.path_start[tables.class_path[rho]]
            for f in range(draw.charge_drop.shape[3]):
                worst = 0.0
                for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
                    worst = max(worst, option_charge(tables, draw, b, t, o, origin, f))
                draw.charge_drop[b, t, rho, f] = worst
