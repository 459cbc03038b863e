"""Charges of compute seconds, bytes and slots in the further objectives per request."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from idn_gym.core.arrays import Floats, Tables
from idn_gym.messages import ConfigError, show
from idn_gym.objective_records import Charges, charged
from idn_gym.registry import load_target
from idn_gym.scenarios.processes.random_streams import Streams
from idn_gym.scenarios.spans import SPAN_SLOTS, SpanDrawer, walk_spans

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled

MEAN_SPANS = 200
"""Spans over which nominal charges are means: a year of slots of ten minutes, which draws in a second."""


def draw_charges(compiled: Compiled, drawer: SpanDrawer) -> tuple[Floats, Floats, Floats]:
    """Charges in the slots of a span, (T, N, F) per compute second, (T, E, F) per byte and (T, F) per slot.

    Args:
        compiled: the scenario.
        drawer: of the span; each objective draws from a stream of its own.

    Raises:
        ConfigError: an objective whose charges have another shape, or are negative or not finite.
    """
    tables, further, slots = compiled.tables, charged(compiled.objectives), drawer.length
    nodes, links = len(tables.node_memory), len(tables.link_rate)
    second, byte = np.zeros((slots, nodes, len(further))), np.zeros((slots, links, len(further)))
    slot = np.zeros((slots, len(further)))
    for f, objective in enumerate(further):
        law = objective.charges
        if law is None:  # a constant of options
            continue
        if isinstance(law, str):
            law = load_target(law)
        key = f"objective.{objective.name}.charges"
        drawn = drawer.draw(key, law, compiled)
        if not isinstance(drawn, tuple) or not 1 <= len(drawn) <= len(Charges._fields):
            raise ConfigError(key, f"its law returned {show(drawn)} without Charges; must be Charges")
        found = Charges(*drawn)
        second[:, :, f] = _checked(found.second, (slots, nodes), key)
        byte[:, :, f] = 0.0 if found.byte is None else _checked(found.byte, (slots, links), key)
        slot[:, f] = 0.0 if found.slot is None else _checked(found.slot, (slots,), key)
    return second, byte, slot


def nominal_charges(compiled: Compiled) -> Tables:
    """The tables with means over an episode, one of a fixed seed where charges are random.

    Of a long one, over its first `MEAN_SPANS` spans.
    """
    horizon, streams = compiled.scenario.horizon, Streams(np.random.default_rng(0))
    slots = min(horizon, MEAN_SPANS * SPAN_SLOTS)
    spans = islice(walk_spans(horizon, compiled.scenario.slot_seconds, streams), MEAN_SPANS)
    sums = [[drawn.sum(axis=0) for drawn in draw_charges(compiled, drawer)] for drawer in spans]
    second, byte, slot = (sum(parts) / slots for parts in zip(*sums, strict=True))
    return compiled.tables._replace(node_charge=second, link_charge=byte, slot_charge=slot)


def _checked(charges: Floats, shape: tuple[int, ...], key: str) -> Floats:
    found = np.asarray(charges, float)
    if found.shape != shape:
        raise ConfigError(key, f"shape {found.shape} is not allowed; must be (slots, rows) = {shape}")
    if not np.all(np.isfinite(found) & (found >= 0.0)):
        raise ConfigError(key, "has values that are negative or not finite; must be at least 0")
    return found
