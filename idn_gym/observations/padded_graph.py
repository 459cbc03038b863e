"""The observation `graph` of networks of any size, padded to tables of fixed size, with index arrays."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError
from idn_gym.objective_records import OBJECTIVES
from idn_gym.observations.base import Observations
from idn_gym.observations.further_columns import scenario_columns
from idn_gym.observations.graph_features import global_columns
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.contexts import ContextSizes

_ENDS = {
    "link_source": "nodes",
    "link_target": "nodes",
    "pair_node": "nodes",
    "pair_task": "tasks",
    "pair_model": "models",
}
"""Index arrays, and the rows to which they point."""

_ROWS = {"node_rows": "nodes", "link_rows": "links", "pair_rows": "pairs"}
"""Masks of the existing rows, and their tables."""

PaddedObservation = dict[str, npt.NDArray[Any]]


class PaddedGraph:
    """`Dict` of `nodes`, `links`, `pairs`, `pair_mask` and `globals` as in `graph`, padded with empty rows.

    With `moves` pairs have the columns of `graph-moves` as well.

    Rows beyond those of the network are 0. `node_rows`, `link_rows` and `pair_rows` are 1 for existing rows.
    `link_source`, `link_target`, `pair_node`, `pair_task` and `pair_model` are indices; for rows of padding
    they equal the size of the table they point to, one more than its last index.

    Attributes:
        space: space of the observations.
        sizes: numbers of rows of the tables.
    """

    def __init__(self, compiled: Compiled, sizes: ContextSizes, moves: bool) -> None:
        """Lay out the tables.

        Args:
            compiled: one of the scenarios; all of them have the same columns.
            sizes: upper bounds for all scenarios.
            moves: whether pairs have the columns of `graph-moves`.
        """
        self.sizes, self._moves = sizes, moves
        self._columns = scenario_columns(compiled, moves)
        self._most = {**sizes._asdict(), "models": sizes.pairs}
        boxes: dict[str, gym.spaces.Box] = {}
        for name, features in self._columns.items():
            bounds = np.array([(feature.low, feature.high) for feature in features], np.float32).T
            low, high = np.repeat(bounds[:, None], self._most[name], axis=1)
            boxes[name] = gym.spaces.Box(np.minimum(low, 0.0), high, dtype=np.float32)
        boxes["pair_mask"] = gym.spaces.Box(0.0, 1.0, (sizes.pairs,), np.float32)
        overall = np.array([(f.low, f.high) for f in global_columns(OBJECTIVES)], np.float32).T
        boxes["globals"] = gym.spaces.Box(*overall, dtype=np.float32)
        for name, table in _ROWS.items():
            boxes[name] = gym.spaces.Box(0.0, 1.0, (self._most[table],), np.float32)
        for name, kind in _ENDS.items():
            count = sizes.links if name.startswith("link") else sizes.pairs
            boxes[name] = gym.spaces.Box(0, self._most[kind], (count,), np.int64)
        self.space: gym.spaces.Space[Any] = gym.spaces.Dict(dict(boxes))
        self._boxes = boxes

    def make_rows(self, count: int) -> PaddedObservation:
        """Allocate `count` observations, all of them padding."""
        return {name: np.zeros((count, *box.shape), box.dtype) for name, box in self._boxes.items()}

    def wire(self, padded: PaddedObservation, rows: slice, compiled: Compiled) -> None:
        """Write the part that all observations of a scenario share, masks and indices; the rest becomes 0.

        Args:
            padded: observations, written to.
            rows: those of the scenario.
            compiled: the scenario.

        Raises:
            ConfigError: the scenario does not fit, or has other columns.
        """
        tables, (node, segment) = compiled.tables, compiled.pairs
        model = tables.segment_model[segment]
        source, target = compiled.link_ends.T
        counts = {"nodes": len(tables.node_memory), "links": len(source), "pairs": len(node)}
        if scenario_columns(compiled, self._moves) != self._columns:
            some = "batteries, duty cycles, hidden quality or models that adapt"
            raise ConfigError("context", f"only some of its scenarios have {some}")
        for name, count in counts.items():
            if count > self._most[name]:
                raise ConfigError(
                    "context", f"a scenario has {count} {name}; the observation has {self._most[name]}"
                )
        ends = {
            "link_source": source,
            "link_target": target,
            "pair_node": node,
            "pair_task": tables.model_task[model],
            "pair_model": model,
        }
        for values in padded.values():
            values[rows] = 0
        for name, table in _ROWS.items():
            padded[name][rows, : counts[table]] = 1
        for name, kind in _ENDS.items():
            padded[name][rows] = self._most[kind]
            padded[name][rows, : len(ends[name])] = ends[name]

    def put(self, padded: PaddedObservation, rows: slice, seen: Observations) -> None:
        """Write observations of the codec into rows that are wired for their scenario."""
        assert isinstance(seen, dict)
        for name, values in seen.items():
            padded[name][(rows, *map(slice, values.shape[1:]))] = values

    def describe(self) -> dict[str, Any]:
        """Explain the columns of the tables, the masks and the indices."""
        columns = {
            name: {"rows": self._most[name], "columns": [f._asdict() for f in features]}
            for name, features in self._columns.items()
        }
        ends = {
            name: f"index among the {kind} of the scenario; {self._most[kind]} where there is no row"
            for name, kind in _ENDS.items()
        }
        rows = {name: f"1: the row of {table} is there; 0: padding" for name, table in _ROWS.items()}
        return {
            **columns,
            "pair_mask": "1: the segment alone fits into the memory of the coming slot; nominal where hidden",
            "globals": {"columns": [feature._asdict() for feature in global_columns(OBJECTIVES)]},
            **rows,
            **ends,
        }
