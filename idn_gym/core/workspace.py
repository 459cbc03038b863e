"""Arrays that kernels write to: work space and outcomes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import (
    EMPTY,
    PRICED,
    Bools,
    Floats,
    Ints,
    Residents,
    Tables,
)
from idn_gym.core.outcome_cells import longest_path
from idn_gym.core.scratch_parts import load_space, resource_space, stream_space
from idn_gym.core.selection import make_selection

UNSEEN = -2
"""Value that no residency entry has."""

UNTOUCHED = -1.0
"""Seconds left of a copy of which the class that is served has used nothing."""


class Scratch(NamedTuple):
    """Work space of the kernels, so that a slot allocates nothing.

    An entry is a usable option of a class; those of a class stand from its `option_start` on. They are kept
    for C rows, row b's at b mod C, with what they cost and as far as they have been sorted: where neither
    what is resident nor a rate or a price has changed, they are those of the slot before.

    Resources are the N nodes, after them the E links, and after these the Z stores. A stream is the part of a
    class's batch that may use the same entries: one per class, the first R, and further ones where loads end
    in the slot, W = R + O at most.
    """

    pace: Floats  # (J,) [s/byte] from the ingress to the position
    seconds_left: Floats  # (N, M) [s] of private capacity, or UNTOUCHED; forecasts of shared one: column 0
    bytes_left: Floats  # (E,) in forecasts of shared capacity
    rate: Floats  # (E,) [bytes/s] that requests see: the slot's, less what loads take
    # loads; empty where loading is instant, but for the counts
    taken: Floats  # (E,) [bytes] of requests that loads took
    until: Floats  # (E,) share of the slot after which no load crosses the link
    needs: Floats  # (E,) [bytes] that all loads ask for
    source: Ints  # (N, M) into H: where the path of the load ends
    coming: Residents  # (N, M) segment that becomes usable in the slot, or EMPTY
    available: Floats  # (N, M) share of the slot in which it is
    flights: Ints  # (2,) loads on their way, and those of them in `coming`
    # entries, (C O,) row by row
    option: Ints  # (C O,)
    cost: Floats  # (C O,) [cost] of a request, waiting left out
    latency: Floats  # (C O,) [s] of a request, waiting left out
    amount: Floats  # (C O,) [requests] that the entry serves; written of those before `ordered`
    window: Floats  # (C O,) share of the slot in which it may be used; written where loading is a transfer
    uplink: Ints  # (N,) link that each node uses that has a choice; as of the next fields; (0,) without any
    # stores at the start of the slot, as `step` fills them in: a scratch that only serves has the start level
    stock: Floats  # (Z,) level
    dark: Bools  # (Z,) whether it is off
    asks: Floats  # (Z,) that all loads ask for
    fetched: Floats  # (Z,) that loads drew
    drained: Floats  # (Z,) in the slot that `end_stores` has ended
    # what a class asks for
    batch: Floats  # (R,) [requests]; 0: the class is left out
    entry_start: Ints  # (R,) into the entries: the class's first
    entry_end: Ints  # (R,) one past its last
    ordered: Ints  # (R,) the class's entries before this one are in order of cost, and no others are used
    # streams and how far they have come; in the end the first R hold what is left of their classes
    owner: Ints  # (W,) class
    level: Floats  # (W,) least `window` of the entries that the stream may use
    left: Floats  # (W,) [requests] not served yet
    entry: Ints  # (W,) the one that it sends to; the class's end where none is left
    pour: Floats  # (W,) [requests] per pass
    stream: Ints  # (W,) those that send something, of the basin that is being filled
    # basins (`Tables.class_basin`)
    basin_start: Ints  # (basins + 1,) into `basin_class`
    basin_class: Ints  # (R,) classes, basin by basin, in order
    split_start: Ints  # (basins + 1,) into the streams: each basin's first beyond those of its classes
    # resources, in [s] of a node, [bytes] of a link and the unit of a store
    supply: Floats  # (N+E+Z,) of the slot
    limit: Floats  # (N+E+Z,) of it that the pass may use
    used: Floats  # (N+E+Z,)
    pull: Floats  # (N+E+Z,) use per pass, at the point that the pass has reached
    full: Bools  # (N+E+Z,)
    pulled: Ints  # (N+E+Z,) those whose `pull` is above 0; others are not looked at
    # queues of nodes and links
    visits: Floats  # (N+E,) [requests]
    visited: Ints  # (N+E,) those of the basin with visits
    work: Floats  # (N+E,) [s] or [bytes] summed over visits
    square: Floats  # (N+E,) [s^2] or [bytes^2] summed over visits
    delay: Floats  # (N+E,) [s] mean wait of a visit
    idle: Floats  # (N+E,) 1 - utilisation
    # radios
    frames: Floats  # (r,) [1/s] frames sent
    on_air: Floats  # (r,) share of the time on air
    frames_before: Floats  # (r,) [1/s] of all radios of the cell that are as strong or stronger
    seconds_before: Floats  # (r,) share of the time on air of the same radios
    passed: Floats  # (r,) share of frames of which a transmission gets through
    # lists of usable options, kept for C rows until what is resident changes; row b has those of b mod C
    seen: Residents  # (C, N, M) what the lists are for
    change: Ints  # (C,) number of the latest change
    changed: Ints  # (C, N, K) change in which models of the task came or went on the node
    listed: Ints  # (C, O) usable options, class by class from `option_start` on
    list_end: Ints  # (C, R) into O
    list_change: Ints  # (C, R) change up to which the list holds
    # what entries were priced at
    slowdown: Floats  # (C, N)
    tariff: Floats  # (C, 4 + F)
    price_list: Floats  # (C,)
    pace_priced: Floats  # (C, J)
    moves: Ints  # (C, P) how often a price on the path has changed
    priced: Ints  # (C, R) `moves` of the class's path when its entries were priced; EMPTY: they do not hold
    entries: Ints  # (C, R) how many the class has
    sorted: Ints  # (C, R) how many of them are in order of cost
    # models of a node, and in which order repair takes them (`core.selection`)
    item: Ints  # (M,)
    worth: Floats  # (M,)
    most: Floats  # (M,)
    longest: int  # positions of the longest path, L


ENTRY = np.dtype(
    [(name, np.float64) for name in ("cost", "latency", "amount", "window")] + [("option", np.int32)],
    align=True,
)
"""Fields of an entry, woven: who reads one reads the others."""

KEPT = np.dtype(
    [(name, np.int64) for name in ("list_change", "priced")]
    + [(name, np.int32) for name in ("list_end", "entries", "sorted")],
    align=True,
)
"""Fields that are kept per class."""


def make_scratch(tables: Tables, rows: int = 1) -> Scratch:
    """Allocate work space.

    Args:
        tables: the scenario's tables.
        rows: for how many rows lists of usable options and what they cost are kept.
    """
    nodes, models = tables.pinned.shape
    classes, options, stores = len(tables.class_task), len(tables.option_model), len(tables.store_capacity)
    entry, kept = np.zeros(rows * options, ENTRY), np.zeros((rows, classes), KEPT)
    kept["priced"] = EMPTY
    level, off = start_levels(tables)
    return Scratch(
        pace=np.zeros(len(tables.path_node)),
        seconds_left=np.full((nodes, models), UNTOUCHED),
        bytes_left=np.zeros(len(tables.link_rate)),
        rate=np.zeros(len(tables.link_rate)),
        **load_space(tables),
        **{name: entry[name] for name in ENTRY.names or ()},
        uplink=start_uplinks(tables),
        stock=level,
        dark=off,
        asks=np.zeros(stores),
        fetched=np.zeros(stores),
        drained=np.zeros(stores),
        **stream_space(tables),
        **resource_space(tables),
        seen=np.full((rows, nodes, models), UNSEEN, np.int32),
        change=np.zeros(rows, np.int64),
        changed=np.zeros((rows, nodes, len(tables.task_model) - 1), np.int64),
        listed=np.empty((rows, options), np.int32),
        **{name: kept[name] for name in KEPT.names or ()},
        slowdown=np.full((rows, nodes), np.nan),
        tariff=np.full((rows, PRICED + tables.node_charge.shape[1]), np.nan),
        price_list=np.zeros(rows),
        pace_priced=np.full((rows, len(tables.path_node)), np.nan),
        moves=np.zeros((rows, len(tables.path_start) - 1), np.int64),
        **make_selection(models)._asdict(),
        longest=longest_path(tables),
    )


def start_uplinks(tables: Tables) -> Residents:
    """The links that nodes use initially (N,); (0,) where no node has a choice."""
    chosen = np.any(tables.link_chooser != EMPTY)
    return np.array(tables.node_uplink if chosen else (), np.int32)


def start_levels(tables: Tables) -> tuple[Floats, Bools]:
    """Level of each store before slot 0, and whether it is off then, (Z,) each; copies."""
    return tables.store_start.copy(), tables.store_start <= tables.store_least
