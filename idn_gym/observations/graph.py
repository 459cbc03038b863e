"""The observation as a graph, for policies that know no scenario: tables of nodes, links and pairs."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Instance, Outcome, State
from idn_gym.core.nominal import passing_requests
from idn_gym.objective_records import OBJECTIVES, TABLE
from idn_gym.objectives import known_tariff, weight_of
from idn_gym.observations.base import Feature, View
from idn_gym.observations.columns import features_of, highs_of
from idn_gym.observations.expected_slot import ExpectedSlots
from idn_gym.observations.forecast import ObservedInputs
from idn_gym.observations.forecast_tables import make_forecast_tables
from idn_gym.observations.graph_features import (
    GRAPH_COLUMNS,
    LinkState,
    NetworkState,
    NodeState,
    PairState,
    Progress,
    constant_columns,
    global_columns,
)
from idn_gym.observations.graph_kernel import GraphBuffers, GraphConstants, write_graph
from idn_gym.scenarios.compile import Compiled


class GraphObserver:
    """`Dict` of `nodes` (N, ·), `links` (E, ·), `pairs` (C, ·), `pair_mask` (C,) and `globals`.

    Pairs are the items of the codec `scores`: segments that may be placed, node by node. The weights of the
    objectives by default are always among the globals, 0 where one is not in force. Who is connected with
    whom never changes and is in `describe`.
    """

    view: ClassVar[View] = "tables"

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
        tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        self._compiled = compiled
        self._expected = ExpectedSlots(compiled, tariff)
        self._forecast = make_forecast_tables(tables, node, segment, tariff)
        self._constants = _constants(compiled)
        self._globals = global_columns(OBJECTIVES)
        rows = {"nodes": len(tables.node_memory), "links": len(tables.link_rate), "pairs": len(node)}
        self._boxes = {name: _box(features, rows[name]) for name, features in GRAPH_COLUMNS.items()}
        self._boxes["pair_mask"] = gym.spaces.Box(0.0, 1.0, (len(node),), np.float32)
        self._boxes["globals"] = _box(self._globals)
        self.space = gym.spaces.Dict(dict(self._boxes))

    def encode(
        self, instance: Instance, state: State, outcome: Outcome
    ) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.int64]]:
        """Write the tables of the coming slot; see `Observer.encode`."""
        batch = len(state.slot)
        out = GraphBuffers(
            np.zeros(batch, np.int64),
            *(np.empty((batch, *box.shape), np.float32) for box in self._boxes.values()),
        )
        expected = self._expected.draw(instance, state)
        seen = self._look(instance, state, outcome)
        write_graph(instance.tables, expected, seen, self._forecast, self._constants, out, 0)
        return dict(zip(self._boxes, out[1:], strict=True)), out.clipped

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as its scenario: kernels would be compiled anew for arrays in another state."""
        return GraphObserver, (self._compiled, False)

    def _look(self, instance: Instance, state: State, outcome: Outcome) -> ObservedInputs:
        """Pick what may be seen, so that the kernel cannot see more."""
        draw, objectives, weights = instance.draw, self._compiled.objectives, instance.draw.weights
        if objectives is not TABLE:
            weights = np.stack([weight_of(name, draw.weights, objectives) for name in OBJECTIVES], axis=1)
        return ObservedInputs(
            state=state,
            over=state.slot / self._compiled.scenario.horizon,
            weights=weights,
            update_weight=weight_of("update", weights),
            arrived=outcome.arrived,
            served=outcome.served,
            started=outcome.started,
            busy=outcome.busy,
            carried=outcome.carried,
            spent=outcome.spent,
            sent=outcome.sent,
        )

    def describe(self) -> dict[str, Any]:
        """Columns of every table, names of its rows, and who is connected with whom, as plain lists."""
        names, tables = self._compiled.names, self._compiled.tables
        node, segment = self._compiled.pairs
        model = tables.segment_model[segment]
        source, target = self._compiled.link_ends.T.tolist()
        pairs = zip(node, segment, strict=True)
        paths = [tables.path_start[p : p + 2] for p in tables.class_path]
        return {
            "nodes": {"rows": list(names.nodes), "columns": _plain(GRAPH_COLUMNS["nodes"])},
            "links": {
                "rows": list(names.links),
                "columns": _plain(GRAPH_COLUMNS["links"]),
                "source": source,
                "target": target,
            },
            "pairs": {
                "rows": [f"{names.nodes[v]}: {names.segments[s]}" for v, s in pairs],
                "columns": _plain(GRAPH_COLUMNS["pairs"]),
                "node": node.tolist(),
                "segment": segment.tolist(),
                "model": model.tolist(),
                "task": tables.model_task[model].tolist(),
            },
            "pair_mask": "1: the segment alone fits into the memory of the coming slot; nominal where hidden",
            "globals": {"columns": _plain(self._globals)},
            "classes": {
                "rows": list(names.classes),
                "task": tables.class_task.tolist(),
                "path": [tables.path_node[first:last].tolist() for first, last in paths],
            },
        }


def _constants(compiled: Compiled) -> GraphConstants:
    tables = compiled.tables
    nodes, links, pairs = constant_columns(compiled, *compiled.pairs)
    task_passing = passing_requests(tables)
    arrived, recent, dropped, started, most, most_rate = np.zeros((6, len(tables.node_memory)))
    price = tables.nominal_requests / tables.nominal_memory / compiled.scenario.scales.update
    return GraphConstants(
        nodes=nodes,
        links=links,
        pairs=pairs,
        node_high=highs_of(features_of(NodeState)),
        link_high=highs_of(features_of(LinkState)),
        pair_high=highs_of(features_of(PairState)),
        progress_high=highs_of(features_of(Progress)),
        network_high=highs_of(features_of(NetworkState)),
        passing=task_passing.sum(1),
        task_passing=task_passing,
        load_price=price,
        arrived=arrived,
        recent=recent,
        dropped=dropped,
        started=started,
        task_recent=np.zeros_like(task_passing),
        task_most=np.zeros_like(task_passing),
        most=most,
        most_rate=most_rate,
    )


def _box(features: tuple[Feature, ...], rows: int | None = None) -> gym.spaces.Box:
    bounds = np.array([(feature.low, feature.high) for feature in features], np.float32)
    low, high = bounds.T if rows is None else np.repeat(bounds.T[:, None], rows, axis=1)
    return gym.spaces.Box(low, high, dtype=np.float32)


def _plain(features: tuple[Feature, ...]) -> list[dict[str, Any]]:
    return [{"index": i, **feature._asdict()} for i, feature in enumerate(features)]
