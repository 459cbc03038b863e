"""The observation as one vector, for networks that are trained for one scenario."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Draw, Floats, Instance, Ints, Outcome, State
from idn_gym.core.geometry import block_shares
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_inline, njit_spliced
from idn_gym.core.listing import error_row
from idn_gym.core.places import place_of
from idn_gym.observations.base import View
from idn_gym.observations.columns import spread_of
from idn_gym.observations.flat_features import ABSENT, BLOCK, FlatColumns, first_options, place_features
from idn_gym.scenarios.compile import Compiled


class Layout(NamedTuple):
    """Rows of which the kernel writes features."""

    preference: bool  # with the weights in force
    node: Ints  # (n,) nodes with finite compute or movable memory
    held_node: Ints  # (h,) per residency entry
    held_model: Ints  # (h,)
    horizon: int  # slots of an episode


class Nominal(NamedTuple):
    """The part of `Tables` that the kernel needs; passing all of it would cost more than the work."""

    class_requests: Floats  # (R,) [requests]
    node_seconds: Floats  # (N,) [s]
    node_memory: Floats  # (N,) [bytes]
    link_rate: Floats  # (E,) [bytes/s]
    link_chooser: Ints  # (E,) node that chooses among links, this one among them, or EMPTY
    slot_seconds: float  # [s]
    store_capacity: Floats  # (Z,)
    segment_begin: Floats  # (S,) first block over the model's blocks
    segment_end: Floats  # (S,) one past the last block over the model's blocks
    model_blocks: Ints  # (M,)
    segment_bytes: Floats  # (S,) [bytes]
    high: Floats  # (features,) upper bounds
    stream_option: Ints  # (a,) an option of each stream of answers


class FlatRoom(NamedTuple):
    """Arrays that are written, B rows."""

    observation: npt.NDArray[np.float32]  # (B, features)
    clipped: npt.NDArray[np.int64]  # (B,) entries that had to be clipped


class FlatObserver:
    """`Box` of fixed-scale features with finite bounds; `describe` lists them."""

    view: ClassVar[View] = "vector"

    def __init__(self, compiled: Compiled, preference: bool) -> None:
        """Lay out the features.

        Args:
            compiled: the scenario.
            preference: whether the weights in force are part of the observation.
        """
        tables = compiled.tables
        node = np.flatnonzero(tables.node_movable | np.isfinite(tables.node_seconds))
        model = tables.segment_model
        held_node, held_model = compiled.pairs_of(model)
        self.layout = Layout(
            preference=preference,
            node=node.astype(np.int64),
            held_node=held_node,
            held_model=held_model,
            horizon=compiled.scenario.horizon,
        )
        begin, end = block_shares(tables)
        pairs = np.stack([held_node, held_model], axis=1).astype(np.int64)
        self._features, self._columns = place_features(compiled, self.layout.node, pairs, preference)
        bounds = self._features.bounds
        self.space = gym.spaces.Box(bounds[:, 0], bounds[:, 1], dtype=np.float32)
        self._high = bounds[:, 1].astype(np.float64)
        self._nominal = Nominal(
            class_requests=np.ascontiguousarray(tables.class_requests),
            node_seconds=tables.node_seconds,
            node_memory=tables.node_memory,
            link_rate=tables.link_rate,
            link_chooser=tables.link_chooser,
            slot_seconds=tables.slot_seconds,
            store_capacity=tables.store_capacity,
            segment_begin=begin,
            segment_end=end,
            model_blocks=tables.model_blocks,
            segment_bytes=tables.segment_bytes,
            high=self._high,
            stream_option=first_options(tables).astype(np.int64),
        )

    def encode(
        self, instance: Instance, state: State, outcome: Outcome
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Write the observation of the coming slot.

        Args:
            instance: tables and draw, B rows.
            state: before the coming slot; a row at the horizon sees the last slot's resources.
            outcome: of the slot before; zeros at the start.

        Returns:
            (B, features) float32 and (B,) the number of entries that had to be clipped.
        """
        room, _ = self.make_room(np.zeros(len(state.slot), np.int64))
        programme = Programme()
        self.join(programme, instance, state, outcome, room)
        programme.play()
        return room.observation, room.clipped

    def make_room(self, clipped: npt.NDArray[np.int64]) -> tuple[FlatRoom, npt.NDArray[np.float32]]:
        """Allocate as many observations as `clipped` has rows."""
        observation = np.empty((len(clipped), len(self._high)), np.float32)
        return FlatRoom(observation, clipped), observation

    def join(
        self, programme: Programme, instance: Instance, state: State, outcome: Outcome, room: FlatRoom
    ) -> None:
        """Add the observation to a program; arguments as in `encode`, read when it runs."""
        programme.add(
            encode_flat, instance.draw, state, outcome, self._nominal, self.layout, self._columns, room
        )

    def describe(self) -> list[dict[str, Any]]:
        """Index, name, bounds and meaning of every feature."""
        return [{"index": i, **feature._asdict()} for i, feature in enumerate(self._features)]


