"""Hill climbing on the true gain of a static placement, in an order that a program suggests."""

from __future__ import annotations

import time

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Residents
from idn_gym.evaluation.routing_program import Routing


def climb(routing: Routing, x: Floats, sure: float, end: float, enough: float) -> tuple[Residents, float]:
    """Load, lengthen, shorten or remove one segment at a time while the environment's own gain rises.

    Args:
        routing: of the row.
        x: (columns of the routing,) how much the program wants each; higher first.
        sure: what is wanted this much is there from the start.
        end: time at which to stop.
        enough: gain at which to stop.

    Returns:
        (N, M) the placement, and its gain [cost].
    """
    tables = routing.row.tables
    model = tables.segment_model[routing.segment]
    placement: Residents = tables.pinned.copy()
    order = np.argsort(-x, kind="stable").tolist()
    for i in order:
        if x[i] >= sure:
            change(routing, placement, int(routing.node[i]), int(model[i]), int(routing.segment[i]))
    gained, rising = routing.gain(placement), True
    while rising:
        rising = False
        for i in order:
            if time.perf_counter() > end or gained >= enough:
                return placement, gained
            v, m, s = int(routing.node[i]), int(model[i]), int(routing.segment[i])
            before = int(placement[v, m])
            if change(routing, placement, v, m, EMPTY if before == s else s):
                after = routing.gain(placement)
                if after > gained:
                    gained, rising = after, True
                else:
                    placement[v, m] = before
    return placement, gained


def change(routing: Routing, placement: Residents, v: int, m: int, s: int) -> bool:
    """Put segment s (or EMPTY) in place of what node v holds of model m, if that is allowed and fits."""
    tables = routing.row.tables
    loaded = (placement[v] != EMPTY) & (tables.pinned[v] == EMPTY)
    loaded[m] = False
    if s != EMPTY:
        size = tables.segment_bytes[placement[v, loaded]].sum() + tables.segment_bytes[s]
        if size > tables.node_memory[v] - tables.node_reserved[v]:
            return False
        if routing.one_per_task and (tables.model_task[loaded] == tables.model_task[m]).any():
            return False
    placement[v, m] = s
    return True
