"""The front of static placements in hindsight: for each preference, the best one of every episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.core.arrays import Floats, Residents
from idn_gym.optimum.static import static_cost
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.reference_fronts import ReferenceFront
from idn_gym.simulation import Simulation


def static_front(
    scenario: Scenario, weights: Floats, seeds: Sequence[int], split: str, candidates: Residents
) -> ReferenceFront:
    """Choose among candidates for every preference and episode, and play what was chosen.

    The choice is by the scalar reward, first loads included. It is exact where the candidates are all
    placements there are (`idn_gym.optimum.schedule.all_placements`), else a front to be beaten.

    Args:
        scenario: what to play.
        weights: (K, D) preferences, such as `idn_gym.preferences.preference_lattice` has them.
        seeds: of the episodes.
        split: one of train, validation, test.
        candidates: (P, N, M) placements that fit into nominal memory.
    """
    compiled = compile_scenario(scenario)
    scales, objectives = compiled.scales, compiled.objectives
    chosen = []
    for preference in weights:
        instance = build_instance(scenario, seeds, split, preference.tolist())
        costs = np.stack([static_cost(instance, scales, wish, objectives) for wish in candidates])
        chosen.append(candidates[costs.argmin(axis=0)])
    placements = np.stack(chosen)
    return ReferenceFront(
        weights,
        np.array(seeds, np.int64),
        placements,
        play_front(scenario, weights, seeds, split, placements),
    )


def play_front(
    scenario: Scenario, weights: Floats, seeds: Sequence[int], split: str, placements: Residents
) -> Floats:
    """Keep each placement (K, S, N, M) for its episode; mean reward vectors (K, T, D) over the episodes."""
    simulation = Simulation(scenario, "segments", "flat", "random", split, batch=len(seeds))
    means = np.zeros((len(weights), scenario.horizon, weights.shape[1]))
    for k, preference in enumerate(weights):
        simulation.reset(range(len(seeds)), seeds, {"preference": preference.tolist()})
        for t in range(scenario.horizon):
            means[k, t] = simulation.step(placements[k]).vector.mean(axis=0)
    return means