@stage
def encode_flat(block: int) -> None:
    """Write the observation of every row."""
    _encode(
        fetch(block, 0, Draw),
        fetch(block, 1, State),
        fetch(block, 2, Outcome),
        fetch(block, 3, Nominal),
        fetch(block, 4, Layout),
        fetch(block, 5, FlatColumns),
        fetch(block, 6, FlatRoom),
    )


@njit_spliced
def _encode(
    draw: Draw,
    state: State,
    outcome: Outcome,
    nominal: Nominal,
    layout: Layout,
    columns: FlatColumns,
    room: FlatRoom,
) -> None:
    resources = (draw.seconds, draw.memory, draw.rate, draw.weights)
    seen = (outcome.arrived, outcome.served, outcome.busy, outcome.carried)
    observation, clipped, high = room.observation, room.clipped, nominal.high
    for b in range(len(observation)):
        row = observation[b]
        clipped[b] = 0
        _encode_classes(nominal, state, seen, columns.of, b, row)
        _encode_resources(nominal, resources, seen, state, layout, columns.of, b, row)
        for z in range(len(nominal.store_capacity)):
            row[columns.of[BLOCK.charge, z]] = state.level[b, z] / nominal.store_capacity[z]
            row[columns.of[BLOCK.off, z]] = state.off[b, z]
        for a in range(len(nominal.stream_option)):
            _encode_stream(draw, outcome, nominal.stream_option[a], columns.of, b, a, row)
        for k in range(columns.unsure):
            if row[k] > high[k]:
                # Sums may pass a bound of 1 by rounding alone; only what matters is counted.
                clipped[b] += row[k] > high[k] * (1.0 + 1e-6)
                row[k] = high[k]
        for h in range(len(layout.held_node)):
            m = layout.held_model[h]
            s = state.resident[b, layout.held_node[h], m]
            row[columns.of[BLOCK.end, h]] = 0.0 if s == EMPTY else nominal.segment_end[s]
            if nominal.model_blocks[m] > 1:
                row[columns.of[BLOCK.begin, h]] = 0.0 if s == EMPTY else nominal.segment_begin[s]
            if state.wish.shape[1] > 0:
                _encode_load(nominal, state, layout.held_node[h], m, columns.of, b, h, row)
        row[columns.of[BLOCK.slot, 0]] = state.slot[b] / layout.horizon
        if layout.preference:
            for w in range(resources[3].shape[1]):
                row[columns.of[BLOCK.weight, w]] = resources[3][b, w]


