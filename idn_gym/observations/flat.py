"""The observation as one vector, for networks that know one scenario."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Floats, Instance, Ints, Outcome, State
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.objectives import OBJECTIVES
from idn_gym.observations.base import DEMAND_BOUND, RATE_BOUND, Feature, View
from idn_gym.scenarios.compile import Compiled


class Layout(NamedTuple):
    """Which entries the kernel writes, in order."""

    hidden: bool  # leave out the state of nodes and links
    preference: bool  # append the weights in force
    node: Ints  # (n,) nodes with finite compute or movable memory
    held_node: Ints  # (h,) per residency entry
    held_model: Ints  # (h,)


class Nominal(NamedTuple):
    """What the kernel needs of `Tables`; handing over all of it would cost more than the work."""

    class_requests: Floats  # (R,) [requests]
    node_seconds: Floats  # (N,) [s]
    node_memory: Floats  # (N,) [bytes]
    link_rate: Floats  # (E,) [bytes/s]
    slot_seconds: float  # [s]
    segment_begin: Floats  # (S,) first block over the model's blocks
    segment_end: Floats  # (S,) one past the last block over the model's blocks
    model_blocks: Ints  # (M,)


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
            hidden=compiled.scenario.resources == "hidden",
            preference=preference,
            node=node.astype(np.int64),
            held_node=held_node,
            held_model=held_model,
        )
        blocks = tables.model_blocks[model]
        self._nominal = Nominal(
            class_requests=tables.class_requests,
            node_seconds=tables.node_seconds,
            node_memory=tables.node_memory,
            link_rate=tables.link_rate,
            slot_seconds=tables.slot_seconds,
            segment_begin=tables.segment_first / blocks,
            segment_end=tables.segment_last / blocks,
            model_blocks=tables.model_blocks,
        )
        self._features = _list_features(compiled, self.layout)
        bounds = np.array([(feature.low, feature.high) for feature in self._features], np.float32)
        self.space = gym.spaces.Box(bounds[:, 0], bounds[:, 1], dtype=np.float32)
        self._high = bounds[:, 1].astype(np.float64)

    def encode(
        self, instance: Instance, state: State, outcome: Outcome
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Write the observation of the coming slot.

        Args:
            instance: tables and draw, B rows.
            state: before the coming slot; a row at the horizon sees the last slot's resources.
            outcome: of the slot before; zeros at the start.

        Returns:
            (B, features) float32 and (B,) how many entries had to be clipped.
        """
        batch = len(state.slot)
        observation = np.empty((batch, len(self._high)), np.float32)
        clipped = np.zeros(batch, np.int64)
        draw = instance.draw
        resources = (draw.seconds, draw.memory, draw.rate, draw.weights)
        seen = (outcome.arrived, outcome.served, outcome.busy, outcome.carried)
        _encode(self._nominal, resources, seen, state, self.layout, self._high, observation, clipped)
        return observation, clipped

    def describe(self) -> list[dict[str, Any]]:
        """Index, name, bounds and meaning of every feature."""
        return [{"index": i, **feature._asdict()} for i, feature in enumerate(self._features)]


