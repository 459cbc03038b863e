"""What an index policy looks at: a few numbers per pair (node, segment), the same in every network.

Demand is counted where it passes: a node sees the requests of a task of all classes whose routes cross it,
over what passes there of a task at nominal demand, on average. So weights that were found in one network
can be read in another one.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import TRANSFER, Bools, Floats, State
from idn_gym.core.geometry import nominal_free_bytes, whole_models
from idn_gym.core.nominal import ingress_nodes, passed_nodes, passing_requests
from idn_gym.optimum.dynamic.transfers import seconds_per_byte
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled

INDEX_FEATURES = (
    "one",
    "last demand",
    "smoothed demand",
    "held",
    "held, last demand",
    "held, smoothed demand",
    "size",
    "saving",
    "part",
    "part, last demand",
    "part, smoothed demand",
    "site",
    "site, smoothed demand",
    "load time",
    "saving, smoothed demand",
)
"""Names of the features, in the order of the weights."""


class IndexFeatures:
    """The features of B episodes side by side, pair by pair as in the codec `scores`."""

    def __init__(self, compiled: Compiled, rows: int) -> None:
        tables = self._tables = compiled.tables
        self._node, self._segment = compiled.pairs
        self._model = tables.segment_model[self._segment]
        task = tables.model_task[self._model]
        tasks = len(tables.task_model) - 1
        self._place = self._node * tasks + task
        rho, node = passed_nodes(tables)
        target = node * tasks + tables.class_task[rho]
        order = np.argsort(target, kind="stable")
        self._passing, self._first = (
            rho[order],
            np.searchsorted(target[order], np.arange(len(tables.node_memory) * tasks)),
        )
        self._present = np.bincount(target, minlength=len(tables.node_memory) * tasks) > 0
        mean = passing_requests(tables).mean(1)
        self._unit = np.where(mean > 0.0, mean, 1.0).repeat(tasks)
        self._steady = self._constants()
        self._demand = np.zeros((2, rows, len(self._node)))
        self._held = np.zeros((rows, len(self._node)))
        self.begin(np.ones(rows, np.bool_))

    def begin(self, rows: Bools) -> None:
        """Forget what the marked rows (B,) have seen: nominal demand is expected, and nothing is held."""
        self._demand[:, rows] = self._pass(self._tables.class_requests[None])[0]
        self._held[rows] = 0.0

    def see(self, feedback: Feedback) -> None:
        """Take note of a slot that is over."""
        after = feedback.after
        self._demand[0] = self._pass(feedback.outcome.arrived)
        self._demand[1] = self._pass(after.recent)
        self._held[:] = self._holds(after)

    def score(self, weights: Floats) -> Floats:
        """Weighted sums of the features (B, I).

        Args:
            weights: (B, 15), or (1, 15) for all rows, in the order of `INDEX_FEATURES`.
        """
        size, saving, part, site, load = self._steady
        last, smoothed = self._demand
        held, one = self._held, np.ones_like(size)
        columns = (
            *(one, last, smoothed, held, held * last, held * smoothed, size, saving),
            *(part, part * last, part * smoothed, site, site * smoothed),
            *(load * (1.0 - held), saving * smoothed),
        )
        total = np.zeros_like(held)
        for weight, column in zip(weights.T[:, :, None], columns, strict=True):
            total += weight * column
        return total

    def _pass(self, requests: Floats) -> Floats:
        """log(1 + requests that pass the node over the nominal mean) of each pair (B, I)."""
        padded = np.concatenate([requests[:, self._passing], np.zeros((len(requests), 1))], axis=1)
        passing = np.where(self._present, np.add.reduceat(padded, self._first, axis=1), 0.0)
        found: Floats = np.log1p(passing / self._unit)[:, self._place]
        return found

    def _holds(self, state: State) -> Floats:
        """1 for pairs (B, I) that are there or on their way."""
        held = state.resident[:, self._node, self._model] == self._segment
        if self._tables.loading == TRANSFER:
            held |= state.wish[:, self._node, self._model] == self._segment
        return held.astype(float)

    def _constants(self) -> Floats:
        """(5, I): size in free memory, saving, whether it is a part, whether at a site, slots of a load."""
        tables, node, segment = self._tables, self._node, self._segment
        size = tables.segment_bytes[segment]
        saving = tables.segment_value[node, segment] * size
        best = np.zeros(len(tables.node_memory))
        np.maximum.at(best, node, saving)
        free = nominal_free_bytes(tables)[node]
        return np.stack(
            [
                size / np.where(free > 0.0, free, 1.0),
                saving / np.where(best > 0.0, best, 1.0)[node],
                ~whole_models(tables)[segment],
                np.isin(node, ingress_nodes(tables)),
                np.log1p(size * seconds_per_byte(tables).reshape(-1)[self._place] / tables.slot_seconds),
            ]
        ).astype(float)
