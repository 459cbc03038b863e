"""Placements in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from idn_gym.core.arrays import EMPTY, State
from idn_gym.core.loading import loaded_share

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


def name_load(segment: str, share: float) -> str:
    """A segment on its way by name, with the share of its bytes that has come, or that it starts."""
    return f"{segment} ({'starting' if share >= 1.0 else f'loading {min(99.0, 100.0 * share):.0f} %'})"


def name_placement(compiled: Compiled, state: State, row: int) -> dict[str, list[str]]:
    """The segments of each node by name in one row of a state, those on their way too."""
    names = compiled.names
    placed = {
        node: [names.segments[s] for s in held if s != EMPTY]
        for node, held in zip(names.nodes, state.resident[row], strict=True)
    }
    share = loaded_share(compiled.tables, state)
    for v, m in zip(*np.nonzero(state.wish[row] != EMPTY), strict=True):
        segment = names.segments[state.wish[row, v, m]]
        placed[names.nodes[v]].append(name_load(segment, share[row, v, m]))
    return placed
