"""Ski rental for loads: a model is loaded once it would have saved what its load costs.

In every slot, each prefix that a node may hold and does not is credited with what serving would have saved
with it: the supergradient of the gain (`concave_gain.py`) at what is resident, added up along its chain; with
shared capacity it finds what the other classes left. Savings are in the currency of the score, also where the
scenario serves by a tariff of its own. A prefix that was resident starts from nothing when it goes. The gate
is open for a prefix if

    saved x (1 - L / n) >= patience x (missing bytes x price of a byte)    and    n > L

with n the slots in which it saved up and L = patience x (slots that the load takes): as long as a model is on
its way it saves nothing. Without a price and a loading time every prefix may be loaded at once. The price is
that of the score (`optimum/load_prices.py`). The rule is that of A. R. Karlin, M. S. Manasse,
L. Rudolph and D. D. Sleator, Competitive snoopy caching, Algorithmica 3, 1988.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, PRICED, SHARED, TRANSFER, Bools, Draw, Floats, Residents, Tables
from idn_gym.core.geometry import bytes_to_load, covers
from idn_gym.core.pricing import compute_option_costs, option_prices
from idn_gym.objectives import tariff_of
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.dynamic.transfers import seconds_per_byte
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.optimum.option_ranking import allocate_ranking, note_others
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class LoadGateConfig:
    """Condition for loads."""

    patience: float = bounded(1.0, least=0)
    """required saving of a model relative to its load, in price and in time; 0: load at once"""


class LoadGate:
    """Decides which prefixes have repaid their load.

    Attributes:
        items: the I prefixes.
        saved: (B, I) [cost] saving that each prefix would have had since it was last resident.
        slots: (B, I) number of slots in which it was accumulated.
        open: (B, I) whether it may be loaded, or is already held.
    """

    def __init__(self, compiled: Compiled, rows: int, config: LoadGateConfig) -> None:
        self.items, self._compiled, self._patience = list_prefixes(compiled), compiled, config.patience
        tables, items = compiled.tables, self.items
        count, task = len(items.node), tables.model_task[items.model]
        self._task = task
        self._start = tables.start_seconds[items.node, items.model]
        self._pace = np.zeros(count)
        if tables.loading == TRANSFER:
            self._pace = seconds_per_byte(tables)[items.node, task]
        self._layers = [allocate_ranking(tables, items) for _ in range(rows)]
        self._held, self._gradient = np.zeros((2, count))
        self._weights = np.full((rows, len(compiled.objectives)), np.nan)
        self._price = np.zeros((rows, count))
        self._prices = _room_for_prices(tables, rows)
        self.saved, self.slots = np.zeros((2, rows, count))
        self.open = np.full((rows, count), config.patience == 0.0)

    def begin(self, rows: Bools) -> None:
        """Forget what the marked rows have saved up."""
        self.saved[rows], self.slots[rows], self.open[rows] = 0.0, 0.0, self._patience == 0.0
        self._weights[rows] = np.nan

    def update(self, feedback: Feedback) -> None:
        """Credit prefixes with the slot just played."""
        tables, items = self._compiled.tables, self.items
        draw = self._at_score(feedback.revealed.draw)
        for b in range(len(self.saved)):
            resident = feedback.resident[b, items.node, items.model]
            held = covers(tables, resident, items.segment)
            self._held[:] = held
            if tables.capacity == SHARED:
                note_others(tables, feedback.outcome, b, self._layers[b])
            gain_and_gradient(tables, draw, b, 0, items, self._held, self._gradient, self._layers[b])
            self.saved[b] += np.maximum(0.0, self._chain_sums(held)) / tables.nominal_requests
            self.slots[b] += 1.0
            self.saved[b, held], self.slots[b, held] = 0.0, 0.0
            missing = bytes_to_load(tables, items.segment, resident)
            lost = self._patience * (missing * self._pace + self._start) / tables.slot_seconds
            usable = np.maximum(0.0, 1.0 - lost / np.maximum(1.0, self.slots[b]))
            pays = self.saved[b] * usable >= self._patience * missing * self._price[b]
            self.open[b] = held | (pays & (self.slots[b] > lost)) | self._coming(feedback, b)

    def _coming(self, feedback: Feedback, b: int) -> Bools:
        """Return which prefixes are in flight."""
        tables, items = self._compiled.tables, self.items
        if tables.loading != TRANSFER:
            return np.zeros(len(items.node), np.bool_)
        wish: Residents = feedback.after.wish[b, items.node, items.model]
        coming: Bools = covers(tables, wish, items.segment)
        return coming

    def _chain_sums(self, held: Bools) -> Floats:
        """Saving of each prefix (I,) that is not held, with all that it lacks; 0 for the others."""
        saving = np.where(held, 0.0, self._gradient)
        for i in np.flatnonzero(self.items.parent != EMPTY):  # a parent comes before its child
            if not held[i]:
                saving[i] += saving[self.items.parent[i]]
        return saving

    def _at_score(self, draw: Draw) -> Draw:
        """The slot at the prices of the preference, which hold for an episode."""
        compiled = self._compiled
        judged = draw if compiled.tariff is None else draw._replace(**self._prices)
        moved = (self._weights != draw.weights).any(axis=1)
        if compiled.tables.answer_streams:
            moved[:] = True  # with the accuracies in force
        for b in np.flatnonzero(moved):
            weights = self._weights[b] = draw.weights[b]
            self._price[b] = byte_prices(compiled, weights)[self.items.node, self._task]
            if compiled.tariff is not None:
                judged.tariff[b] = tariff_of(weights, compiled.scales, compiled.objectives)
                compute_option_costs(compiled.tables, judged, int(b))
        return judged


def _room_for_prices(tables: Tables, rows: int) -> dict[str, Any]:
    """Fields of `Draw` that follow from the tariff, a row per episode, and the tariff."""
    classes = len(tables.class_task)
    return {
        **option_prices(tables, rows),
        "drop_joules": np.zeros((rows, classes)),
        "drop_cost": np.zeros((rows, classes)),
        "last_choice": np.full((rows, classes), EMPTY, np.int32),
        "tariff": np.zeros((rows, PRICED + tables.node_charge.shape[1])),
    }
