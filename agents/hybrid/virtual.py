"""A virtual network: an expert plays the same episodes in an environment of its own.

The environment has the same scenario, seeds and preference, with the expert's action and observation codecs,
and its own placement. The expert therefore does, to the bit, what it would do alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from agents.hybrid.experts import Expert
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Residents
from idn_gym.core.loading import held_segments
from idn_gym.core.slots import one_slot
from idn_gym.policy import Feedback, OnlinePolicy


class VirtualNetwork:
    """One expert in an environment of its own.

    Attributes:
        name: name of the expert.
        policy: the expert.
        cost: (B,) cost of the last slot, loads included [cost].
        loaded: (B,) [bytes] since the episode began.
        feedback: information that the last slot has revealed there.
        observation: observation of the coming slot.
    """

    feedback: Feedback

    def __init__(self, env: VectorEnv[Any, Any, Any], expert: Expert, seed: int) -> None:
        """Build the environment and the expert.

        Args:
            env: native vector environment that is played in reality.
            expert: the expert.
            seed: seed of randomised experts.

        Raises:
            ConfigError: the expert cannot act in such an environment.
        """
        real: Any = env.unwrapped
        simulation = real.simulation
        weights = simulation.weights
        options = {
            "scenario": real.scenario,
            "split": simulation.split,
            "preference": "random" if weights is None else weights.tolist(),
            "max_episode_steps": real.horizon,
        }
        self.name, self._env = expert.name, expert.environment(env.num_envs, options, seed)
        native: Any = self._env.unwrapped
        self._native = native
        if native.simulation.quality is not None:
            why = "experts are scored by rewards, which reveal the true accuracy"
            raise ConfigError("quality", f"is hidden, which is not allowed here; {why}")
        if native.simulation.weights is not None:
            native.simulation.weights = weights  # to the bit: a second normalisation may round
        self.policy = expert.policy(self._env, seed)
        self.observation: Any = None
        self._memory: Any = None
        self.cost, self.loaded = np.zeros((2, env.num_envs))

    def align(self, env: VectorEnv[Any, Any, Any], rows: Bools) -> None:
        """Set the marked rows, which begin an episode, to the state of `env`."""
        real: Any = env.unwrapped
        saved = real.get_state()
        if not rows.all():
            saved = _mixed(self._native.get_state(), saved, rows)
        self._native.set_state(saved)
        self.loaded[rows] = 0.0
        self.observation, _ = self._native.simulation.observe()

    def forget(self) -> None:
        """Let the expert start again at the next slot, as before its first one."""
        self._memory = None

    def play(self, start: Bools | None) -> None:
        """Let the expert act, and play the slot; only `learn` reports the result to it."""
        simulation = self._native.simulation
        before = simulation.state
        revealed = one_slot(simulation.instance, before.slot)
        action, self._memory = self.policy.predict(
            self.observation, state=self._memory, episode_start=start, deterministic=True
        )
        self.observation, reward, _, _, _ = self._env.step(action)
        self.cost = -np.asarray(reward, float)
        self.feedback = Feedback(revealed, before, simulation.state, simulation.outcome)
        self.loaded += self.feedback.outcome.loaded.sum(axis=1)

    @property
    def held(self) -> Residents:
        """(B, N, M) placement of the expert's network after the last slot, loads in flight included."""
        return held_segments(self.feedback.after)

    def learn(self) -> None:
        """Report the result of the slot to the expert."""
        if isinstance(self.policy, OnlinePolicy):
            self.policy.update(self.feedback)


def _mixed(own: Any, other: Any, rows: Bools) -> Any:
    """Saved states with the marked rows of `other`, the rest of `own`; rows are the first axis of all."""
    if isinstance(own, dict):
        return {key: _mixed(value, other[key], rows) for key, value in own.items()}
    if isinstance(own, np.ndarray):
        found = own.copy()
        found[rows] = other[rows]
        return found
    if len(own) == len(rows) and not isinstance(own[0], np.ndarray):
        return [b if row else a for a, b, row in zip(own, other, rows.tolist(), strict=True)]
    return [_mixed(a, b, rows) for a, b in zip(own, other, strict=True)]
