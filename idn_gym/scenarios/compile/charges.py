"""What a compute second and a byte come to in the objectives that packages add."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from idn_gym.core.arrays import Floats, Tables
from idn_gym.messages import ConfigError
from idn_gym.objective_records import charged
from idn_gym.scenarios.processes.random_streams import Streams
from idn_gym.scenarios.spans import SPAN_SLOTS, SpanDrawer, walk_spans

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled

MEAN_SPANS = 200
"""Spans over which nominal charges are means: a year of slots of ten minutes, which draws in a second."""


def draw_charges(compiled: Compiled, drawer: SpanDrawer) -> tuple[Floats, Floats]:
    """Charges in the slots of a span, (T, N, F) per compute second and (T, E, F) per byte.

    Args:
        compiled: the scenario.
        drawer: of the span; each objective draws from a stream of its own.

    Raises:
        ConfigError: an objective whose charges have another shape, or are negative or not finite.
    """
    tables, further, slots = compiled.tables, charged(compiled.objectives), drawer.length
    nodes, links = len(tables.node_memory), len(tables.link_rate)
    second, byte = np.zeros((slots, nodes, len(further))), np.zeros((slots, links, len(further)))
    for f, objective in enumerate(further):
        assert objective.charges is not None
        key = f"objective.{objective.name}.charges"
        on_nodes, on_links = drawer.draw(key, objective.charges, compiled)
        second[:, :, f] = _checked(on_nodes, (slots, nodes), key)
        byte[:, :, f] = 0.0 if on_links is None else _checked(on_links, (slots, links), key)
    return second, byte


def nominal_charges(compiled: Compiled) -> Tables:
    """The tables with means over an episode, one of a fixed seed where charges are random.

    Of a long one, over its first `MEAN_SPANS` spans.
    """
    tables, horizon = compiled.tables, compiled.scenario.horizon
    on_nodes, on_links = np.zeros_like(tables.node_charge), np.zeros_like(tables.link_charge)
    slots = min(horizon, MEAN_SPANS * SPAN_SLOTS)
    for drawer in islice(walk_spans(horizon, Streams(np.random.default_rng(0))), MEAN_SPANS):
        second, byte = draw_charges(compiled, drawer)
        on_nodes += second.sum(axis=0) / slots
        on_links += byte.sum(axis=0) / slots
    return tables._replace(node_charge=on_nodes, link_charge=on_links)


def _checked(charges: Floats, shape: tuple[int, int], key: str) -> Floats:
    found = np.asarray(charges, float)
    if found.shape != shape:
        raise ConfigError(key, f"shape {found.shape} is not allowed; must be (slots, rows) = {shape}")
    if not np.all(np.isfinite(found) & (found >= 0.0)):
        raise ConfigError(key, "has values that are negative or not finite; must be at least 0")
    return found
