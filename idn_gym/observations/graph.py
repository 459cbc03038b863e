"""The observation as a graph, for policies that fit every scenario: tables of nodes, links and pairs."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Instance, Outcome, State
from idn_gym.core.handover import Programme
from idn_gym.core.nominal import passing_requests
from idn_gym.core.workspace import Scratch, make_scratch
from idn_gym.objective_records import OBJECTIVES
from idn_gym.objectives import known_tariff
from idn_gym.observations.base import Feature, View
from idn_gym.observations.columns import features_of, highs_of
from idn_gym.observations.expected_slot import make_expected, sight_of
from idn_gym.observations.forecast_lists import ForecastLists, make_lists
from idn_gym.observations.forecast_tables import make_forecast_tables, options_by_cost
from idn_gym.observations.further_columns import LinkAirtime, NodeCharge, scenario_columns
from idn_gym.observations.graph_answers import list_answers
from idn_gym.observations.graph_features import (
    GRAPH_COLUMNS,
    LinkConstants,
    LinkState,
    NetworkState,
    NodeConstants,
    NodeState,
    PairConstants,
    PairDemand,
    PairForecast,
    PairHolding,
    PairLoading,
    Progress,
    constant_columns,
    global_columns,
)
from idn_gym.observations.graph_kernel import encode_graph
from idn_gym.observations.graph_tables import GraphClips, GraphConstants, GraphMemory, GraphTables
from idn_gym.scenarios.compile import Compiled


class KeptRows(NamedTuple):
    """State of B rows that is kept from slot to slot; each part stores the conditions it was made for."""

    tables: GraphTables
    memory: GraphMemory
    lists: ForecastLists
    scratch: Scratch


class GraphRoom(NamedTuple):
    """Arrays that a stage writes."""

    kept: KeptRows
    clips: GraphClips


class GraphObserver:
    """`Dict` of `nodes` (N, ·), `links` (E, ·), `pairs` (C, ·), `pair_mask` (C,) and `globals`.

    Where a scenario has batteries or duty cycles, nodes and links have columns for them. Pairs are the items
    of the codec `scores`: segments that may be placed, node by node. The weights of the default objectives
    are always among the globals, 0 where one is not in force. The connections never change; `describe` lists
    them.
    """

    view: ClassVar[View] = "tables"
    moves: ClassVar[bool] = False
    """whether pairs have the columns of `PairMove`"""

    def __init__(self, compiled: Compiled, preference: bool) -> None:
        """Lay out the tables.

        Args:
            compiled: the scenario.
            preference: ignored; the number of globals is always the same.

        Raises:
            ConfigError: no node has memory for any segment.
        """
        tables = compiled.tables
        node, segment = compiled.pairs
        if not len(node):
            raise ConfigError("observation", "'graph' is not allowed; no node has memory for any segment")
        tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        self._compiled = compiled
        self._expected, self._sight = make_expected(tables, tariff), sight_of(compiled)
        self._forecast = make_forecast_tables(tables, node, segment)
        self._order = options_by_cost(tables, tariff)
        self._constants, self._columns = _constants(compiled), constant_columns(compiled, node, segment)
        self._answers = list_answers(compiled)
        self._kept: KeptRows | None = None
        self._globals = global_columns(OBJECTIVES)
        rows = {"nodes": len(tables.node_memory), "links": len(tables.link_rate), "pairs": len(node)}
        self._features = scenario_columns(compiled, self.moves)
        self._boxes = {name: _box(features, rows[name]) for name, features in self._features.items()}
        self._boxes["pair_mask"] = gym.spaces.Box(0.0, 1.0, (len(node),), np.float32)
        self._boxes["globals"] = _box(self._globals)
        self.space = gym.spaces.Dict(dict(self._boxes))

    def encode(
        self, instance: Instance, state: State, outcome: Outcome
    ) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.int64]]:
        """Write the tables of the coming slot; see `Observer.encode`."""
        clips = GraphClips(np.zeros(len(state.slot), np.int64))
        room = GraphRoom(self._make_rows(len(state.slot)), clips)
        programme = Programme()
        self.join(programme, instance, state, outcome, room)
        programme.play()
        return self._seen(room), clips.clipped

    def make_room(
        self, clipped: npt.NDArray[np.int64]
    ) -> tuple[GraphRoom, dict[str, npt.NDArray[np.float32]]]:
        """Allocate as many observations as `clipped` has rows; allocations of one size share the kept state.

        The two programs that play an environment in turn therefore write the same tables, which hold the
        observations of the last slot only.
        """
        if self._kept is None or len(self._kept.tables.nodes) != len(clipped):
            self._kept = self._make_rows(len(clipped))
        room = GraphRoom(self._kept, GraphClips(clipped))
        return room, self._seen(room)

    def _make_rows(self, rows: int) -> KeptRows:
        """Tables in which only the constants are written."""
        tables = self._compiled.tables
        made = {name: np.zeros((rows, *box.shape), np.float32) for name, box in self._boxes.items()}
        for name, columns in zip(GRAPH_COLUMNS, self._columns, strict=True):
            made[name][:, :, : columns.shape[1]] = columns
        nodes, pairs = (rows, len(tables.node_memory)), made["pair_mask"].shape
        return KeptRows(
            tables=GraphTables(*made.values()),
            memory=GraphMemory(
                taken=np.zeros(nodes),
                loading=np.zeros(nodes, np.bool_),
                missing=np.zeros(pairs),
                forecast=np.zeros(pairs, np.bool_),
            ),
            lists=make_lists(tables, rows, self._order),
            scratch=make_scratch(tables, rows),
        )

    def _seen(self, room: GraphRoom) -> dict[str, npt.NDArray[np.float32]]:
        return dict(zip(self._boxes, room.kept.tables, strict=True))

    def join(
        self, programme: Programme, instance: Instance, state: State, outcome: Outcome, room: GraphRoom
    ) -> None:
        """Add the observation to a program; arguments as in `encode`, read when it runs."""
        (tables, memory, lists, scratch), clips = room
        known = self._expected, self._sight, self._forecast, lists, scratch, self._constants
        programme.add(encode_graph, *instance, state, outcome, *known, tables, memory, clips, self._answers)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as its scenario; kernels would be compiled again for arrays with other flags."""
        return type(self), (self._compiled, False)

    def describe(self) -> dict[str, Any]:
        """Columns of every table, names of its rows, and the connections, as plain lists."""
        names, tables = self._compiled.names, self._compiled.tables
        node, segment = self._compiled.pairs
        model = tables.segment_model[segment]
        source, target = self._compiled.link_ends.T.tolist()
        pairs = zip(node, segment, strict=True)
        paths = [tables.path_start[p : p + 2] for p in tables.class_path]
        return {
            "nodes": {"rows": list(names.nodes), "columns": _plain(self._features["nodes"])},
            "links": {
                "rows": list(names.links),
                "columns": _plain(self._features["links"]),
                "source": source,
                "target": target,
            },
            "pairs": {
                "rows": [f"{names.nodes[v]}: {names.segments[s]}" for v, s in pairs],
                "columns": _plain(self._features["pairs"]),
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
    task_passing = passing_requests(tables)
    arrived, recent, dropped, started, most, most_rate = np.zeros((6, len(tables.node_memory)))
    price = tables.nominal_requests / tables.nominal_memory / compiled.scenario.scales.update
    return GraphConstants(
        first_node=len(features_of(NodeConstants)),
        first_link=len(features_of(LinkConstants)),
        first_charge=len(GRAPH_COLUMNS["nodes"]),
        first_airtime=len(GRAPH_COLUMNS["links"]),
        first_pair=len(features_of(PairConstants)),
        node_high=highs_of(features_of(NodeState)),
        link_high=highs_of(features_of(LinkState)),
        holding_high=highs_of(features_of(PairHolding)),
        demand_high=highs_of(features_of(PairDemand)),
        forecast_high=highs_of(features_of(PairForecast)),
        loading_high=highs_of(features_of(PairLoading)),
        progress_high=highs_of(features_of(Progress)),
        charge_high=highs_of(features_of(NodeCharge)),
        airtime_high=highs_of(features_of(LinkAirtime)),
        network_high=highs_of(features_of(NetworkState)),
        passing=task_passing.sum(1),
        task_passing=task_passing,
        load_price=price,
        update=OBJECTIVES.index("update"),
        arrived=arrived,
        recent=recent,
        dropped=dropped,
        started=started,
        task_batch=np.zeros_like(task_passing),
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
