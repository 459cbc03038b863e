"""Planners that take their gains from serving itself: what others hold and use, queues and drops are in it.

Their namesakes (`window`, `olag`, `clairvoyant`) value prefixes by the tariff, some as if each class had all
nodes and links to itself. Here a load is worth what the score of the environment is better with it than
without, in slots that are served with all classes together (`SlotSearch`), loads at the price that the score
charges. Where serving says that nothing more saves anything, memory stays empty; where a new plan saves less
than the share `least` of the cost, nothing moves. All segments may be loaded, not prefixes alone.

`olag-shared`: the counters of OLAG are requests that reached a node, less what it serves by what it has
chosen. Here requests are served instead of counted: after each period the nodes take turns, those that most
requests reached first. A node serves the period's slots again, with all else where it is by then, and loads
what saves most per byte that it adds, with and without, until nothing that fits saves anything. A node that
no request reached keeps what it holds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Instance, Ints, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.slots import MOVING, one_row
from idn_gym.objectives import known_tariff
from idn_gym.optimum.dynamic.candidates import cut_slots
from idn_gym.optimum.search.slot_search import SlotSearch
from idn_gym.optimum.static import cheapest_kept
from idn_gym.policies.online.learner import Clock, PlacementPolicy
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class SharedWindowConfig:
    """Length of the window, interval of plans, and the required gain of a move."""

    window: int = bounded(10, least=1)
    """slots"""
    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    per_byte: bool = True
    """greedy by saving per byte; false: by saving"""
    stay: float = bounded(10.0, above=0)
    """[slots] over which a load has to repay its price"""
    least: float = bounded(0.01, least=0, below=1)
    """share of the cost that a new placement has to save; otherwise the placement is kept"""


@dataclass(frozen=True)
class SharedClairvoyantConfig:
    """Look-ahead, interval of plans, and the required gain of a move."""

    window: int = bounded(1, least=1)
    """slots, the coming one first"""
    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    per_byte: bool = True
    """greedy by saving per byte; false: by saving"""
    stay: float = bounded(10.0, above=0)
    """[slots] over which a load has to pay; no longer than the rest of the episode"""
    least: float = bounded(0.01, least=0, below=1)
    """share of the cost that a new placement has to save, or nothing moves"""


@dataclass(frozen=True)
class SharedOlagConfig:
    """Interval of plans, and the required gain of a move."""

    refresh: int = bounded(1, least=1)
    """slots of a period, between two placements"""
    stay: float = bounded(10.0, above=0)
    """[slots] over which a load has to pay"""
    least: float = bounded(0.01, least=0, below=1)
    """share of the cost that a node's new choice has to save, or it keeps what it holds"""


@dataclass(frozen=True)
class SharedSingleConfig:
    """Interval of plans."""

    refresh: int = bounded(1, least=1)
    """slots between two placements"""


@dataclass(frozen=True)
class SharedStaticConfig:
    """The greedy for a whole episode."""

    per_byte: bool = True
    """greedy by saving per byte; false: by saving"""


class SharedPlanner(PlacementPolicy):
    """Base: one search for all rows, and the last slots of the episode of each.

    Attributes:
        search: stands on the slots that were looked at last.
    """

    def __init__(self, compiled: Compiled, rows: int, window: int, refresh: int) -> None:
        super().__init__(compiled, rows)
        self.search = SlotSearch(compiled, slot_to_set_up(compiled))
        self.clock = Clock(rows, refresh, False)
        self._past: deque[Instance] = deque(maxlen=window)
        self._seen = np.zeros(rows, np.int64)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self._seen[rows] = 0

    def update(self, feedback: Feedback) -> None:
        """Remember the slot just played; plan where that is due."""
        self._past.append(feedback.revealed)
        self._seen += 1
        self.note(feedback)
        for b in np.flatnonzero(self.clock.tick()).tolist():
            slots = list(self._past)[-int(self._seen[b]) :]
            self.wanted[b] = self.choose(b, one_row(_joined(slots), b))

    def note(self, feedback: Feedback) -> None:
        """Count what a plan needs of every slot."""

    def choose(self, b: int, past: Instance) -> Residents:
        """The placement (N, M) for row b, planned on its last slots, an instance of one row."""
        raise NotImplementedError


class SharedWindowGreedy(SharedPlanner):
    """Greedy on the last slots."""

    def __init__(self, compiled: Compiled, rows: int, config: SharedWindowConfig) -> None:
        super().__init__(compiled, rows, config.window, config.refresh)
        self.config = config

    def choose(self, b: int, past: Instance) -> Residents:
        return _greedy(self.search, past, self.wanted[b], self.config, self.config.stay)


