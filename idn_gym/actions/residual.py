"""The codec of small changes to a precomputed placement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.actions.discrete import SLOT_CHANGES, ChangesCodec, is_new_choice, load_and_evict
from idn_gym.core.arrays import (
    EMPTY,
    Action,
    Draw,
    Floats,
    Instance,
    Numbers,
    Residents,
    State,
    Tables,
)
from idn_gym.core.decoding import Pairs
from idn_gym.core.geometry import nominal_free_bytes
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_inline
from idn_gym.core.places import place_of
from idn_gym.scenarios.compile import Compiled


class ResidualCodec(ChangesCodec):
    """`MultiDiscrete`: up to four (node, segment) in which this slot differs from a base placement; 0: none.

    A pair of the base is left out; another pair is loaded as in `changes`, in order; repeated choices count
    once. No change is remembered: it lasts as long as it is chosen, and choosing nothing gives the base. The
    base is the first of the scenario's `placements`; without any, memory is filled at nominal demand
    (`nominal_filling`). Feasible set: the base with up to four changes, repaired. The mask allows loading
    segments that alone fit into the node's memory, and leaving out segments of the base.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        given = compiled.placements
        self.base = np.array(given[0] if len(given) else nominal_filling(compiled))
        model = compiled.tables.segment_model[self.segment]
        self._of_base = self.base[self.node, model] == self.segment

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        chosen = Differences(self.base, actions)
        programme.add(differ, instance.tables, instance.draw, state, self.pairs, chosen, action)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        allowed = np.ones((len(state.slot), len(self.node) + 1), np.bool_)
        self._room.mark(instance, state, allowed[:, 1:])
        allowed[:, 1:] |= self._of_base
        return np.tile(allowed, SLOT_CHANGES)

    def values(self) -> list[str]:
        pairs = zip(super().values()[1:], self._of_base, strict=True)
        return ["nothing", *(f"leave out {line[5:]}" if of_base else line for line, of_base in pairs)]


def nominal_filling(compiled: Compiled) -> Residents:
    """The placement (N, M) that fills each node in falling order of nominal saving per byte.

    The saving is that of the segment alone (`Tables.segment_value`), independent of other nodes.
    """
    tables, (node, segment) = compiled.tables, compiled.pairs
    placement, free = tables.pinned.copy(), nominal_free_bytes(tables)
    value = tables.segment_value[node, segment]
    for i in np.argsort(-value, kind="stable")[: np.count_nonzero(value > 0.0)]:
        v, m, size = node[i], tables.segment_model[segment[i]], tables.segment_bytes[segment[i]]
        if placement[v, m] == EMPTY and size <= free[v]:
            placement[v, m] = segment[i]
            free[v] -= size
    return placement


class Differences(NamedTuple):
    """Actions, in order, and the base."""

    base: Residents  # (N, M)
    actions: Numbers  # (B, changes) 0 or 1 + a pair


@stage
def differ(block: int) -> None:
    """Request the base without the chosen pairs that belong to it, and with those that do not."""
    chosen = fetch(block, 4, Differences)
    _differ(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw).memory,
        fetch(block, 2, State),
        fetch(block, 3, Pairs),
        chosen.base,
        chosen.actions,
        fetch(block, 5, Action).wanted,
    )


@njit_inline
def _differ(
    tables: Tables,
    memory: Floats,
    state: State,
    pairs: Pairs,
    base: Residents,
    actions: Numbers,
    wanted: Residents,
) -> None:
    for b in range(len(wanted)):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = base[v, m]
        t = place_of(state.slot[b], memory.shape[1])
        for k in range(actions.shape[1]):
            if not is_new_choice(actions, b, k):
                continue
            i = actions[b, k] - 1
            v, s = pairs.node[i], pairs.segment[i]
            m = pairs.segment_model[s]
            if base[v, m] != s:
                load_and_evict(tables, memory, pairs, b, t, i, wanted)
            elif wanted[b, v, m] == s:
                wanted[b, v, m] = EMPTY