def _list_features(compiled: Compiled, layout: Layout) -> list[Feature]:
    names, tables = compiled.names, compiled.tables
    features = []
    for name in names.classes:
        features += [
            Feature(f"batch {name}", 0, DEMAND_BOUND, "last batch over the nominal batch"),
            Feature(f"recent {name}", 0, DEMAND_BOUND, "smoothed past batches over the nominal batch"),
            Feature(f"dropped {name}", 0, 1, "share of the last batch that was dropped"),
        ]
    for v in layout.node:
        # With private capacities per class, a node may be used more than once over.
        most = RATE_BOUND if tables.capacity == EXOGENOUS else 1
        features.append(
            Feature(f"busy {names.nodes[v]}", 0, most, "compute used in the last slot over nominal")
        )
        if not layout.hidden:
            features.append(
                Feature(f"compute {names.nodes[v]}", 0, 1, "compute of the coming slot over nominal")
            )
            features.append(
                Feature(f"memory {names.nodes[v]}", 0, 1, "memory of the coming slot over nominal")
            )
    for name in names.links:
        features.append(Feature(f"load {name}", 0, RATE_BOUND, "bytes carried in the last slot over nominal"))
        if not layout.hidden:
            features.append(Feature(f"rate {name}", 0, RATE_BOUND, "rate of the coming slot over nominal"))
    for v, m in zip(layout.held_node, layout.held_model, strict=True):
        where = f"{names.models[m]} at {names.nodes[v]}"
        features.append(Feature(f"end {where}", 0, 1, "last resident block over the model's blocks; 0: none"))
        if tables.model_blocks[m] > 1:
            features.append(Feature(f"begin {where}", 0, 1, "first resident block over the model's blocks"))
    features.append(Feature("slot", 0, 1, "share of the episode that is over"))
    if layout.preference:
        features += [Feature(f"weight {name}", 0, 1, "weight of the objective") for name in OBJECTIVES]
    return features


@njit_no_alloc
def _encode(
    nominal: Nominal,
    resources: tuple[Floats, Floats, Floats, Floats],
    seen: tuple[Floats, Floats, Floats, Floats],
    state: State,
    layout: Layout,
    high: npt.NDArray[np.float64],
    observation: npt.NDArray[np.float32],
    clipped: Ints,
) -> None:
    seconds, memory, rate, weights = resources
    arrivals, served, busy, carried = seen
    horizon = seconds.shape[1]
    for b in range(len(observation)):
        row = observation[b]
        t = min(state.slot[b], horizon - 1)
        i = 0
        for rho in range(len(nominal.class_requests)):
            arrived = arrivals[b, rho]
            row[i] = arrived / nominal.class_requests[rho]
            row[i + 1] = state.recent[b, rho] / nominal.class_requests[rho]
            row[i + 2] = max(0.0, 1.0 - served[b, rho] / arrived) if arrived > 0.0 else 0.0
            i += 3
        for n in range(len(layout.node)):
            v = layout.node[n]
            elastic = np.isinf(nominal.node_seconds[v])
            row[i] = 0.0 if elastic else busy[b, v] / nominal.node_seconds[v]
            i += 1
            if not layout.hidden:
                row[i] = 1.0 if elastic else seconds[b, t, v] / nominal.node_seconds[v]
                row[i + 1] = memory[b, t, v] / nominal.node_memory[v] if nominal.node_memory[v] > 0.0 else 0.0
                i += 2
        for e in range(len(nominal.link_rate)):
            row[i] = carried[b, e] / (nominal.link_rate[e] * nominal.slot_seconds)
            i += 1
            if not layout.hidden:
                row[i] = rate[b, t, e] / nominal.link_rate[e]
                i += 1
        for k in range(i):  # what follows cannot pass its bounds
            if row[k] > high[k]:
                # Sums may pass a bound of 1 by rounding alone; only what matters is counted.
                clipped[b] += row[k] > high[k] * (1.0 + 1e-6)
                row[k] = high[k]
        i = _encode_residents(nominal, state, layout, b, i, row)
        row[i] = state.slot[b] / horizon
        if layout.preference:
            for w in range(weights.shape[1]):
                row[i + 1 + w] = weights[b, w]


@njit_inline
def _encode_residents(
    nominal: Nominal, state: State, layout: Layout, b: int, i: int, row: npt.NDArray[np.float32]
) -> int:
    for h in range(len(layout.held_node)):
        m = layout.held_model[h]
        s = state.resident[b, layout.held_node[h], m]
        row[i] = 0.0 if s == EMPTY else nominal.segment_end[s]
        i += 1
        if nominal.model_blocks[m] > 1:
            row[i] = 0.0 if s == EMPTY else nominal.segment_begin[s]
            i += 1
    return i