class SharedOlag(SharedPlanner):
    """Nodes take turns and load what would have served the last period; see the head of the module.

    Attributes:
        reached: (B, N) [requests] that reached each node in this period.
    """

    def __init__(self, compiled: Compiled, rows: int, config: SharedOlagConfig) -> None:
        super().__init__(compiled, rows, config.refresh, config.refresh)
        self.config = config
        self._reach = RequestsPerNode(self.tables)
        self.reached = np.zeros((rows, len(self.tables.node_memory)))
        items = self.search.items
        self._mine = {v: [[item] for item in items if item[0] == v] for v, _ in items}

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.reached[rows] = 0.0

    def note(self, feedback: Feedback) -> None:
        for b in range(self.rows):
            np.add.at(self.reached[b], self._reach.node, self._reach.measure(feedback.outcome, b))

    def choose(self, b: int, past: Instance) -> Residents:
        search, pinned = self.search, self.tables.pinned
        search.look_at(past, self.wanted[b], self.config.stay)
        for v in np.argsort(-self.reached[b], kind="stable").tolist():
            if self.reached[b, v] > 0.0 and v in self._mine:
                cleared = search.placement.copy()
                cleared[v] = pinned[v]
                search.replan(cleared, self._mine[v], self.config.least)
        self.reached[b] = 0.0
        return search.placement.copy()


class SharedBestSingle(SharedPlanner):
    """Each node holds the one segment that would have saved most so far beside what the others held.

    What is not held has its load to pay, once, out of what it would have saved.

    Attributes:
        saved: (B, I) [cost] by each item of the search, over the slots of the episode.
    """

    def __init__(self, compiled: Compiled, rows: int, config: SharedSingleConfig) -> None:
        super().__init__(compiled, rows, 1, config.refresh)
        self.saved = np.zeros((rows, len(self.search.items)))
        self._node: Ints = np.array([v for v, _ in self.search.items], np.int64)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.saved[rows] = 0.0

    def note(self, feedback: Feedback) -> None:
        search = self.search
        for b in range(self.rows):
            search.look_at(one_row(feedback.revealed, b), self.tables.pinned, np.inf)
            for v in np.unique(self._node).tolist():
                others = self.wanted[b].copy()
                others[v] = self.tables.pinned[v]
                search.start(others)
                for i in np.flatnonzero(self._node == v).tolist():
                    self.saved[b, i] += search.gain(search.load(*search.items[i]))[0]

    def choose(self, b: int, past: Instance) -> Residents:
        search, placement = self.search, self.tables.pinned.copy()
        search.look_at(past, self.wanted[b], 1.0)
        worth = self.saved[b] - [search.load_price(v, s) for v, s in search.items]
        for v in np.unique(self._node).tolist():
            mine = np.flatnonzero(self._node == v)
            best = mine[np.argmax(worth[mine])]
            if worth[best] > 0.0:
                s = search.items[best][1]
                placement[v, self.tables.segment_model[s]] = s
        return placement


class SharedStaticGreedy(PlacementPolicy):
    """The greedy placement for the whole episode, all of its slots served, never changed."""

    def __init__(self, compiled: Compiled, rows: int, config: SharedStaticConfig, episodes: Instance) -> None:
        super().__init__(compiled, rows)
        self._placed = np.stack([_kept(compiled, one_row(episodes, b), config) for b in range(rows)])

    def begin(self, rows: Bools) -> None:
        self.wanted[rows] = self._placed[rows]


class SharedClairvoyantGreedy(PlacementPolicy):
    """Greedy on the slots that are about to be played."""

    def __init__(
        self, compiled: Compiled, rows: int, config: SharedClairvoyantConfig, episodes: Instance
    ) -> None:
        super().__init__(compiled, rows)
        self.config, self._episodes = config, episodes
        self.search = SlotSearch(compiled, slot_to_set_up(compiled))

    def plan(self) -> None:
        last = self._episodes.draw.demand.shape[1]
        for b in self.due(self.config.refresh, last):
            t = int(self.slot[b])
            coming = cut_slots(one_row(self._episodes, b), t, t + self.config.window)
            stay = min(self.config.stay, last - t)
            self.wanted[b] = _greedy(self.search, coming, self.wanted[b], self.config, stay)


def _greedy(
    search: SlotSearch,
    slots: Instance,
    held: Residents,
    config: SharedWindowConfig | SharedClairvoyantConfig,
    stay: float,
) -> Residents:
    """The greedy placement (N, M) for all slots of an instance of one row, or what is held."""
    search.look_at(slots, held, stay)
    search.replan(search.tables.pinned, search.everything, config.least, config.per_byte)
    return search.placement.copy()


def _kept(compiled: Compiled, row: Instance, config: SharedStaticConfig) -> Residents:
    """The greedy placement (N, M) for a whole row, or nothing where its loads cost more than it saves."""
    search = SlotSearch(compiled, row)
    search.replan(search.tables.pinned, search.everything, per_byte=config.per_byte)
    return cheapest_kept(row, compiled.scales, [search.placement], compiled.objectives)


def slot_to_set_up(compiled: Compiled) -> Instance:
    """A slot to set a search up with."""
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    draw = nominal_draw(compiled.tables, tariff)
    return Instance(compiled.tables, draw._replace(weights=np.zeros((1, len(compiled.objectives)))))


def _joined(slots: list[Instance]) -> Instance:
    """One instance of slots that follow each other; what does not move is that of the last."""
    last, draws = slots[-1], [slot.draw._asdict() for slot in slots]
    moving = {name: np.concatenate([draw[name] for draw in draws], axis=1) for name in MOVING}
    return Instance(last.tables, last.draw._replace(**moving))
