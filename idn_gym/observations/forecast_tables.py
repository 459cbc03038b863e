"""Tables, work space and results of the forecast: the pairs that it is about, and the options of a class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Ints, Tables, owners
from idn_gym.core.costs import costs
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.workspace import Scratch, make_scratch


class ForecastTables(NamedTuple):
    """The C pairs (node, segment) by node, then task; work space for a class; what is forecast."""

    pair_node: Ints  # (C,)
    pair_task: Ints  # (C,)
    pair_segment: Ints  # (C,)
    first_pair: Ints  # (N, K+1) pairs of a node and task: from its entry to before the next task's
    option_order: Ints  # (O,) options of each class by rising cost at nominal rates: where sorting starts
    # work space
    others: Floats  # (N, K) [s] that other tasks than this one took of the node in the last slot
    option: (
        Ints  # (W,) options that lack one resident segment at most, cheapest first; W of the largest class
    )
    cost: Floats  # (W,) [cost] per request
    missing: Ints  # (W,) part that lacks its segment, or EMPTY
    entry: Ints  # (W,) those of them that may serve when one node changes what it holds of the task
    needed: Ints  # (W,) segment that they need on that node, or EMPTY
    seconds: Floats  # (W,) [s] per request that it runs there
    scratch: Scratch  # what is left; its `option` lists those whose copies have been used
    # results
    saving: Floats  # (C,) [cost] per slot
    load: Floats  # (C,) [s] that the node would spend on it
    base: Floats  # (N,) [cost] of the batches that pass the node, each without the node's models of its task


def make_forecast_tables(tables: Tables, node: Ints, segment: Ints, tariff: Floats) -> ForecastTables:
    """Prepare for pairs of nodes and segments.

    Args:
        tables: the scenario's tables.
        node: (C,) of the pairs, rising.
        segment: (C,) likewise, rising within a node; what the node pins is resident anyway and makes no pair.
        tariff: likely one; it has no influence on what is forecast, but on how fast.
    """
    widest = int(np.max(np.diff(tables.option_start)))
    nodes, tasks, count = len(tables.node_memory), len(tables.task_model) - 1, len(node)
    task = tables.model_task[tables.segment_model[segment]].astype(np.int64)
    place = np.arange(nodes)[:, None] * tasks + np.arange(tasks + 1)
    option, missing, entry, needed = np.zeros((4, widest), np.int64)
    return ForecastTables(
        pair_node=node,
        pair_task=task,
        pair_segment=segment,
        first_pair=np.searchsorted(node * tasks + task, place),
        option_order=_by_cost(tables, tariff),
        others=np.zeros((nodes, tasks)),
        option=option,
        cost=np.zeros(widest),
        missing=missing,
        entry=entry,
        needed=needed,
        seconds=np.zeros(widest),
        scratch=make_scratch(tables),
        saving=np.zeros(count),
        load=np.zeros(count),
        base=np.zeros(nodes),
    )


def _by_cost(tables: Tables, tariff: Floats) -> Ints:
    """Options (O,), class by class, by rising cost in a nominal slot."""
    instance = Instance(tables, nominal_draw(tables, tariff))
    cost, _ = costs(instance, 0)
    return np.lexsort((cost, owners(tables.option_start)))
