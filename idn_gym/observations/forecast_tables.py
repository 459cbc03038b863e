"""Tables and work space of `foresight`: the options of every class, and the pairs that are asked about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Floats, Ints, Residents, Tables
from idn_gym.core.nominal import nominal_draw


class Known(NamedTuple):
    """What is known before a slot, B rows."""

    recent: Floats  # (B, R) [requests] smoothed past batches
    resident: Residents  # (B, N, M)
    seconds: Floats  # (B, N) [s] of the coming slot; nominal where hidden
    rate: Floats  # (B, E) [bytes/s] likewise
    tariff: Floats  # (B, 4) [cost] per unit of error, second, joule and byte-hop
    # of the last slot
    busy: Floats  # (B, N) [s]
    carried: Floats  # (B, E) [bytes]
    spent: Floats  # (B, R, L) [s]
    sent: Floats  # (B, R, L) [bytes]


class Prospects(NamedTuple):
    """Options at nominal speed, the C pairs (node, segment) in question, work space and results."""

    exogenous: bool
    slot_seconds: float  # [s]
    path_start: Ints  # (P+1,)
    path_node: Ints  # (J,)
    path_link: Ints  # (J,)
    class_task: Ints  # (R,)
    class_path: Ints  # (R,)
    class_timeout: Floats  # (R,) [s]
    class_drop_bytes: Floats  # (R,) [byte-hops]
    class_drop_joules: Floats  # (R,) [J]
    option_start: Ints  # (R+1,)
    option_model: Ints  # (O,)
    option_error: Floats  # (O,)
    option_seconds: Floats  # (O,) [s] without what link rates decide
    option_joules: Floats  # (O,) [J]
    option_traffic: Floats  # (O,) [byte-hops]
    part_start: Ints  # (O+1,)
    part_node: Ints  # (Q,)
    part_position: Ints  # (Q,)
    part_segment: Ints  # (Q,)
    part_seconds: Floats  # (Q,) [s]
    part_bytes: Floats  # (Q,) [bytes]
    segment_first: Ints  # (S,)
    segment_last: Ints  # (S,)
    part_cover: Ints  # (Q,) row of `cover_start`; EMPTY where no pair covers the part
    cover_start: Ints  # (D+1,) into `cover`
    cover: Ints  # pairs whose segment contains the part's
    pair_node: Ints  # (C,)
    pair_task: Ints  # (C,)
    node_asked: Ints  # (N,) 1 where a pair is on the node
    # work space
    pace: Floats  # (J,) [s/byte] from the ingress to the position
    others: Floats  # (N, K) [s] that other tasks than this one took of the node
    option: Ints  # (W,) options of which at most one part is not resident; W of the largest class
    missing: Ints  # (W,) that part, or EMPTY
    cost: Floats  # (W,) [cost] per request
    room: Floats  # (W,) [requests] that fit through the links
    ranked: Ints  # (W,) entries that are usable now, by cost
    price: Floats  # (W+1,) [cost] per request of what serves the batch without the node
    amount: Floats  # (W+1,) [requests] likewise
    least: Floats  # (C,) [cost] per request of the cheapest option for the class at hand; inf without one
    saved: Floats  # (C,) [cost] that it saves
    taken: Floats  # (C,) [s] that it takes
    touched: Ints  # (C,) pairs with such an option
    # results
    saving: Floats  # (C,) [cost] per slot
    load: Floats  # (C,) [s] that the node would spend on it
    base: Floats  # (N,) [cost] of the batches that pass the node, each without the node's models of its task


def make_prospects(tables: Tables, node: Ints, segment: Ints) -> Prospects:
    """Prepare for pairs of nodes and segments.

    Args:
        tables: the scenario's tables.
        node: (C,) of the pairs.
        segment: (C,) likewise; what the node pins counts as resident anyway and makes no pair.
    """
    nominal = nominal_draw(tables, np.zeros(4))
    part_cover, cover_start, cover = _covers(tables, node, segment)
    widest = int(np.max(np.diff(tables.option_start)))
    count, nodes = len(node), len(tables.node_memory)
    shared = {name: getattr(tables, name) for name in Prospects._fields if name in Tables._fields}
    return Prospects(
        **shared,
        exogenous=tables.capacity == EXOGENOUS,
        class_drop_joules=nominal.drop_joules[0],
        option_seconds=nominal.option_latency[0],
        option_joules=nominal.option_joules[0],
        part_cover=part_cover,
        cover_start=cover_start,
        cover=cover,
        pair_node=node.astype(np.int64),
        pair_task=tables.model_task[tables.segment_model[segment]].astype(np.int64),
        node_asked=np.isin(np.arange(nodes), node).astype(np.int64),
        pace=np.zeros(len(tables.path_node)),
        others=np.zeros((nodes, len(tables.task_model) - 1)),
        option=np.zeros(widest, np.int64),
        missing=np.zeros(widest, np.int64),
        cost=np.zeros(widest),
        room=np.zeros(widest),
        ranked=np.zeros(widest, np.int64),
        price=np.zeros(widest + 1),
        amount=np.zeros(widest + 1),
        least=np.full(count, np.inf),
        saved=np.zeros(count),
        taken=np.zeros(count),
        touched=np.zeros(count, np.int64),
        saving=np.zeros(count),
        load=np.zeros(count),
        base=np.zeros(nodes),
    )


def _covers(tables: Tables, node: Ints, segment: Ints) -> tuple[Ints, Ints, Ints]:
    """For every part the pairs on its node whose segment contains the part's."""
    lists: list[list[int]] = []
    rows: dict[tuple[int, int], int] = {}
    part_cover = np.empty(len(tables.part_node), np.int64)
    here = [np.flatnonzero(node == v) for v in range(len(tables.node_memory))]
    first, last = tables.segment_first[segment], tables.segment_last[segment]
    for q, place in enumerate(zip(tables.part_node.tolist(), tables.part_segment.tolist(), strict=True)):
        if place not in rows:
            v, s = place
            mine = here[v]
            inside = tables.segment_model[segment[mine]] == tables.segment_model[s]
            inside &= (first[mine] <= tables.segment_first[s]) & (last[mine] >= tables.segment_last[s])
            rows[place] = len(lists) if inside.any() else EMPTY
            if inside.any():
                lists.append(mine[inside].tolist())
        part_cover[q] = rows[place]
    start = np.cumsum([0, *map(len, lists)])
    return part_cover, start, np.array([pair for pairs in lists for pair in pairs], np.int64)
