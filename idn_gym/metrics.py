"""Readable figures of one slot, for `info`, tables and TensorBoard."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats, Ints, Outcome, Tables
from idn_gym.core.kernel import njit_no_alloc

METRICS = (
    "requests",  # arrived in the slot
    "accuracy",  # mean per request, drops counting as wrong
    "latency",  # [s] mean per request, drops at their timeout
    "energy",  # [J] mean per request, idle energy left out
    "traffic",  # [byte-hops] mean per request
    "update",  # share of the nominal memory newly loaded
    "drop_rate",  # share of requests
    "late_rate",  # share of requests past their deadline, drops included
    "split_rate",  # share of requests served by two parts or more
    "early_rate",  # share of requests that left at an early exit
    "refused",  # wished segments that repair turned down
    "clipped",  # observation entries cut at their bounds
    "tariff_cost",  # serving cost of the slot over the nominal requests
    "idle_energy",  # [J] in the slot
    "node_load",  # compute used over nominal, busiest node
    "link_load",  # bytes carried over nominal, busiest link
)
"""Order of the columns of `compute_metrics`. Means are 0 in a slot without requests."""


def compute_metrics(tables: Tables, outcome: Outcome, clipped: Ints) -> Floats:
    """Figures of the slot, one row per episode (B, len(METRICS))."""
    figures = np.zeros((len(outcome.loaded), len(METRICS)))
    link_bytes = tables.link_rate * tables.slot_seconds
    scale = (tables.nominal_requests, tables.nominal_memory)
    _measure(outcome, clipped, tables.node_seconds, link_bytes, scale, figures)
    return figures


@njit_no_alloc
def _measure(
    outcome: Outcome,
    clipped: Ints,
    node_seconds: Floats,
    link_bytes: Floats,
    scale: tuple[float, float],
    figures: Floats,
) -> None:
    for b in range(len(figures)):
        row = figures[b]
        for rho in range(outcome.arrived.shape[1]):
            row[0] += outcome.arrived[b, rho]
            row[1] += outcome.correct[b, rho]
            row[2] += outcome.latency[b, rho]
            row[3] += outcome.energy[b, rho]
            row[4] += outcome.traffic[b, rho]
            row[6] += outcome.arrived[b, rho] - outcome.served[b, rho]
            row[7] += outcome.late[b, rho]
            row[8] += outcome.split[b, rho]
            row[9] += outcome.early[b, rho]
        for k in range(1, 10):
            row[k] = max(0.0, row[k]) / row[0] if row[0] > 0.0 else 0.0
        row[5] = outcome.loaded[b] / scale[1]
        row[10] = outcome.refused[b]
        row[11] = clipped[b]
        row[12] = outcome.tariff_cost[b] / scale[0]
        row[13] = outcome.idle_energy[b]
        for v in range(len(node_seconds)):
            if np.isfinite(node_seconds[v]):
                row[14] = max(row[14], outcome.busy[b, v] / node_seconds[v])
        for e in range(len(link_bytes)):
            row[15] = max(row[15], outcome.carried[b, e] / link_bytes[e])
