"""Placement and battery charge of an episode, in words and figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Outcome, State, Tables
from idn_gym.core.loading import loaded_share
from idn_gym.scenarios.compile import Compiled


def name_load(segment: str, share: float) -> str:
    """Name a segment that is loading, with the share of its bytes that has arrived, or that it starts."""
    return f"{segment} ({'starting' if share >= 1.0 else f'loading {min(99.0, 100.0 * share):.0f} %'})"


def tell_placement(compiled: Compiled, state: State, row: int) -> dict[str, list[str]]:
    """Map each node to the names of its resident segments, of segments in flight, and its battery.

    Args:
        compiled: the scenario.
        state: before a slot.
        row: of the state.
    """
    names, tables = compiled.names, compiled.tables
    placed = {
        node: [names.segments[s] for s in held if s != EMPTY]
        for node, held in zip(names.nodes, state.resident[row], strict=True)
    }
    share = loaded_share(tables, state)
    for v, m in zip(*np.nonzero(state.wish[row] != EMPTY), strict=True):
        segment = names.segments[state.wish[row, v, m]]
        placed[names.nodes[v]].append(name_load(segment, share[row, v, m]))
    for v in np.flatnonzero(tables.node_store != EMPTY):
        z = tables.node_store[v]
        charge = f"{100.0 * state.level[row, z] / tables.store_capacity[z]:.0f} %"
        placed[names.nodes[v]].append(f"battery {charge}{', off' if state.off[row, z] else ''}")
    return placed


def figures_of_stores(tables: Tables, state: State, outcome: Outcome) -> dict[str, npt.NDArray[Any]]:
    """Entries of infos about batteries and airtime; empty where there are none.

    Args:
        tables: the scenario's tables.
        state: before the coming slot, B rows.
        outcome: of the last one.

    Returns:
        `levels` and `off` as in the state, and what was `spilled` in the last slot, (B, Z) each; the
        `lifetime` (B,) [s] until the first battery went off, or so far.
    """
    if not len(tables.store_capacity):
        return {}
    return {
        "levels": state.level.copy(),
        "off": state.off.copy(),
        "spilled": outcome.spilled.copy(),
        "lifetime": state.lasted * tables.slot_seconds,
    }
