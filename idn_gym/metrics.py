"""Metrics of one slot, for `info`, tables and TensorBoard."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from idn_gym.core.arrays import BYTE_HOP, JOULE, SECOND, Floats, Ints, Outcome, Tables
from idn_gym.core.handover import fetch, stage
from idn_gym.core.kernel import indices, njit_inline, njit_spliced

Weighing = Literal["slots", "requests", "served", "peak"]


class Metric(NamedTuple):
    """One column of `compute_metrics`."""

    name: str
    unit: str
    meaning: str
    over: Weighing = "slots"
    """aggregate over several slots: the mean, a mean weighted by requests or by served requests, or the peak.
    Within a slot, a mean over requests or served requests is 0 where there are none"""


METRIC_RECORDS = (
    Metric("requests", "requests", "arrived in the slot"),
    Metric("accuracy", "1", "mean per request, drops counting as wrong", "requests"),
    Metric("latency", "s", "mean per request, drops at their timeout", "requests"),
    Metric("wait", "s", "part of the latency spent in queues, mean per served request", "served"),
    Metric("energy", "J", "spent, mean per request, idle energy and loads included", "requests"),
    Metric("traffic", "byte-hops", "sent, mean per request, loads included", "requests"),
    Metric("update", "1", "share of the nominal memory newly loaded"),
    Metric("drop_rate", "1", "share of requests", "requests"),
    Metric("late_rate", "1", "share of requests past their deadline, drops included", "requests"),
    Metric("split_rate", "1", "share of requests served by two parts or more", "requests"),
    Metric("early_rate", "1", "share of requests that left at an early exit", "requests"),
    Metric("penalty_latency", "s", "timeouts of drops, part of `latency`, mean per request", "requests"),
    Metric("penalty_energy", "J", "penalty of drops on `energy`, mean per request", "requests"),
    Metric("penalty_traffic", "byte-hops", "penalty of drops on `traffic`, mean per request", "requests"),
    Metric("refused", "segments", "requested segments that repair rejected"),
    Metric("clipped", "entries", "observation entries cut at their bounds"),
    Metric("tariff_cost", "cost", "serving cost of the slot over the nominal requests"),
    Metric("idle_energy", "J", "in the slot"),
    Metric("node_load", "1", "compute seconds used over those offered, mean over nodes that are not elastic"),
    Metric("node_load_max", "1", "the same for the busiest node", "peak"),
    Metric("link_load", "1", "bytes of requests over those available after loads, mean over links"),
    Metric("link_load_max", "1", "the same for the busiest link", "peak"),
    Metric("loaded", "bytes", "newly resident, or arrived where loading takes time"),
    Metric("in_flight", "loads", "not finished at the end of the slot"),
    Metric("load_traffic", "byte-hops", "of loads in the slot"),
    Metric("load_energy", "J", "of loads in the slot, on links"),
)
"""The metrics, in the order of the columns; a new metric is one line here and one in the kernel."""

METRICS = tuple(metric.name for metric in METRIC_RECORDS)
"""Names of the metrics."""

COLUMN = indices(METRICS)
"""Column of each metric by name, also readable in kernels."""


def _columns(*over: Weighing) -> tuple[int, ...]:
    return tuple(k for k, metric in enumerate(METRIC_RECORDS) if metric.over in over)


PER_REQUEST = _columns("requests")
"""Columns that are means over the requests of a slot."""

PER_SERVED = _columns("served")
"""Columns that are means over the served requests."""

PEAKS = _columns("peak")
"""Columns that several slots aggregate by their peak."""


class MetricTotals:
    """Metrics summed over several slots, for means and peaks over these slots.

    Attributes:
        shape: shape of the entries kept apart, such as episodes; () for one row.
    """

    def __init__(self, shape: tuple[int, ...] = ()) -> None:
        """Start with no slots."""
        self._sum, self._weight, self._peak = np.zeros((3, *shape, len(METRICS)))

    def add(self, metrics: Floats) -> None:
        """Add slots (n, *shape, len(METRICS))."""
        weights = np.ones_like(metrics)
        requests = metrics[..., COLUMN.requests, None]
        weights[..., PER_REQUEST] = requests
        weights[..., PER_SERVED] = requests * (1.0 - metrics[..., COLUMN.drop_rate, None])
        self._sum += (weights * metrics).sum(axis=0)
        self._weight += weights.sum(axis=0)
        self._peak = np.maximum(self._peak, metrics.max(axis=0))

    def means(self) -> Floats:
        """Means and peaks over the slots, as `Metric.over` says (*shape, len(METRICS))."""
        means: Floats = self._sum / np.maximum(self._weight, np.finfo(float).tiny)
        means[..., PEAKS] = self._peak[..., PEAKS]
        return means


class Figures(NamedTuple):
    """Inputs and results of the metrics kernel, B rows."""

    node_seconds: Floats  # (N,) [s] nominal; inf where elastic
    nominal_requests: float  # [requests]
    nominal_memory: float  # [bytes]
    clipped: Ints  # (B,) entries of observations
    metrics: Floats  # (B, METRICS)


def make_figures(tables: Tables, clipped: Ints) -> Figures:
    """Allocate the figures of as many rows as `clipped` has."""
    requests, memory = tables.nominal_requests, tables.nominal_memory
    return Figures(tables.node_seconds, requests, memory, clipped, np.zeros((len(clipped), len(METRICS))))


def compute_metrics(tables: Tables, outcome: Outcome, clipped: Ints) -> Floats:
    """Metrics of the slot, one row per episode (B, len(METRICS))."""
    figures = make_figures(tables, clipped)
    measure_outcome.play(outcome, figures)
    return figures.metrics


@stage
def measure_outcome(block: int) -> None:
    """Write the metrics of every row."""
    _measure(fetch(block, 0, Outcome), fetch(block, 1, Figures))


@njit_spliced
def _measure(outcome: Outcome, figures: Figures) -> None:
    metrics = figures.metrics
    for b in range(len(metrics)):
        row = metrics[b]
        for k in range(metrics.shape[1]):
            row[k] = 0.0
        served = 0.0
        for rho in range(outcome.arrived.shape[1]):
            served += outcome.served[b, rho]
            row[COLUMN.requests] += outcome.arrived[b, rho]
            row[COLUMN.accuracy] += outcome.correct[b, rho]
            row[COLUMN.latency] += outcome.latency[b, rho] + outcome.penalty[b, rho, SECOND]
            row[COLUMN.wait] += outcome.wait[b, rho]
            row[COLUMN.energy] += outcome.energy[b, rho]
            row[COLUMN.traffic] += outcome.traffic[b, rho]
            row[COLUMN.drop_rate] += outcome.arrived[b, rho] - outcome.served[b, rho]
            row[COLUMN.late_rate] += outcome.late[b, rho]
            row[COLUMN.split_rate] += outcome.split[b, rho]
            row[COLUMN.early_rate] += outcome.early[b, rho]
            row[COLUMN.penalty_latency] += outcome.penalty[b, rho, SECOND]
            row[COLUMN.penalty_energy] += outcome.penalty[b, rho, JOULE]
            row[COLUMN.penalty_traffic] += outcome.penalty[b, rho, BYTE_HOP]
        row[COLUMN.energy] += outcome.idle_energy[b] + outcome.load_energy[b]
        row[COLUMN.traffic] += outcome.load_traffic[b]
        requests = row[COLUMN.requests]
        for k in PER_REQUEST:
            row[k] = max(0.0, row[k]) / requests if requests > 0.0 else 0.0
        for k in PER_SERVED:
            row[k] = row[k] / served if served > 0.0 else 0.0
        for v in range(outcome.loaded.shape[1]):
            row[COLUMN.loaded] += outcome.loaded[b, v]
        row[COLUMN.update] = row[COLUMN.loaded] / figures.nominal_memory
        row[COLUMN.in_flight] = outcome.in_flight[b]
        row[COLUMN.load_traffic] = outcome.load_traffic[b]
        row[COLUMN.load_energy] = outcome.load_energy[b]
        row[COLUMN.refused] = outcome.refused[b]
        row[COLUMN.clipped] = figures.clipped[b]
        row[COLUMN.tariff_cost] = outcome.tariff_cost[b] / figures.nominal_requests
        row[COLUMN.idle_energy] = outcome.idle_energy[b]
        _measure_loads(outcome, b, figures.node_seconds, row)


@njit_inline
def _measure_loads(outcome: Outcome, b: int, node_seconds: Floats, row: Floats) -> None:
    limited = 0
    for v in range(len(node_seconds)):
        if np.isfinite(node_seconds[v]):
            limited += 1
            row[COLUMN.node_load] += outcome.node_utilisation[b, v]
            row[COLUMN.node_load_max] = max(row[COLUMN.node_load_max], outcome.node_utilisation[b, v])
    row[COLUMN.node_load] /= max(1, limited)
    links = outcome.link_utilisation.shape[1]
    for e in range(links):
        row[COLUMN.link_load] += outcome.link_utilisation[b, e]
        row[COLUMN.link_load_max] = max(row[COLUMN.link_load_max], outcome.link_utilisation[b, e])
    row[COLUMN.link_load] /= max(1, links)
