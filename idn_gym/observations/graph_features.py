"""The columns of the graph observation: what each means, and the values of those that never change.

No column knows the scenario: all are shares, ratios to nominal values, or logarithms of ratios, so that
a policy may read any network, catalogue and number of classes with the same weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Floats, Ints, Tables
from idn_gym.core.geometry import nominal_free_bytes
from idn_gym.objectives import OBJECTIVES
from idn_gym.observations.base import DEMAND_BOUND, RATE_BOUND, Feature
from idn_gym.scenarios.compile import Compiled

Columns = npt.NDArray[np.float32]

LOG_BOUND = 3.0
"""Ratios that may be anything are given as logarithms to base 10, up to this in size."""


def _flag(name: str, meaning: str) -> Feature:
    return Feature(name, 0, 1, meaning)


def _log(name: str, meaning: str) -> Feature:
    return Feature(name, -LOG_BOUND, LOG_BOUND, meaning)


NODE_CONSTANTS = (
    _flag("movable", "1: a policy may place models here"),
    _flag("elastic", "1: compute without limit"),
    _flag("ingress", "1: requests enter here"),
    _flag("repository", "1: holds models for ever"),
    _log("room", "log10 of free nominal memory over the mean size of the models that fit"),
    _log(
        "pressure", "log10 of seconds that the nominal requests which pass would take at best, over nominal"
    ),
)
NODE_STATE = (
    _flag("compute", "compute of the coming slot over nominal; 1 where hidden or elastic"),
    _flag("memory", "memory of the coming slot over nominal; 1 where hidden"),
    Feature("busy", 0, RATE_BOUND, "compute used in the last slot over nominal; 0 where elastic"),
    _flag("filled", "share of the memory to place in that residents take; 1 also where they take more"),
    Feature("batch", 0, DEMAND_BOUND, "last requests that pass over nominal"),
    Feature("recent", 0, DEMAND_BOUND, "smoothed requests that pass over nominal"),
    _flag("dropped", "share of the last requests that pass which were dropped"),
    _flag("started", "share of the last requests that pass which began here"),
)
LINK_CONSTANTS = (
    _log(
        "pressure",
        "log10 of bytes that nominal requests which cross would send as raw input, over nominal",
    ),
    _flag("delay", "round-trip delay over the shortest timeout"),
)
LINK_STATE = (
    Feature("rate", 0, RATE_BOUND, "rate of the coming slot over nominal; 1 where hidden"),
    Feature("load", 0, RATE_BOUND, "bytes carried in the last slot over nominal"),
)
PAIR_CONSTANTS = (
    _flag("size", "bytes over the free nominal memory of the node"),
    _flag("nominal", "saving of the segment alone at nominal demand, over the most on the node"),
    _flag("nominal rate", "the same per byte"),
    _flag("first", "first block over the model's blocks"),
    _flag("last", "one past the last block over the model's blocks"),
    _flag("whole", "1: the whole model"),
    _flag("error", "least error of the model"),
)
PAIR_STATE = (
    _flag("resident", "1: this segment is on the node"),
    _flag("other", "1: another segment of the model is on the node"),
    Feature("recent", 0, DEMAND_BOUND, "smoothed requests of the task that pass the node over nominal"),
    _flag("saving", "cost the segment is expected to save, over that of all requests that pass the node"),
    _flag("of task", "the same over the most of its task on the node"),
    _flag("of node", "the same over the most on the node"),
    _flag("of node per byte", "the same per byte"),
    _flag("work", "seconds the node would spend on it over nominal; 0 where elastic"),
    _flag("loading", "p / (p + c): price p of loading it, cost c of all requests that pass the node"),
)
GLOBALS = (
    _flag("slot", "share of the episode that is over"),
    *(_flag(f"weight {name}", "weight of the objective") for name in OBJECTIVES),
    Feature("recent", 0, DEMAND_BOUND, "smoothed requests over nominal"),
    _flag("dropped", "share of the last requests that were dropped"),
)


class Constants(NamedTuple):
    """The columns that never change."""

    nodes: Columns  # (N, len(NODE_CONSTANTS))
    links: Columns  # (E, len(LINK_CONSTANTS))
    pairs: Columns  # (C, len(PAIR_CONSTANTS))


def passing(tables: Tables) -> Floats:
    """Nominal requests per slot of each task that pass each node (N, K)."""
    requests = np.zeros((len(tables.node_memory), len(tables.task_model) - 1))
    for rho, p in enumerate(tables.class_path):
        nodes = tables.path_node[tables.path_start[p] : tables.path_start[p + 1]]
        requests[nodes, tables.class_task[rho]] += tables.class_requests[rho]
    return requests


def make_constants(compiled: Compiled, node: Ints, segment: Ints) -> Constants:
    """Fill the columns that never change.

    Args:
        compiled: the scenario.
        node: (C,) of the pairs.
        segment: (C,) likewise.
    """
    return Constants(
        nodes=_stack(_node_columns(compiled, node, segment), NODE_CONSTANTS),
        links=_stack(_link_columns(compiled.tables), LINK_CONSTANTS),
        pairs=_stack(_pair_columns(compiled.tables, node, segment), PAIR_CONSTANTS),
    )


def _stack(columns: list[Floats], features: tuple[Feature, ...]) -> Columns:
    pairs = zip(columns, features, strict=True)
    return np.stack([np.clip(column, f.low, f.high) for column, f in pairs], 1).astype(np.float32)


def _log_ratio(over: Floats, under: Floats) -> Floats:
    """log10 of a ratio of numbers that may be 0 or infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(over > 0.0, over / under, 0.0)
        result: Floats = np.nan_to_num(np.log10(ratio), nan=0.0, neginf=-LOG_BOUND, posinf=LOG_BOUND)
    return result


