"""A trained algorithm as a policy of the environment that it acts in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import Env
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import VectorEnv

from idn_gym.policy import Bools, Policy

try:
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.base_class import BaseAlgorithm
except ImportError as error:
    raise DependencyNotInstalled(f'{error.name} is not installed; run `pip install "idn-gym[rl]"`') from error


def acting(algorithm: BaseAlgorithm, env: Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Policy:
    """The algorithm as it acts in `env`: masked, if it is one that learns with masks.

    Args:
        algorithm: trained, or in training.
        env: `IDNEnv` or the native vector environment, whose coming slot the masks are read for.
    """
    return Masked(algorithm, env) if isinstance(algorithm, MaskablePPO) else algorithm


class Masked:
    """Passes the masks of the environment to a policy that asks for them."""

    def __init__(self, algorithm: MaskablePPO, env: Env[Any, Any] | VectorEnv[Any, Any, Any]) -> None:
        self.algorithm, self.env = algorithm, env

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Bools | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        native: Any = self.env.unwrapped
        masks = np.atleast_2d(native.action_masks())
        return self.algorithm.predict(observation, state, episode_start, deterministic, action_masks=masks)
