"""Savings from moving whole models between sites, by a simple rule that knows the next slots' demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.training.play import play_agent
from idn_gym.core.arrays import EMPTY, Bools, Floats, Residents
from idn_gym.evaluation.intervals import Interval, mean_interval, relative_difference
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance

FORESIGHT, STATIC = "next slots known", "best static, in hindsight"

PAST_ONLY = ("cloud-only", "static-greedy", "lru", "lfu", "olag", "infida")

WINDOWS, BONUSES = (1, 2, 3, 4, 6), (0.3, 0.5, 1.0, 1.5)
"""Slots that the rule looks ahead, and requests that a model has the more for being there: of all pairs the
cheapest one of each episode is taken."""


def site_demand(compiled: Compiled, demand: Floats) -> Floats:
    """Requests (T, G, K) at each ingress node for each task, from those of the classes (T, R)."""
    nodes, tasks = len(compiled.names.ingress), len(compiled.names.tasks)
    found = np.zeros((len(demand), nodes, tasks))
    found[:, compiled.class_ingress, compiled.tables.class_task] = demand
    return found


def next_demand_sets(demand: Floats, room: int, window: int, bonus: float) -> Bools:
    """Tasks (T, G, K) that each node holds in each slot: those with most demand in the next `window` slots.

    Args:
        demand: (T, G, K) of `site_demand`.
        room: tasks that a node holds.
        window: slots, the coming one among them.
        bonus: [requests] that tasks which are held have the more.
    """
    slots = len(demand)
    upto = np.concatenate([np.zeros((1, *demand.shape[1:])), np.cumsum(demand, axis=0)])
    ahead = upto[np.minimum(np.arange(slots) + window, slots)] - upto[:slots]
    held = np.zeros(demand.shape, np.bool_)
    before = np.zeros(demand.shape[1:], np.bool_)
    for t in range(slots):
        best = np.argsort(-(ahead[t] + bonus * before), axis=1, kind="stable")[:, :room]
        np.put_along_axis(held[t], best, True, axis=1)
        before = held[t]
    return held


class Saving(NamedTuple):
    """Results of one way to place, over episodes."""

    name: str
    cost: Interval
    """per slot"""
    against_static: Interval
    """what it costs above the best static placement, as a share of that"""


def what_moving_saves(scenario: Scenario, seeds: Sequence[int]) -> tuple[list[Saving], float]:
    """Costs of the rule, of causal policies and of the best placement to keep, loading paid.

    Args:
        scenario: one model per task, all of one size, and all memory at the ingress nodes, as in
            `genai-shift`; so the best static placement holds the most requested tasks of each node.
        seeds: of the test split, at least two.

    Returns:
        One row per way to place, and the share of requests for what the placement to keep does not hold.
    """
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, list(seeds), "test")
    costs: dict[str, list[float]] = {STATIC: [], FORESIGHT: []}
    missed = []
    for b in range(len(seeds)):
        player, demand = SequencePlayer(compiled, instance, b), site_demand(compiled, instance.draw.demand[b])
        room = _room(compiled)

        def played(held: Bools, player: SequencePlayer = player) -> float:
            return float(player.play(_wishes(compiled, held)).mean())

        kept = np.broadcast_to(next_demand_sets(demand, room, len(demand), 0.0)[:1], demand.shape)
        costs[STATIC].append(played(kept))
        missed.append(float(demand[~kept].sum() / demand.sum()))
        rules = [next_demand_sets(demand, room, w, bonus) for w in WINDOWS for bonus in BONUSES]
        costs[FORESIGHT].append(min(played(held) for held in rules))
    found = {name: np.array(values) for name, values in costs.items()}
    found |= {name: -play_agent(name, scenario, seeds).scalar.mean(axis=1) for name in PAST_ONLY}
    rows = [
        Saving(name, mean_interval(cost), relative_difference(cost, found[STATIC]))
        for name, cost in found.items()
    ]
    return rows, float(np.mean(missed))


def _room(compiled: Compiled) -> int:
    """Models that fit at the node with the least memory."""
    tables = compiled.tables
    movable = tables.node_memory[compiled.node_moves]
    return int(movable.min() // tables.segment_bytes.max())


def _wishes(compiled: Compiled, held: Bools) -> Residents:
    """Wishes (T, N, M) of sets of tasks at ingress nodes (T, G, K), each with one model in one block."""
    tables = compiled.tables
    wishes = np.full((len(held), *tables.pinned.shape), EMPTY, tables.pinned.dtype)
    ingress = np.array([compiled.names.nodes.index(name) for name in compiled.names.ingress])
    wishes[:, ingress] = np.where(held, np.argsort(tables.segment_model), EMPTY)
    return wishes