@njit_inline
def _encode_stream(
    draw: Draw,
    outcome: Outcome,
    option: int,
    of: npt.NDArray[np.uint32],
    b: int,
    a: int,
    row: npt.NDArray[np.float32],
) -> None:
    answered = outcome.answered[b, a]
    row[of[BLOCK.confidence, a]] = outcome.confidence[b, a] / answered if answered > 0.0 else 0.0
    row[of[BLOCK.spread, a]] = spread_of(answered, outcome.confidence[b, a], outcome.squares[b, a])
    _put(row, of[BLOCK.samples, a], outcome.samples[b, a])
    _put(row, of[BLOCK.adapted, a], outcome.adapted[b, a])
    row[of[BLOCK.accuracy, a]] = 1.0 - draw.error_in_force[error_row(draw, b), option]


@njit_inline
def _encode_load(
    nominal: Nominal,
    state: State,
    v: int,
    m: int,
    of: npt.NDArray[np.uint32],
    b: int,
    h: int,
    row: npt.NDArray[np.float32],
) -> None:
    s = state.wish[b, v, m]
    row[of[BLOCK.wish_end, h]] = 0.0 if s == EMPTY else nominal.segment_end[s]
    _put(row, of[BLOCK.wish_begin, h], 0.0 if s == EMPTY else nominal.segment_begin[s])
    size = 0.0 if s == EMPTY else nominal.segment_bytes[s]
    row[of[BLOCK.to_come, h]] = state.bytes_to_come[b, v, m] / size if size > 0.0 else 0.0
    seconds = state.seconds_to_come[b, v, m]
    row[of[BLOCK.to_start, h]] = seconds / (seconds + nominal.slot_seconds)


@njit_inline
def _put(row: npt.NDArray[np.float32], column: int, value: float) -> None:
    """Write a feature where the observation has it."""
    if column != ABSENT:
        row[column] = value


@njit_inline
def _encode_classes(
    nominal: Nominal,
    state: State,
    seen: tuple[Floats, Floats, Floats, Floats],
    of: npt.NDArray[np.uint32],
    b: int,
    row: npt.NDArray[np.float32],
) -> None:
    arrivals, served, _, _ = seen
    for rho in range(len(nominal.class_requests)):
        arrived = arrivals[b, rho]
        row[of[BLOCK.batch, rho]] = arrived / nominal.class_requests[rho]
        row[of[BLOCK.recent, rho]] = state.recent[b, rho] / nominal.class_requests[rho]
        row[of[BLOCK.dropped, rho]] = max(0.0, 1.0 - served[b, rho] / arrived) if arrived > 0.0 else 0.0


@njit_inline
def _encode_resources(
    nominal: Nominal,
    resources: tuple[Floats, Floats, Floats, Floats],
    seen: tuple[Floats, Floats, Floats, Floats],
    state: State,
    layout: Layout,
    of: npt.NDArray[np.uint32],
    b: int,
    row: npt.NDArray[np.float32],
) -> None:
    seconds, memory, rate, _ = resources
    _, _, busy, carried = seen
    t = place_of(min(state.slot[b], layout.horizon - 1), seconds.shape[1])
    for n in range(len(layout.node)):
        v = layout.node[n]
        elastic = np.isinf(nominal.node_seconds[v])
        row[of[BLOCK.busy, n]] = 0.0 if elastic else busy[b, v] / nominal.node_seconds[v]
        _put(row, of[BLOCK.compute, n], 1.0 if elastic else seconds[b, t, v] / nominal.node_seconds[v])
        room = memory[b, t, v] / nominal.node_memory[v] if nominal.node_memory[v] > 0.0 else 0.0
        _put(row, of[BLOCK.memory, n], room)
    for e in range(len(nominal.link_rate)):
        row[of[BLOCK.load, e]] = carried[b, e] / (nominal.link_rate[e] * nominal.slot_seconds)
        _put(row, of[BLOCK.rate, e], rate[b, t, e] / nominal.link_rate[e])
        if nominal.link_chooser[e] != EMPTY:
            row[of[BLOCK.used, e]] = state.uplink[b, nominal.link_chooser[e]] == e
