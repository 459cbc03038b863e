"""`offload-adaptive`: every node learns for itself when to run the next blocks and when to pass them up.

A node knows the tables of the scenario, and of every slot that is over what is its own: the batches that
enter at it, its compute seconds, memory, load and wait, the rate and the wait of its link up, and what it
holds. All other information arrives in messages, once per slot and over one hop:

- *down*, a parent tells its children what the rest of a request costs from there on, for every state in which
  they may send it (`Trellis`): one float32 each;
- *up*, a child tells its parent how many requests it is going to send, raw of every task and in every state
  behind a first part; and, of every task, how many are answered at it or below, and what they cost on average
  there, less its hop: one float32 each. A parent that could answer these for less knows that they would come.

So news crosses a tree in as many slots as it has layers. From its messages, a node learns by temporal
differences: its value of a state moves by `step` towards the cheaper of passing up (its hop, with the wait
that it measured, plus the parent's value) and of what it holds (its seconds, with its wait, plus what
follows). What waiting costs it at a load that it does not have is a table by load level, the mean of what it
has measured, and at least that of lower levels; levels that it has never seen cost what the last one below
does, so that it tries them. Then it holds what saves most on what arrives (`NodeChoice`). With a probability
that decays from `explore`, it holds a segment drawn at random first, for a slot.

No charge is in it, since nodes have no batteries; what a node's own energy is worth would be one more cost of
running, in `layer_costs`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, SECOND, Bools, Draw, Floats, Residents
from idn_gym.objectives import known_tariff, tariff_of
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.policies.hierarchical.layer_values import (
    attractive_stages,
    drop_ceiling,
    item_costs,
    layer_costs,
    nominal_values,
    rise,
)
from idn_gym.policies.hierarchical.node_choice import NodeChoice
from idn_gym.policies.hierarchical.node_state import STEPS, Filling, Situation
from idn_gym.policies.hierarchical.trellis import build_trellis, held_stages
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled

NUMBER_BYTES = 4
"""[bytes] of a number in a message: float32."""


@dataclass(frozen=True)
class OffloadAdaptiveConfig:
    """Learning rates, exploration, and the required gain of a move."""

    step: float = bounded(0.3, above=0, most=1)
    """weight of the last slot in values, demand and waits of links"""
    explore: float = bounded(0.02, least=0, most=1)
    """probability at first that a node holds a segment drawn at random"""
    decay: float = bounded(10.0, above=0)
    """[slots] after which this probability is halved; after n slots it is explore / (1 + n / decay)"""
    stay: float = bounded(10.0, above=0)
    """[slots] over which a load has to pay"""
    least: float = bounded(0.01, least=0, below=1)
    """share of its cost that a node's change has to save, or it keeps what it holds"""
    seed: int = bounded(0, least=0)


