"""The observation `graph-moves`: `graph` with what a policy should know before it moves a model."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, TRANSFER, Draw, Floats, Instance, Outcome, State, Tables
from idn_gym.core.geometry import covers
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_inline, njit_spliced
from idn_gym.core.lacking import end_at_source, left_to_load
from idn_gym.core.loading import find_sources, link_budget
from idn_gym.core.nominal import passing_requests
from idn_gym.core.workspace import Scratch
from idn_gym.observations.columns import highs_of, write_columns
from idn_gym.observations.displaced import HeldItems, displaced_saving, list_items, make_items
from idn_gym.observations.expected_slot import Sight, expect_slot
from idn_gym.observations.forecast_tables import ForecastTables
from idn_gym.observations.further_columns import MOVE_COLUMNS, STAY_SLOTS, PairMove
from idn_gym.observations.graph import GraphObserver, GraphRoom
from idn_gym.observations.graph_tables import GraphClips, GraphTables
from idn_gym.observations.past_runs import RunTables, count_runs, expected_stay, make_runs
from idn_gym.scenarios.compile import Compiled


class MoveConstants(NamedTuple):
    """Where the columns are, and their bounds."""

    first: int  # column of the pairs where they begin
    saving: int  # column of the pairs that has the saving
    high: Floats  # (K,) upper bounds of the K columns


class MovesObserver(GraphObserver):
    """The tables of `graph`; pairs have further columns, of moving a model.

    They are those of `PairMove`, the last ones of the pairs: how long loading takes, for how long demand has
    stayed and is expected to stay, and what has to leave.
    """

    moves: ClassVar[bool] = True
    extends: ClassVar[str] = "graph"
    """the observation whose columns these tables have as well"""

    def __init__(self, compiled: Compiled, preference: bool) -> None:
        """Lay out the tables; arguments and errors as in `GraphObserver`."""
        super().__init__(compiled, preference)
        names = [feature.name for feature in self._features["pairs"]]
        added = MOVE_COLUMNS["pairs"]
        self._moving = (
            MoveConstants(len(names) - len(added), names.index("saving"), highs_of(added)),
            make_runs(passing_requests(compiled.tables)),
            make_items(len(compiled.tables.model_task)),
        )

    def join(
        self, programme: Programme, instance: Instance, state: State, outcome: Outcome, room: GraphRoom
    ) -> None:
        """Add the observation to a program; arguments as in `encode`, read when it runs."""
        super().join(programme, instance, state, outcome, room)
        known = self._expected, self._sight, self._forecast, room.kept.scratch
        programme.add(encode_moves, *instance, state, *known, room.kept.tables, room.clips, *self._moving)


@stage
def encode_moves(block: int) -> None:
    """Write the columns of moves of every row, after `encode_graph`."""
    _encode(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw),
        fetch(block, 2, State),
        fetch(block, 3, Draw),
        fetch(block, 4, Sight),
        fetch(block, 5, ForecastTables),
        fetch(block, 6, Scratch),
        fetch(block, 7, GraphTables),
        fetch(block, 8, GraphClips),
        fetch(block, 9, MoveConstants),
        fetch(block, 10, RunTables),
        fetch(block, 11, HeldItems),
    )


@njit_spliced
def _encode(
    tables: Tables,
    draw: Draw,
    state: State,
    expected: Draw,
    sight: Sight,
    f: ForecastTables,
    scratch: Scratch,
    out: GraphTables,
    clips: GraphClips,
    constants: MoveConstants,
    runs: RunTables,
    items: HeldItems,
) -> None:
    tasks = f.first_pair.shape[1] - 1
    for b in range(len(clips.clipped)):
        expect_slot(draw, state, sight, expected, b)
        count_runs(tables, draw, state, runs, b)
        if tables.loading == TRANSFER:
            _find_loads(tables, state, scratch, b)
        for v in range(len(tables.node_memory)):
            held = list_items(tables, state, f, items, out.pairs, constants.saving, b, v)
            for c in range(f.first_pair[v, 0], f.first_pair[v, tasks]):
                k, s = f.pair_task[c], f.pair_segment[c]
                seconds = _load_seconds(tables, expected, state, scratch, b, v, s)
                stay = expected_stay(runs, v, k)
                move = PairMove(
                    load_time=1.0 - tables.slot_seconds / (seconds + tables.slot_seconds),
                    stay=stay / (stay + STAY_SLOTS),
                    age=runs.age[v, k] / (runs.age[v, k] + STAY_SLOTS),
                    displaced=min(1.0, displaced_saving(tables, expected, items, held, v, s)),
                )
                clips.clipped[b] += write_columns(out.pairs[b, c], constants.first, move, constants.high)


@njit_inline
def _find_loads(tables: Tables, state: State, scratch: Scratch, b: int) -> None:
    """Find where the loads of row b come from, and what they lack on each link."""
    for e in range(len(scratch.needs)):
        scratch.needs[e] = 0.0
    for z in range(len(scratch.asks)):
        scratch.asks[z] = 0.0
    find_sources(tables, b, state, scratch)


@njit_inline
def _load_seconds(
    tables: Tables, expected: Draw, state: State, scratch: Scratch, b: int, v: int, s: int
) -> float:
    """Seconds until segment s is usable on node v if it is loaded from the slot to come on.

    Loads that are on their way share the links with it, as in `core.loading`; batteries are left out.
    """
    m = tables.segment_model[s]
    if tables.loading != TRANSFER or covers(tables, state.resident[b, v, m], s):
        return 0.0
    need, start = left_to_load(tables, state, b, v, m, s)
    if need <= 0.0:
        return start
    # The load of another segment of the model ends when this one begins.
    own = state.bytes_to_come[b, v, m] if state.wish[b, v, m] != EMPTY else 0.0
    slots = 0.0
    row = tables.load_start[v * (len(tables.task_model) - 1) + tables.model_task[m]]
    for i in range(row, end_at_source(tables, state, b, v, m, s, need)):
        e = tables.load_link[i]
        gone = own if i < scratch.source[v, m] else 0.0
        needs = max(0.0, scratch.needs[e] - gone * tables.node_count[v]) + need * tables.node_count[v]
        budget = link_budget(tables, expected, 0, 0, e)
        slots = max(slots, needs / budget if budget > 0.0 else np.inf)
    return slots * tables.slot_seconds + start
