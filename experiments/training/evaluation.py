"""Evaluation of a policy on fixed validation episodes, during training or after it.

Nothing here draws at random, so a training run is the same with and without evaluations.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import VectorEnv, VectorWrapper

from idn_gym.core.arrays import EMPTY, Floats
from idn_gym.evaluation import pareto
from idn_gym.evaluation.rollout import rollout
from idn_gym.objective_records import find_objectives
from idn_gym.policies.registry import simulation_of
from idn_gym.policy import Feedback, Policy
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.presets import load_scenario

Act = Callable[[VectorEnv[Any, Any, Any]], Policy]
"""Gives the policy as it acts in an environment."""

FRONT_DIVISIONS = 3
"""Steps between the corners of the lattice of preferences: 20 preferences."""

FRONT_EPISODES = 4
"""At most so many episodes per preference."""

FRONT = ("hypervolume", "eum", "cardinality", "sparsity")
"""Indicators of a front, by their names in morl-baselines."""


class Evaluation(NamedTuple):
    """Results of a policy under the preference of its training."""

    compiled: Compiled
    metrics: dict[str, float]  # means over the episodes of the columns of `Episodes.records`, and returns
    resident: Floats  # (N, M) share of the slots in which something of the model was on the node


class PolicyFront(NamedTuple):
    """Results of a policy under one preference after the other; K of them."""

    preferences: Floats  # (K, D)
    points: Floats  # (K, D) mean reward vectors per slot
    metrics: dict[str, float]  # of `FRONT`; without the hypervolume where moocore is missing


def evaluate(act: Act, episodes: int, options: dict[str, Any]) -> Evaluation:
    """Play the first `episodes` validation seeds.

    Args:
        act: the policy.
        episodes: how many.
        options: keyword arguments of `gym.make_vec`, with a preference.
    """
    env = _open(episodes, options)
    compiled = env.unwrapped.simulation.compiled
    residency = _Residency()
    played = rollout(act(env), env, range(episodes), on_slot=residency.note)
    records = played.records()
    env.close()
    metrics = {name: float(np.mean([row[name] for row in records])) for name in records[0] if name != "seed"}
    for name in played.objectives:
        metrics[f"return_{name}"] = metrics[f"reward_{name}"] * compiled.scenario.horizon
    return Evaluation(compiled, metrics, residency.shares())


def front(act: Act, episodes: int, options: dict[str, Any]) -> PolicyFront:
    """Play the first validation seeds, at most `FRONT_EPISODES`, under every preference of the lattice.

    Hypervolume and sparsity are in units of the scenario's `objective_box`, the hypervolume above its worst
    corner; eum is minus the lowest weighted cost that the front offers, mean over the preferences.

    Args:
        act: the policy.
        episodes: how many seeds, if they are fewer.
        options: keyword arguments of `gym.make_vec`, with "random" as preference.
    """
    objectives = find_objectives(load_scenario(options["scenario"], options.get("overrides")).objectives)
    episodes, preferences = min(episodes, FRONT_EPISODES), preference_lattice(FRONT_DIVISIONS, objectives)
    env = _EachPreference(_open(len(preferences) * episodes, options), preferences)
    played = rollout(act(env), env, [*range(episodes)] * len(preferences))
    env.close()
    points = played.vector.mean(axis=1).reshape(len(preferences), episodes, -1).mean(axis=1)
    compiled = simulation_of(env).compiled
    box = pareto.objective_box(compiled)
    placed = box.place(points)
    metrics = {
        "eum": pareto.expected_utility((points - box.best) / compiled.scales, preferences),
        "cardinality": float(len(pareto.non_dominated_sorted(points))),
        "sparsity": pareto.sparsity(placed),
    }
    with contextlib.suppress(DependencyNotInstalled):
        metrics["hypervolume"] = pareto.hypervolume(placed, np.zeros(len(objectives)))
    return PolicyFront(preferences, points, metrics)


def network_picture(act: Act, options: dict[str, Any]) -> npt.NDArray[np.uint8]:
    """The network in the middle of the first validation episode, (height, width, 3)."""
    env = _open(1, {**options, "render_mode": "rgb_array"})
    policy = act(env)
    observation, _ = env.reset(seed=0)
    state, start = None, np.ones(1, np.bool_)
    for _ in range(max(1, env.unwrapped.simulation.compiled.scenario.horizon // 2)):
        action, state = policy.predict(observation, state, start, deterministic=True)
        observation, start = env.step(action)[0], np.zeros(1, np.bool_)
    image: npt.NDArray[np.uint8] = env.render()[0]
    env.close()
    return image


def _open(rows: int, options: dict[str, Any]) -> Any:
    return gym.make_vec("IDN-v0", num_envs=rows, split="validation", **options)


class _EachPreference(VectorWrapper):
    """Gives each preference as many rows as the others: first all rows of the first one, and so on."""

    def __init__(self, env: VectorEnv[Any, Any, Any], preferences: Floats) -> None:
        super().__init__(env)
        self.preferences = preferences

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        assert isinstance(seed, Sequence)  # a rollout gives one per row, which Gymnasium's types leave out
        _, infos = super().reset(seed=seed, options=options)  # type: ignore[arg-type]
        simulation, seeds = simulation_of(self), np.reshape(seed, (len(self.preferences), -1))
        rows = np.arange(self.num_envs).reshape(seeds.shape)
        for mine, theirs, preference in zip(rows, seeds, self.preferences.tolist(), strict=True):
            simulation.reset(mine.tolist(), theirs.tolist(), {"preference": preference})
        return simulation.observe()[0], infos


class _Residency:
    """Counts where models are."""

    def __init__(self) -> None:
        self.resident: Floats | float = 0.0
        self.slots = 0

    def note(self, feedback: Feedback) -> None:
        """A slot that is over."""
        self.resident = self.resident + (feedback.resident != EMPTY).sum(axis=0)
        self.slots += len(feedback.resident)

    def shares(self) -> Floats:
        """(N, M) of the slots noted."""
        return np.asarray(self.resident) / self.slots
