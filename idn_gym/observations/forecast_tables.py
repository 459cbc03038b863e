"""Tables, work space and results of the forecast: the pairs that it is about, and the options of a class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Ints, Tables
from idn_gym.core.costs import costs
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.row_starts import owners

TURNS, TOUCHED, GATHERED, GATHER_NEXT = range(4)
"""places in `ForecastTables.counts`"""


class ForecastTables(NamedTuple):
    """The C pairs (node, segment) by node, then task; work space for a class; what is forecast of a row."""

    pair_node: Ints  # (C,)
    pair_task: Ints  # (C,)
    pair_segment: Ints  # (C,)
    first_pair: Ints  # (N, K+1) pairs of a node and task: from its entry to before the next task's
    model_pair: Ints  # (N, M+1) the same of a node and model
    # work space
    others: Floats  # (N, K) [s] that other tasks than this one took of the node in the last slot
    start_seconds: Floats  # (N,) [s] and
    start_bytes: Floats  # (E,) that a class finds before its batch is served; where capacity is shared
    entry: Ints  # (W,) of a class's list those that serve what one node may hold; W of the largest class
    part: Ints  # (W,) part that they run on the node if it may be another one's, or EMPTY
    room: Floats  # (W,) [requests] that they take if nothing has been used; 0: not measured
    turn: Ints  # (C,) when the pair was last served
    counts: Ints  # (4,) turns so far, pairs in `touched`, gathered entries, entry where gathering goes on
    # results
    touched: Ints  # (C,) pairs that may save something or run; the others are 0
    saving: Floats  # (C,) [cost] per slot
    load: Floats  # (C,) [s] that the node would spend on it
    base: Floats  # (N,) [cost] of the batches that pass the node, each without the node's models of its task


def make_forecast_tables(tables: Tables, node: Ints, segment: Ints) -> ForecastTables:
    """Prepare for pairs of nodes and segments.

    Args:
        tables: the scenario's tables.
        node: (C,) of the pairs, rising.
        segment: (C,) segments of the pairs, rising within a node; pinned segments form no pairs.
    """
    widest = int(np.max(np.diff(tables.option_start)))
    nodes, tasks, count = len(tables.node_memory), len(tables.task_model) - 1, len(node)
    model = tables.segment_model[segment].astype(np.int64)
    task = tables.model_task[model].astype(np.int64)
    entry, part = np.zeros((2, widest), np.int64)
    turn, touched = np.zeros((2, count), np.int64)
    return ForecastTables(
        pair_node=node,
        pair_task=task,
        pair_segment=segment,
        first_pair=_first_of(node, task, nodes, tasks),
        model_pair=_first_of(node, model, nodes, len(tables.model_task)),
        others=np.zeros((nodes, tasks)),
        start_seconds=np.zeros(nodes),
        start_bytes=np.zeros(len(tables.link_rate)),
        entry=entry,
        part=part,
        room=np.zeros(widest),
        turn=turn,
        counts=np.zeros(4, np.int64),
        touched=touched,
        saving=np.zeros(count),
        load=np.zeros(count),
        base=np.zeros(nodes),
    )


def _first_of(node: Ints, kind: Ints, nodes: int, kinds: int) -> Ints:
    """First of the pairs, which are in this order, of each node and kind, and one past the last."""
    place = np.arange(nodes)[:, None] * kinds + np.arange(kinds + 1)
    return np.searchsorted(node * kinds + kind, place)


def options_by_cost(tables: Tables, tariff: Floats) -> Ints:
    """Options (O,), class by class, by rising cost in a nominal slot."""
    instance = Instance(tables, nominal_draw(tables, tariff))
    cost, _ = costs(instance, 0)
    return np.lexsort((cost, owners(tables.option_start)))
