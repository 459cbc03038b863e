"""One training of a tuning, and its evaluation: on validation episodes, never on test episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from agents.rl.build import build_algorithm
from experiments.training.checkpoint import due
from experiments.training.divergence import learn
from experiments.training.run_config import RunConfig
from experiments.training.train_run import make_env
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import use_one_thread
from idn_gym.preferences import preference_lattice

JUDGED_DIVISIONS = 2
"""Steps between the corners of the lattice of preferences in evaluations: 10 preferences."""

Look = Callable[[int, float], None]
"""Receives the number of the look and the policy's score; an exception that it raises ends the training."""


def train_trial(
    config: RunConfig, seeds: Sequence[int], every: int | None = None, look: Look | None = None
) -> Floats:
    """Train without leaving anything on disk, and score the policy.

    Args:
        config: of the run.
        seeds: of the validation episodes.
        every: steps between looks.
        look: callback, if any.

    Returns:
        The scores of the episodes; see `trial_scores`.

    Raises:
        ConfigError: the policy has become NaN or infinite.
    """
    use_one_thread()
    env = make_env(config)
    try:
        algorithm = build_algorithm(config.agent, env, config.seed)
        algorithm.set_logger(Logger(None, []))
        watch = None if every is None or look is None else _Watch(config, seeds, every, look)
        learn(algorithm, config, [] if watch is None else [watch], log_interval=None)
        return trial_scores(algorithm, config, seeds)
    finally:
        env.close()


def trial_scores(algorithm: BaseAlgorithm, config: RunConfig, seeds: Sequence[int]) -> Floats:
    """Mean reward per slot of each episode (S,).

    Policies that observe a preference play every episode under each one of a lattice; the mean over the
    lattice is their expected utility.
    """
    env = gym.make_vec("IDN-v0", num_envs=len(seeds), split="validation", **config.env_options())
    told = config.preference == "random"
    preferences = preference_lattice(JUDGED_DIVISIONS).tolist() if told else [None]
    policy = acting(algorithm, env)
    played = [rollout(policy, env, seeds, preference).scalar.mean(axis=1) for preference in preferences]
    env.close()
    scores: Floats = np.mean(played, axis=0)
    return scores


class _Watch(BaseCallback):
    """Scores the policy now and then; evaluations draw nothing at random, so training stays what it is."""

    def __init__(self, config: RunConfig, seeds: Sequence[int], every: int, look: Look) -> None:
        super().__init__()
        self.config, self.seeds, self.every, self.look = config, seeds, every, look

    def _on_rollout_start(self) -> None:
        if self.num_timesteps and due(self.model, self.every):
            # By number, since rollouts of other lengths never stop at the same steps.
            look = self.num_timesteps // self.every
            self.look(look, float(trial_scores(self.model, self.config, self.seeds).mean()))

    def _on_step(self) -> bool:
        return True
