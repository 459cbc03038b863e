"""The observation as a graph, for policies that know no scenario: tables of nodes, links and pairs."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Instance, Outcome, State
from idn_gym.objectives import OBJECTIVES, TABLE, charged, weight_of
from idn_gym.observations.base import Feature
from idn_gym.observations.forecast_tables import Known, make_prospects
from idn_gym.observations.graph_features import (
    GLOBALS,
    LINK_CONSTANTS,
    LINK_STATE,
    NODE_CONSTANTS,
    NODE_STATE,
    PAIR_CONSTANTS,
    PAIR_STATE,
    make_constants,
    passing,
)
from idn_gym.observations.graph_kernel import Ground, Seen, Sheets, write_graph
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.strict import ConfigError

COLUMNS: dict[str, tuple[Feature, ...]] = {
    "nodes": NODE_CONSTANTS + NODE_STATE,
    "links": LINK_CONSTANTS + LINK_STATE,
    "pairs": PAIR_CONSTANTS + PAIR_STATE,
}


class Graph:
    """`Dict` of `nodes` (N, ·), `links` (E, ·), `pairs` (C, ·), `pair_mask` (C,) and `globals`.

    Pairs are the items of the codec `scores`: segments that may be placed, node by node. The weights of the
    objectives that ship are always among the globals, 0 where one is not in force. Who is connected with
    whom never changes and is in `describe`.
    """

    def __init__(self, compiled: Compiled, preference: bool) -> None:
        """Lay out the tables.

        Args:
            compiled: the scenario.
            preference: has no influence; the number of globals is always the same.

        Raises:
            ConfigError: no node has memory for any segment.
        """
        tables = compiled.tables
        node, segment = compiled.pairs
        if not len(node):
            raise ConfigError("observation", "'graph' is not allowed; no node has memory for any segment")
        for objective in charged(compiled.objectives):
            raise ConfigError(
                "observation",
                f"'graph' is not allowed with the objective {objective.name!r}; its forecast leaves it out",
            )
        self._compiled = compiled
        self._prospects = make_prospects(tables, node, segment)
        task_passing = passing(tables)
        self._ground = Ground(
            *make_constants(compiled, node, segment),
            pair_segment=segment,
            class_requests=tables.class_requests,
            node_seconds=tables.node_seconds,
            node_memory=tables.node_memory,
            node_reserved=tables.node_reserved,
            link_rate=tables.link_rate,
            segment_model=tables.segment_model,
            segment_bytes=tables.segment_bytes,
            block_bytes=tables.block_bytes,
            pinned=tables.pinned,
            passing=task_passing.sum(1),
            task_passing=task_passing,
            nominal_requests=tables.nominal_requests,
            load_price=1.0 / tables.nominal_memory / compiled.scenario.scales.update,
            sums=np.zeros((4, len(tables.node_memory))),
            task_recent=np.zeros_like(task_passing),
            task_most=np.zeros_like(task_passing),
            most=np.zeros(len(tables.node_memory)),
            most_rate=np.zeros(len(tables.node_memory)),
            high=(_highs(NODE_STATE), _highs(LINK_STATE), _highs(PAIR_STATE), _highs(GLOBALS)),
        )
        rows = {"nodes": len(tables.node_memory), "links": len(tables.link_rate), "pairs": len(node)}
        self._boxes = {name: _box(features, rows[name]) for name, features in COLUMNS.items()}
        self._boxes["pair_mask"] = gym.spaces.Box(0.0, 1.0, (len(node),), np.float32)
        self._boxes["globals"] = _box(GLOBALS)
        self.space = gym.spaces.Dict(dict(self._boxes))

    def encode(
        self, instance: Instance, state: State, outcome: Outcome
    ) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.int64]]:
        """Write the tables of the coming slot; see `Observer.encode`."""
        batch = len(state.slot)
        sheets = Sheets(
            np.zeros(batch, np.int64),
            *(np.empty((batch, *box.shape), np.float32) for box in self._boxes.values()),
        )
        known, seen = self._look(instance, state, outcome)
        write_graph(self._prospects, self._ground, known, seen, sheets)
        return dict(zip(self._boxes, sheets[1:], strict=True)), sheets.clipped

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as its scenario: kernels would be compiled anew for arrays in another state."""
        return Graph, (self._compiled, False)

    def _look(self, instance: Instance, state: State, outcome: Outcome) -> tuple[Known, Seen]:
        """Copy out what may be seen, so that the kernel cannot see more."""
        draw, tables = instance.draw, instance.tables
        batch, horizon = len(state.slot), draw.seconds.shape[1]
        rows, slot = np.arange(batch), np.minimum(state.slot, horizon - 1)
        if self._compiled.scenario.resources == "hidden":
            seconds, memory, rate = (
                np.repeat(nominal[None], batch, 0)
                for nominal in (tables.node_seconds, tables.node_memory, tables.link_rate)
            )
        else:
            seconds, memory, rate = (field[rows, slot] for field in (draw.seconds, draw.memory, draw.rate))
        known = Known(
            recent=state.recent,
            resident=state.resident,
            seconds=seconds,
            rate=rate,
            tariff=draw.tariff,
            busy=outcome.busy,
            carried=outcome.carried,
            spent=outcome.spent,
            sent=outcome.sent,
        )
        weights, objectives = draw.weights, self._compiled.objectives
        if objectives is not TABLE:
            weights = np.stack([weight_of(name, weights, objectives) for name in OBJECTIVES], axis=1)
        seen = Seen(
            memory=memory,
            weights=weights,
            update_weight=weight_of("update", weights),
            over=state.slot / horizon,
            arrived=outcome.arrived,
            served=outcome.served,
            started=outcome.started,
        )
        return known, seen

    def describe(self) -> dict[str, Any]:
        """Columns of every table, names of its rows, and who is connected with whom, as plain lists."""
        names, tables = self._compiled.names, self._compiled.tables
        node, segment = self._prospects.pair_node, self._ground.pair_segment
        model = tables.segment_model[segment]
        ends = [(link.source, link.target) for link in expand(self._compiled.scenario.topology).links]
        pairs = zip(node, segment, strict=True)
        paths = [tables.path_start[p : p + 2] for p in tables.class_path]
        return {
            "nodes": {"rows": list(names.nodes), "columns": _plain(COLUMNS["nodes"])},
            "links": {
                "rows": list(names.links),
                "columns": _plain(COLUMNS["links"]),
                "source": [names.nodes.index(source) for source, _ in ends],
                "target": [names.nodes.index(target) for _, target in ends],
            },
            "pairs": {
                "rows": [f"{names.nodes[v]}: {names.segments[s]}" for v, s in pairs],
                "columns": _plain(COLUMNS["pairs"]),
                "node": node.tolist(),
                "segment": segment.tolist(),
                "model": model.tolist(),
                "task": tables.model_task[model].tolist(),
            },
            "pair_mask": "1: the segment alone fits into the memory of the coming slot; nominal where hidden",
            "globals": {"columns": _plain(GLOBALS)},
            "classes": {
                "rows": list(names.classes),
                "task": tables.class_task.tolist(),
                "path": [tables.path_node[first:last].tolist() for first, last in paths],
            },
        }


def _box(features: tuple[Feature, ...], rows: int | None = None) -> gym.spaces.Box:
    bounds = np.array([(feature.low, feature.high) for feature in features], np.float32)
    low, high = bounds.T if rows is None else np.repeat(bounds.T[:, None], rows, axis=1)
    return gym.spaces.Box(low, high, dtype=np.float32)


def _highs(features: tuple[Feature, ...]) -> Floats:
    return np.array([feature.high for feature in features], float)


def _plain(features: tuple[Feature, ...]) -> list[dict[str, Any]]:
    return [{"index": i, **feature._asdict()} for i, feature in enumerate(features)]