class OffloadAdaptive(PlacementPolicy):
    """Nodes that learn from their own slots and their neighbours' messages; see the head of the module.

    Attributes:
        trellis: of the scenario.
        value: (B, N, X) [cost] what each node has told its children.
        announced: (B, I) [requests] what children have told, by item of the parent.
        asked: (B, I) [cost] of a request that is answered below, by item of the node that may draw it up.
        wait: (B, N, STEPS) learnt waits by load level, over second moment by first of the work.
        down_bytes: [bytes per slot] of all messages from parents to children.
        up_bytes: [bytes per slot] of all messages from children to parents.
    """

    def __init__(self, compiled: Compiled, rows: int, config: OffloadAdaptiveConfig) -> None:
        tables = compiled.tables
        trellis = self.trellis = build_trellis(tables, below=True)
        self._drawn = np.isin(np.arange(len(trellis.item_node)), trellis.below_at)
        self.config, self._choice = config, NodeChoice(compiled, trellis)
        tariff = known_tariff(None, compiled.scales, compiled.objectives)
        self._usual = nominal_values(compiled, trellis, tariff).value
        self._unused = np.where(attractive_stages(compiled, trellis), 0.0, np.inf)
        nodes, items = len(tables.node_memory), len(trellis.item_node)
        self.value = np.zeros((rows, nodes, len(trellis.state_model)))
        self.announced, self.asked = np.zeros((2, rows, items))
        self.wait = np.zeros((rows, nodes, STEPS))
        self._measured = np.zeros((rows, nodes, STEPS))  # how often
        self._residual = np.zeros((rows, nodes))  # [s] second moment over first, of the work chosen last
        self._demand = np.zeros((rows, len(tables.class_task)))
        self._link_wait = np.zeros((rows, len(tables.link_rate)))
        self._seen = np.zeros(rows, np.int64)
        super().__init__(compiled, rows, config.seed)
        self.begin(np.ones(rows, np.bool_))
        linked = trellis.parent != EMPTY  # (N, K)
        states = np.bincount(trellis.state_task, minlength=linked.shape[1])
        begun = np.bincount(trellis.state_task[trellis.state_cut > 0], minlength=linked.shape[1])
        self.down_bytes = float(NUMBER_BYTES * (linked * states).sum())
        self.up_bytes = float(NUMBER_BYTES * (linked * (3 + begun)).sum())

    @property
    def message_bytes(self) -> float:
        """[bytes per slot] of all messages of an episode."""
        return self.down_bytes + self.up_bytes

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.value[rows] = self._usual
        self._demand[rows] = self.tables.class_requests
        for learnt in (
            self.announced,
            self.asked,
            self.wait,
            self._measured,
            self._residual,
            self._link_wait,
        ):
            learnt[rows] = 0.0
        self._seen[rows] = 0

    def update(self, feedback: Feedback) -> None:
        """Every node learns from the slot just played, chooses, and tells its neighbours."""
        for b in range(self.rows):
            self._note(feedback, b)
            self._decide(feedback, b)
        self._seen += 1

    def _note(self, feedback: Feedback, b: int) -> None:
        """Measurements of each node."""
        outcome, step = feedback.outcome, self.config.step
        self._demand[b] += step * (feedback.revealed.draw.demand[b, 0] - self._demand[b])
        self._link_wait[b] += step * (outcome.link_wait[b] - self._link_wait[b])
        level = np.minimum(outcome.node_utilisation[b] * STEPS, STEPS - 1).astype(np.int64)
        v = np.flatnonzero((self._residual[b] > 0.0) & (outcome.busy[b] > 0.0))
        places = b, v, level[v]
        self._measured[places] += 1.0
        factor = outcome.node_wait[b, v] / self._residual[b, v]
        self.wait[places] += (factor - self.wait[places]) / self._measured[places]

    def _decide(self, feedback: Feedback, b: int) -> None:
        """New segments of each node, and its messages."""
        tables, trellis, draw = self.tables, self.trellis, feedback.revealed.draw
        tariff = tariff_of(draw.weights[b], self.compiled.scales, self.compiled.objectives)
        costs = layer_costs(tables, trellis, draw, b, 0, tariff, self._link_wait[b])
        above = trellis.parent[:, trellis.state_task]
        heard = self.value[b][above, np.arange(above.shape[1])]
        passed = costs.climb + np.where(above == EMPTY, np.inf, heard)
        after = np.where(trellis.stage_end == EMPTY, 0.0, passed[trellis.stage_node, trellis.stage_end])
        total = costs.run + self._unused + after
        flow = self.announced[b].copy()
        np.add.at(flow, trellis.class_item, self._demand[b])
        now = self._situation(b, draw, tariff, flow, passed, total, costs.run_seconds)
        everywhere = np.ones(len(tables.node_memory), np.bool_)
        filling = self._choice.choose(now, everywhere, self.config.least)
        self.wanted[b] = self._try_out(b, filling, now)
        self._learn(feedback, b, float(tariff[SECOND]), passed, total)
        self._announce(b, filling, flow, costs.climb)
        self._residual[b] = self._choice.residual_work(now, filling)

    def _announce(self, b: int, filling: Filling, flow: Floats, climb: Floats) -> None:
        """Tell parents what is going to come, and what is answered here or below."""
        trellis = self.trellis
        everywhere = np.ones(len(trellis.parent), np.bool_)
        self.announced[b] = rise(trellis, filling.share, flow, everywhere)
        raw = np.flatnonzero(trellis.item_state == EMPTY)
        node, task = trellis.item_node[raw], trellis.item_task[raw]
        share = np.bincount(trellis.stage_item, filling.share, len(flow))[raw]
        answered = flow[raw] * np.where(self._drawn[raw], 1.0, share)
        hop = item_costs(trellis, climb, np.full(trellis.parent.shape[1], np.inf))[trellis.raw_at[node, task]]
        target = np.where(
            trellis.parent[node, task] == EMPTY, EMPTY, trellis.below_at[trellis.parent[node, task], task]
        )
        tells = np.flatnonzero((target != EMPTY) & (answered > 0.0) & np.isfinite(hop))
        np.add.at(self.announced[b], target[tells], answered[tells])
        cost = np.zeros(len(flow))
        np.add.at(cost, target[tells], answered[tells] * (filling.cost[raw] - hop)[tells])
        count = np.where(self._drawn, self.announced[b], 0.0)
        self.asked[b] = np.divide(cost, count, out=np.zeros_like(cost), where=count > 0.0)

    def _situation(
        self, b: int, draw: Draw, tariff: Floats, flow: Floats, passed: Floats, total: Floats, seconds: Floats
    ) -> Situation:
        """Information that nodes have when they choose."""
        tables = self.tables
        ceiling = drop_ceiling(tables, draw, b, tariff)
        byte = byte_prices(self.compiled, draw.weights[b])[:, tables.model_task] / self.config.stay
        return Situation(
            flow=flow,
            passed=np.where(self._drawn, self.asked[b], item_costs(self.trellis, passed, ceiling)),
            total=total,
            seconds=seconds,
            memory=draw.memory[b, 0],
            offered=draw.seconds[b, 0],
            wait=np.maximum.accumulate(self.wait[b], axis=1),
            second_cost=float(tariff[SECOND]),
            held=self.wanted[b].copy(),
            load_price=np.where(tables.pinned == EMPTY, byte, 0.0) * tables.nominal_requests,
        )

    def _learn(self, feedback: Feedback, b: int, second_cost: float, passed: Floats, total: Floats) -> None:
        """Move each node's values towards what it has measured, with what it holds."""
        trellis, tables = self.trellis, self.tables
        wait = feedback.outcome.node_wait[b, trellis.stage_node] * second_cost
        waits = np.where(trellis.stage_seconds > 0.0, wait * trellis.state_reach[trellis.stage_start], 0.0)
        held = held_stages(trellis, tables, feedback.resident[b])
        target = passed.copy()
        runs = np.where(held, total + waits, np.inf)
        np.minimum.at(target, (trellis.stage_node, trellis.stage_start), runs)
        value = self.value[b]
        known = np.isfinite(target) & np.isfinite(value)
        value[known] += self.config.step * (target[known] - value[known])
        value[~known] = target[~known]

    def _try_out(self, b: int, filling: Filling, now: Situation) -> Residents:
        """The choice, with a segment drawn at random at nodes that explore, and what fits beside it."""
        found, tables, choice = filling.placement, self.tables, self._choice
        chance = self.config.explore / (1.0 + self._seen[b] / self.config.decay)
        coin, which = self.rng[b].random((2, len(tables.node_memory)))
        for v in np.flatnonzero(coin < chance).tolist():
            mine = np.flatnonzero(choice.node == v)
            if not len(mine):
                continue
            c = mine[int(which[v] * len(mine))]
            wish, found[v] = found[v].copy(), tables.pinned[v]
            wish[choice.model[c]] = choice.segment[c]
            order = [choice.model[c], *np.flatnonzero(wish != tables.pinned[v])]
            room = choice.room(now, found)[v]
            for m in dict.fromkeys(order):
                size = tables.segment_bytes[wish[m]]
                if size <= room:
                    found[v, m] = wish[m]
                    room -= size
        return found
