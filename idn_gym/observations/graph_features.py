"""The columns of the graph observation: what each means, and the values of those that never change.

No column knows the scenario: all are shares, ratios to nominal values, or logarithms of ratios, so that
a policy may read any network, catalogue and number of classes with the same weights. A new column is one
field here and one argument where its record is made: those that never change below, the others in
`graph_kernel` and, of pairs, in `graph_pairs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Ints, Tables
from idn_gym.core.geometry import block_shares, nominal_free_bytes, whole_models
from idn_gym.core.nominal import ingress_nodes
from idn_gym.observations.base import DEMAND_BOUND, RATE_BOUND, Feature
from idn_gym.observations.columns import (
    LOG_BOUND,
    Column,
    FeatureRows,
    features_of,
    log_column,
    share_column,
    stack_columns,
)
from idn_gym.scenarios.compile import Compiled


class NodeConstants(NamedTuple):
    """Constants of a node; one array (N,) each."""

    movable: Annotated[Floats, share_column("1: a policy may place models here")]
    elastic: Annotated[Floats, share_column("1: compute without limit")]
    ingress: Annotated[Floats, share_column("1: requests enter here")]
    repository: Annotated[Floats, share_column("1: holds models for ever")]
    room: Annotated[
        Floats, log_column("log10 of free nominal memory over the mean size of the models that fit")
    ]
    pressure: Annotated[
        Floats,
        log_column("log10 of seconds that the nominal requests which pass would take at best, over nominal"),
    ]


class NodeState(NamedTuple):
    """State of a node before a slot."""

    compute: Annotated[
        float, share_column("compute of the coming slot over nominal; 1 where hidden or elastic")
    ]
    memory: Annotated[float, share_column("memory of the coming slot over nominal; 1 where hidden")]
    busy: Annotated[
        float, Column(0, RATE_BOUND, "compute used in the last slot over nominal; 0 where elastic")
    ]
    filled: Annotated[
        float,
        share_column(
            "share of the memory to place in that is taken, loads included; 1 also if it is too much"
        ),
    ]
    batch: Annotated[float, Column(0, DEMAND_BOUND, "last requests that pass over nominal")]
    recent: Annotated[float, Column(0, DEMAND_BOUND, "smoothed requests that pass over nominal")]
    dropped: Annotated[float, share_column("share of the last requests that pass which were dropped")]
    started: Annotated[float, share_column("share of the last requests that pass which began here")]


class LinkConstants(NamedTuple):
    """Constants of a link; one array (E,) each."""

    pressure: Annotated[
        Floats,
        log_column("log10 of bytes that nominal requests which cross would send as raw input, over nominal"),
    ]
    delay: Annotated[Floats, share_column("round-trip delay over the shortest timeout")]


class LinkState(NamedTuple):
    """State of a link before a slot."""

    rate: Annotated[float, Column(0, RATE_BOUND, "rate of the coming slot over nominal; 1 where hidden")]
    load: Annotated[float, Column(0, RATE_BOUND, "bytes carried in the last slot over nominal")]


class PairConstants(NamedTuple):
    """Constants of a segment on a node; one array (C,) each."""

    size: Annotated[Floats, share_column("bytes over the free nominal memory of the node")]
    nominal: Annotated[
        Floats, share_column("saving of the segment alone at nominal demand, over the most on the node")
    ]
    nominal_rate: Annotated[Floats, share_column("the same per byte")]
    first: Annotated[Floats, share_column("first block over the model's blocks")]
    last: Annotated[Floats, share_column("one past the last block over the model's blocks")]
    whole: Annotated[Floats, share_column("1: the whole model")]
    error: Annotated[Floats, share_column("least error of the model")]


class PairHolding(NamedTuple):
    """State of a segment on a node before a slot."""

    resident: Annotated[float, share_column("1: this segment is on the node")]
    other: Annotated[float, share_column("1: another segment of the model is on the node")]
    on_its_way: Annotated[float, share_column("1: the node is loading this segment")]
    to_come: Annotated[float, share_column("share of its bytes still to come; 0 where it is not on its way")]
    to_start: Annotated[float, share_column("s / (s + slot): seconds s of start-up still to come")]


class PairDemand(NamedTuple):
    """Expected demand for a segment on a node; `PairForecast` follows."""

    batch: Annotated[
        float, Column(0, DEMAND_BOUND, "last requests of the task that pass the node over nominal")
    ]
    recent: Annotated[
        float, Column(0, DEMAND_BOUND, "smoothed requests of the task that pass the node over nominal")
    ]


class PairForecast(NamedTuple):
    """Expected effect of a segment on a node in a slot; `PairLoading` follows."""

    saving: Annotated[
        float,
        share_column("cost the segment is expected to save, over that of all requests that pass the node"),
    ]
    of_task: Annotated[float, share_column("the same over the most of its task on the node")]
    of_node: Annotated[float, share_column("the same over the most on the node")]
    of_node_per_byte: Annotated[float, share_column("the same per byte")]
    work: Annotated[float, share_column("seconds the node would spend on it over nominal; 0 where elastic")]


class PairLoading(NamedTuple):
    """Price of loading a segment on a node."""

    loading: Annotated[
        float, share_column("p / (p + c): price p of loading it, cost c of all requests that pass the node")
    ]


PAIR_STATE: tuple[type, ...] = (PairHolding, PairDemand, PairForecast, PairLoading)
"""State of a segment on a node before a slot; columns that change together are written together."""


class Progress(NamedTuple):
    """Progress of the episode before a slot; the weights in force follow."""

    slot: Annotated[float, share_column("share of the episode that is over")]


class NetworkState(NamedTuple):
    """State of the whole network before a slot, after the weights in force."""

    recent: Annotated[float, Column(0, DEMAND_BOUND, "smoothed requests over nominal")]
    dropped: Annotated[float, share_column("share of the last requests that were dropped")]


GRAPH_COLUMNS: dict[str, tuple[Feature, ...]] = {
    "nodes": features_of(NodeConstants) + features_of(NodeState),
    "links": features_of(LinkConstants) + features_of(LinkState),
    "pairs": sum(map(features_of, PAIR_STATE), features_of(PairConstants)),
}
"""Columns of the tables that have rows."""


def global_columns(objectives: Sequence[str]) -> tuple[Feature, ...]:
    """The globals, where these objectives are in force."""
    weights = (Feature(f"weight {name}", 0, 1, "weight of the objective") for name in objectives)
    return (*features_of(Progress), *weights, *features_of(NetworkState))


def constant_columns(
    compiled: Compiled, node: Ints, segment: Ints
) -> tuple[FeatureRows, FeatureRows, FeatureRows]:
    """The columns that never change, of nodes, links and pairs.

    Args:
        compiled: the scenario.
        node: (C,) of the pairs.
        segment: (C,) segments of the pairs.
    """
    tables = compiled.tables
    return (
        stack_columns(_node_constants(tables, node, segment)),
        stack_columns(_link_constants(tables)),
        stack_columns(_pair_constants(tables, node, segment)),
    )


def _log_ratio(over: Floats, under: Floats) -> Floats:
    """log10 of a ratio of numbers that may be 0 or infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(over > 0.0, over / under, 0.0)
        result: Floats = np.nan_to_num(np.log10(ratio), nan=0.0, neginf=-LOG_BOUND, posinf=LOG_BOUND)
    return result


