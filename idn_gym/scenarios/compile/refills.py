"""Refills of a scenario's stores, slot by slot."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Tables
from idn_gym.scenarios.compile.charges import MEAN_SPANS
from idn_gym.scenarios.processes.harvest import draw_harvest
from idn_gym.scenarios.processes.random_streams import Streams
from idn_gym.scenarios.spans import SPAN_SLOTS, SpanDrawer, walk_spans

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


def draw_refill(compiled: Compiled, drawer: SpanDrawer) -> Floats:
    """Refill of each store in the slots of a span (T, Z), in its unit.

    A battery gets what its node harvests, airtime its nominal share of the slot.
    """
    tables, harvest = compiled.tables, compiled.scenario.dynamics.harvest
    names = compiled.names.of_nodes
    refill = np.repeat(tables.store_refill[None], drawer.length, axis=0)
    node = np.flatnonzero(tables.node_store != EMPTY)
    each = draw_harvest(harvest, len(names), drawer, names)[:, node]
    refill[:, tables.node_store[node]] = each * tables.node_count[node]
    return refill


def nominal_refill(compiled: Compiled) -> Tables:
    """The tables with means over an episode of a fixed seed; of a long one, over its first spans."""
    horizon, streams = compiled.scenario.horizon, Streams(np.random.default_rng(0))
    slots = min(horizon, MEAN_SPANS * SPAN_SLOTS)
    spans = islice(walk_spans(horizon, compiled.scenario.slot_seconds, streams), MEAN_SPANS)
    total = np.sum([draw_refill(compiled, drawer).sum(axis=0) for drawer in spans], axis=0)
    return compiled.tables._replace(store_refill=total / slots)
