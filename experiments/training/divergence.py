"""Ends a training whose policy is no longer finite, before that policy is saved or evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList

from agents.rl.entropy import entropy_callbacks
from experiments.training.checkpoint import learnt
from experiments.training.run_config import RunConfig
from idn_gym.config_reader import ConfigError


def learn(
    algorithm: BaseAlgorithm,
    config: RunConfig,
    callbacks: Sequence[BaseCallback],
    saved: Path | None = None,
    **options: Any,
) -> None:
    """Train up to the steps of `config`.

    Args:
        algorithm: untrained, or restored from a checkpoint.
        config: of the run.
        callbacks: in the order in which SB3 is to call them.
        saved: the checkpoint that stands when training fails; None: there is none.
        options: of SB3's ``learn``.

    Raises:
        ConfigError: the policy has become NaN or infinite.
    """
    steps = config.steps - algorithm.num_timesteps
    called = [_Guard(config, saved), *callbacks, *entropy_callbacks(config.agent, config.steps)]
    try:
        algorithm.learn(steps, CallbackList(called), **options)
    except ConfigError:
        raise
    except Exception as error:
        # torch's distributions, SB3 and the environment each object to such a policy in words of their own.
        if finite(algorithm) and _acts(algorithm):
            raise
        raise _diverged(algorithm, config, saved) from error


def finite(algorithm: BaseAlgorithm) -> bool:
    """Return whether all learnt numbers are finite."""
    tensors = [*algorithm.policy.parameters(), *learnt(algorithm).values()]
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _acts(algorithm: Any) -> bool:
    """Return whether the last observations give actions: even finite weights may be too large for that."""
    try:
        actions, _ = algorithm.predict(algorithm._last_obs, deterministic=False)
    except (ValueError, RuntimeError):
        return False
    return bool(np.isfinite(actions).all())


def _diverged(algorithm: BaseAlgorithm, config: RunConfig, saved: Path | None) -> ConfigError:
    rate, steps = config.agent.learning_rate, algorithm.num_timesteps
    stands = "" if saved is None else f" in a new run; the checkpoint before it stands: {saved}"
    return ConfigError(
        "agent.learning_rate",
        f"{rate} is too high: after {steps} steps the policy is NaN or infinite; lower it{stands}",
    )


class _Guard(BaseCallback):
    """Looks at the policy after every update. It comes first, so that nothing else sees a broken one."""

    def __init__(self, config: RunConfig, saved: Path | None) -> None:
        super().__init__()
        self.config, self.saved = config, saved

    def _on_rollout_start(self) -> None:
        if not finite(self.model):
            raise _diverged(self.model, self.config, self.saved)

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        self._on_rollout_start()
