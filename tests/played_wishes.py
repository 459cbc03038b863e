"""Sequences of wishes that bounds are held against, as the core plays them, and a board beside the cloud."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.rewards import compute_rewards


def board_and_cloud(memory):
    """Nodes of the smallest network: one board of so many bytes where requests enter, and a repository."""
    board = {"demand": 1.0, "memory": memory}
    return {"board": board, "cloud": {"device": "fast", "servers": float("inf"), "pins": ["all"]}}


def random_wishes(compiled, rng):
    """Wishes (T, N, M) of segments that may be placed; most are kept for a while."""
    tables, stay = compiled.tables, rng.uniform(0.0, 1.0)
    wish, wishes = tables.pinned.copy(), []
    for _ in range(compiled.scenario.horizon):
        for v, m in zip(*np.nonzero(tables.pinned == EMPTY), strict=True):
            mine = np.flatnonzero(compiled.placeable[v] & (tables.segment_model == m))
            if rng.uniform() > stay:
                wish[v, m] = rng.choice(np.append(mine, EMPTY))
        wishes.append(wish.copy())
    return np.array(wishes)


def play_wishes(compiled, instance, wishes):
    """Reward vectors (T, D) and scalar costs (T,) of wishes (T, N, M), from the pins on."""
    state, vectors, costs = initial_state(instance), [], []
    for wish in wishes:
        state, outcome = step(instance, state, Action(wish[None].astype(np.int32)))
        weights = instance.draw.weights
        vector, scalar = compute_rewards(
            compiled.tables, outcome, weights, compiled.scales, compiled.objectives
        )
        vectors.append(vector[0].copy())
        costs.append(-scalar[0])
    return np.array(vectors), np.array(costs)
