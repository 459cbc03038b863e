"""Train an agent in a folder, or go on where a killed process left it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
from stable_baselines3.common.logger import configure
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecMonitor

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.hybrid.switch import SafeSwitch
from agents.rl.build import build_algorithm
from agents.rl.weights import read_weights
from experiments.training import checkpoint
from experiments.training.divergence import learn
from experiments.training.imitation import imitate
from experiments.training.monitor import Monitor
from experiments.training.run_config import RunConfig
from experiments.training.run_folder import RunFolder
from experiments.training.teacher import find_teacher
from idn_gym.files import atomically
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread


def train_run(
    config: RunConfig,
    folder: RunFolder,
    guide: Mapping[str, Any] | None = None,
    start: Path | None = None,
) -> str:
    """Train, or go on training where a killed process left the folder; do nothing if it is done.

    Args:
        config: the run.
        folder: of the run.
        guide: options of the guide of an imitation.
        start: policy.zip with weights to begin with; an imitation leaves them where it finds none better.

    Returns:
        What the last evaluation came to beside simple policies, in one line; "" where it was done.
    """
    if folder.policy.exists():
        return ""
    use_one_thread()
    state = prepare_run(config, folder)
    env = make_env(config)
    algorithm = build_algorithm(config.agent, env, config.seed)
    algorithm.set_logger(configure(str(folder.events), ["tensorboard"]))
    if state is not None:
        checkpoint.restore(algorithm, state, folder.checkpoint)
    else:
        if start is not None:
            algorithm.policy.load_state_dict(read_weights(start))
        if (imitation := getattr(config.agent, "imitation", None)) is not None:
            teacher = find_teacher(config, imitation, folder.teacher)
            imitate(algorithm, config, teacher, folder.imitated, guide, start is not None)
    saving = checkpoint.Checkpoints(folder.checkpoint, folder.events, config.checkpoint_every)
    # Off-policy algorithms count episodes instead of rollouts, and those of all environments end together.
    off_policy = isinstance(algorithm, OffPolicyAlgorithm)
    monitor = Monitor(config)
    try:
        learn(
            algorithm,
            config,
            [saving, monitor],
            folder.checkpoint,
            log_interval=config.envs if off_policy else 1,
            reset_num_timesteps=state is None,
        )
    finally:
        monitor.close()
        algorithm.logger.close()
    atomically(folder.policy, algorithm.save)
    env.close()
    return monitor.said


def make_env(config: RunConfig) -> VecMonitor:
    """The training environments, as SB3 wants them."""
    options = {"num_envs": config.envs, **config.env_options()}
    if config.switch is None:
        return VecMonitor(GymVecEnv(gym.make_vec("IDN-v0", autoreset_mode="SAME_STEP", **options)))
    return VecMonitor(GymVecEnv(SafeSwitch(gym.make_vec("IDN-v0", **options), config.switch)))


def prepare_run(config: RunConfig, folder: RunFolder) -> dict[str, Any] | None:
    """Make the folder ready; returns the checkpoint to go on from, if there is one."""
    if folder.saved() is not None and folder.checkpoint.exists():
        state = checkpoint.read_checkpoint(folder.checkpoint)
        checkpoint.rewind(folder.events, state)
        return state
    folder.begin(config)
    return None