def _node_constants(tables: Tables, node: Ints, segment: Ints) -> NodeConstants:
    ingress = np.zeros(len(tables.node_memory))
    ingress[ingress_nodes(tables)] = 1.0
    free = nominal_free_bytes(tables)
    count = np.bincount(node, minlength=len(free))
    size = np.bincount(node, tables.segment_bytes[segment], len(free)) / np.maximum(1, count)
    return NodeConstants(
        movable=tables.node_movable.astype(float),
        elastic=np.isinf(tables.node_seconds).astype(float),
        ingress=ingress,
        repository=(tables.pinned != EMPTY).any(1).astype(float),
        room=_log_ratio(free, size),
        pressure=_log_ratio(_least_seconds(tables), tables.node_seconds),
    )


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


def _link_constants(tables: Tables) -> LinkConstants:
    sent = np.zeros(len(tables.link_rate))
    for rho, requests in enumerate(tables.class_requests):
        p = tables.class_path[rho]
        q = tables.part_start[tables.option_start[rho] : tables.option_start[rho + 1]]
        raw = tables.part_bytes[q].max(initial=0.0)
        links = tables.path_link[tables.path_start[p] : tables.path_start[p + 1]]
        sent[links[links != EMPTY]] += requests * raw  # once, however many routes cross it
    return LinkConstants(
        pressure=_log_ratio(sent, tables.link_rate * tables.slot_seconds),
        delay=tables.link_delay / tables.class_timeout.min(),
    )


def _pair_constants(tables: Tables, node: Ints, segment: Ints) -> PairConstants:
    model = tables.segment_model[segment]
    size = tables.segment_bytes[segment]
    free = nominal_free_bytes(tables)[node]
    rate = np.maximum(0.0, tables.segment_value[node, segment])
    error = np.ones(len(tables.model_task))
    np.minimum.at(error, tables.option_model, tables.option_error)
    first, last = block_shares(tables)
    return PairConstants(
        size=size / np.maximum(free, 1.0),
        nominal=_over_most(rate * size, node),
        nominal_rate=_over_most(rate, node),
        first=first[segment],
        last=last[segment],
        whole=whole_models(tables)[segment].astype(float),
        error=error[model],
    )


def _over_most(value: Floats, node: Ints) -> Floats:
    """Each value over the largest of its node; 0 where there is none above 0."""
    most = np.zeros(int(node.max(initial=-1)) + 1)
    np.maximum.at(most, node, value)
    shares: Floats = value / np.where(most > 0.0, most, 1.0)[node]
    return shares
