"""What is where in an episode, in words."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, State
from idn_gym.core.loading import loaded_share
from idn_gym.scenarios.compile import Compiled


def name_load(segment: str, share: float) -> str:
    """A segment on its way by name, with the share of its bytes that has come, or that it starts."""
    return f"{segment} ({'starting' if share >= 1.0 else f'loading {min(99.0, 100.0 * share):.0f} %'})"


def tell_placement(compiled: Compiled, state: State, row: int) -> dict[str, list[str]]:
    """By node, the names of what is there: resident segments, and those on their way.

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
    return placed