def _node_columns(compiled: Compiled, node: Ints, segment: Ints) -> list[Floats]:
    tables = compiled.tables
    ingress = np.zeros(len(tables.node_memory))
    ingress[tables.path_node[tables.path_start[tables.class_path]]] = 1.0
    free = nominal_free_bytes(tables)
    count = np.bincount(node, minlength=len(free))
    size = np.bincount(node, tables.segment_bytes[segment], len(free)) / np.maximum(1, count)
    return [
        tables.node_movable.astype(float),
        np.isinf(tables.node_seconds).astype(float),
        ingress,
        (tables.pinned != EMPTY).any(1).astype(float),
        _log_ratio(free, size),
        _log_ratio(_least_seconds(tables), tables.node_seconds),
    ]


def _least_seconds(tables: Tables) -> Floats:
    """Seconds per slot of each node, did it run all nominal requests that pass it at their quickest (N,)."""
    seconds = np.zeros(len(tables.node_memory))
    single = np.diff(tables.part_start) == 1
    for rho, requests in enumerate(tables.class_requests):
        o = np.arange(tables.option_start[rho], tables.option_start[rho + 1])
        q = tables.part_start[o[single[o]]]
        for v in np.unique(tables.part_node[q]):
            seconds[v] += requests * tables.part_seconds[q][tables.part_node[q] == v].min()
    return seconds


def _link_columns(tables: Tables) -> list[Floats]:
    sent = np.zeros(len(tables.link_rate))
    for rho, requests in enumerate(tables.class_requests):
        p = tables.class_path[rho]
        q = tables.part_start[tables.option_start[rho] : tables.option_start[rho + 1]]
        raw = tables.part_bytes[q].max(initial=0.0)
        sent[tables.path_link[tables.path_start[p] + 1 : tables.path_start[p + 1]]] += requests * raw
    return [
        _log_ratio(sent, tables.link_rate * tables.slot_seconds),
        tables.link_delay / tables.class_timeout.min(),
    ]


def _pair_columns(tables: Tables, node: Ints, segment: Ints) -> list[Floats]:
    model = tables.segment_model[segment]
    size, blocks = tables.segment_bytes[segment], tables.model_blocks[model]
    free = nominal_free_bytes(tables)[node]
    rate = np.maximum(0.0, tables.segment_value[node, segment])
    error = np.ones(len(tables.model_task))
    np.minimum.at(error, tables.option_model, tables.option_error)
    first, last = tables.segment_first[segment], tables.segment_last[segment]
    return [
        size / np.maximum(free, 1.0),
        _over_most(rate * size, node),
        _over_most(rate, node),
        first / blocks,
        last / blocks,
        ((first == 0) & (last == blocks)).astype(float),
        error[model],
    ]


def _over_most(value: Floats, node: Ints) -> Floats:
    """Each value over the largest of its node; 0 where there is none above 0."""
    most = np.zeros(int(node.max(initial=-1)) + 1)
    np.maximum.at(most, node, value)
    shares: Floats = value / np.where(most > 0.0, most, 1.0)[node]
    return shares
