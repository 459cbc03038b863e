"""Readable numbers of one slot, for `info`, tables and TensorBoard."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints, Outcome, Tables
from idn_gym.core.kernel import indices, njit_no_alloc


class Metric(NamedTuple):
    """One column of `compute_metrics`."""

    name: str
    unit: str
    meaning: str
    per_request: bool = False
    """mean over the requests of the slot, 0 without any; over more slots it is weighted by their requests"""


METRIC_RECORDS = (
    Metric("requests", "requests", "arrived in the slot"),
    Metric("accuracy", "1", "mean per request, drops counting as wrong", True),
    Metric("latency", "s", "mean per request, drops at their timeout", True),
    Metric("energy", "J", "mean per request, idle energy left out", True),
    Metric("traffic", "byte-hops", "mean per request", True),
    Metric("update", "1", "share of the nominal memory newly loaded"),
    Metric("drop_rate", "1", "share of requests", True),
    Metric("late_rate", "1", "share of requests past their deadline, drops included", True),
    Metric("split_rate", "1", "share of requests served by two parts or more", True),
    Metric("early_rate", "1", "share of requests that left at an early exit", True),
    Metric("refused", "segments", "wished segments that repair turned down"),
    Metric("clipped", "entries", "observation entries cut at their bounds"),
    Metric("tariff_cost", "cost", "serving cost of the slot over the nominal requests"),
    Metric("idle_energy", "J", "in the slot"),
    Metric("node_load", "1", "compute used over nominal, busiest node"),
    Metric("link_load", "1", "bytes of requests carried over nominal, busiest link"),
    Metric("loaded", "bytes", "newly resident, or come where loading takes time"),
    Metric("in_flight", "loads", "that are not done at the end of the slot"),
    Metric("load_traffic", "byte-hops", "of loads in the slot"),
    Metric("load_energy", "J", "of loads in the slot, on links"),
)
"""The metrics, in the order of the columns; a new one is a line here and one in the kernel."""

METRICS = tuple(metric.name for metric in METRIC_RECORDS)
"""Their names."""

COLUMN = indices(METRICS)
"""Column of each metric by its name, also in kernels."""

PER_REQUEST = tuple(k for k, metric in enumerate(METRIC_RECORDS) if metric.per_request)
"""Columns that are means over the requests of a slot."""


def compute_metrics(tables: Tables, outcome: Outcome, clipped: Ints) -> Floats:
    """Figures of the slot, one row per episode (B, len(METRICS))."""
    metrics = np.zeros((len(outcome.loaded), len(METRICS)))
    link_bytes = tables.link_rate * tables.slot_seconds
    scale = (tables.nominal_requests, tables.nominal_memory)
    _measure(outcome, clipped, tables.node_seconds, link_bytes, scale, metrics)
    return metrics


@njit_no_alloc
def _measure(
    outcome: Outcome,
    clipped: Ints,
    node_seconds: Floats,
    link_bytes: Floats,
    scale: tuple[float, float],
    metrics: Floats,
) -> None:
    for b in range(len(metrics)):
        row = metrics[b]
        for rho in range(outcome.arrived.shape[1]):
            row[COLUMN.requests] += outcome.arrived[b, rho]
            row[COLUMN.accuracy] += outcome.correct[b, rho]
            row[COLUMN.latency] += outcome.latency[b, rho]
            row[COLUMN.energy] += outcome.energy[b, rho]
            row[COLUMN.traffic] += outcome.traffic[b, rho]
            row[COLUMN.drop_rate] += outcome.arrived[b, rho] - outcome.served[b, rho]
            row[COLUMN.late_rate] += outcome.late[b, rho]
            row[COLUMN.split_rate] += outcome.split[b, rho]
            row[COLUMN.early_rate] += outcome.early[b, rho]
        requests = row[COLUMN.requests]
        for k in PER_REQUEST:
            row[k] = max(0.0, row[k]) / requests if requests > 0.0 else 0.0
        row[COLUMN.update] = outcome.loaded[b] / scale[1]
        row[COLUMN.loaded] = outcome.loaded[b]
        row[COLUMN.in_flight] = outcome.in_flight[b]
        row[COLUMN.load_traffic] = outcome.load_traffic[b]
        row[COLUMN.load_energy] = outcome.load_energy[b]
        row[COLUMN.refused] = outcome.refused[b]
        row[COLUMN.clipped] = clipped[b]
        row[COLUMN.tariff_cost] = outcome.tariff_cost[b] / scale[0]
        row[COLUMN.idle_energy] = outcome.idle_energy[b]
        for v in range(len(node_seconds)):
            if np.isfinite(node_seconds[v]):
                row[COLUMN.node_load] = max(row[COLUMN.node_load], outcome.busy[b, v] / node_seconds[v])
        for e in range(len(link_bytes)):
            row[COLUMN.link_load] = max(row[COLUMN.link_load], outcome.carried[b, e] / link_bytes[e])
