"""What compute seconds, bytes and slots come to in the further objectives per request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from idn_gym.core.arrays import Floats, Tables
from idn_gym.messages import ConfigError
from idn_gym.objective_records import Charges, charged
from idn_gym.registry import load_target
from idn_gym.scenarios.processes.random_streams import Streams

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


def draw_charges(compiled: Compiled, slots: int, rng: Streams) -> tuple[Floats, Floats, Floats]:
    """Charges of one episode, (T, N, F) per compute second, (T, E, F) per byte and (T, F) per slot.

    Args:
        compiled: the scenario.
        slots: T.
        rng: each objective draws from a stream of its own.

    Raises:
        ConfigError: an objective whose charges have another shape, or are negative or not finite.
    """
    tables, further = compiled.tables, charged(compiled.objectives)
    nodes, links = len(tables.node_memory), len(tables.link_rate)
    second, byte = np.zeros((slots, nodes, len(further))), np.zeros((slots, links, len(further)))
    slot = np.zeros((slots, len(further)))
    for f, objective in enumerate(further):
        law = objective.charges
        assert law is not None
        if isinstance(law, str):
            law = load_target(law)
        found = Charges(*law(compiled, slots, rng(f"objective {objective.name}")))
        key = f"objective.{objective.name}.charges"
        second[:, :, f] = _checked(found.second, (slots, nodes), key)
        byte[:, :, f] = 0.0 if found.byte is None else _checked(found.byte, (slots, links), key)
        slot[:, f] = 0.0 if found.slot is None else _checked(found.slot, (slots,), key)
    return second, byte, slot


def nominal_charges(compiled: Compiled) -> Tables:
    """The tables with means over an episode, one of a fixed seed where charges are random."""
    streams = Streams(np.random.default_rng(0))
    means = (drawn.mean(axis=0) for drawn in draw_charges(compiled, compiled.scenario.horizon, streams))
    return compiled.tables._replace(
        **dict(zip(("node_charge", "link_charge", "slot_charge"), means, strict=True))
    )


def _checked(charges: Floats, shape: tuple[int, ...], key: str) -> Floats:
    found = np.asarray(charges, float)
    if found.shape != shape:
        raise ConfigError(key, f"shape {found.shape} is not allowed; must be (slots, rows) = {shape}")
    if not np.all(np.isfinite(found) & (found >= 0.0)):
        raise ConfigError(key, "has values that are negative or not finite; must be at least 0")
    return found
