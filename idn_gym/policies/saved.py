"""Policies that Stable-Baselines3 saved, named by class, action codec and file (extra ``rl``)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import VectorEnv

from idn_gym.actions import CODECS
from idn_gym.policy import Policy
from idn_gym.strict import ConfigError, closest, show

SAVED = {
    "a2c": "stable_baselines3:A2C",
    "ddpg": "stable_baselines3:DDPG",
    "dqn": "stable_baselines3:DQN",
    "maskable-ppo": "sb3_contrib:MaskablePPO",
    "ppo": "stable_baselines3:PPO",
    "qr-dqn": "sb3_contrib:QRDQN",
    "recurrent-ppo": "sb3_contrib:RecurrentPPO",
    "sac": "stable_baselines3:SAC",
    "td3": "stable_baselines3:TD3",
    "tqc": "sb3_contrib:TQC",
    "trpo": "sb3_contrib:TRPO",
}
"""Class to "module:name"."""

SAVED_FORM = "CLASS:CODEC:FILE, such as ppo:placement:mine.zip"


class SavedPolicy(NamedTuple):
    """A file that ``save`` of an algorithm wrote, and what it needs of an environment."""

    kind: str
    """key of `SAVED`"""
    codec: str
    path: str

    def load(self) -> Any:
        """The algorithm. The file is a pickle, so this runs whatever code somebody put into it.

        Raises:
            DependencyNotInstalled: Stable-Baselines3 is missing.
            ConfigError: the file is damaged, or of another class.
        """
        module, name = SAVED[self.kind].split(":")
        try:
            algorithm = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise DependencyNotInstalled(
                f'{error.name} is not installed; run `pip install "idn-gym[rl]"` for {self.path}'
            ) from error
        try:
            return algorithm.load(self.path, device="cpu")
        except Exception as error:  # whatever the code in the file raises
            reason = show(str(error))
            raise ConfigError("policy", f"{self.path!r} cannot be read as {self.kind} ({reason})") from None


def saved_policy(word: str) -> SavedPolicy | None:
    """The saved policy that a word means; None where it is no file.

    Raises:
        ConfigError: class and codec are missing or unknown, or there is no such file.
    """
    if not word.endswith(".zip"):
        return None
    parts = word.split(":", 2)
    if len(parts) < 3:
        raise ConfigError(
            "policy",
            f"{show(word)} does not say what it is; a policy that you trust is {SAVED_FORM}, and one of a "
            "training run plays in python -m experiments.compare",
        )
    kind, codec, path = parts
    if kind not in SAVED:
        raise ConfigError("policy", f"{show(kind)} in {show(word)} is no class; {closest(kind, list(SAVED))}")
    if codec not in CODECS:
        raise ConfigError(
            "policy", f"{show(codec)} in {show(word)} is no codec; {closest(codec, list(CODECS))}"
        )
    if not Path(path).is_file():
        raise ConfigError("policy", f"{show(path)} is not there")
    return SavedPolicy(kind, codec, path)


def observation_of(algorithm: Any) -> str:
    """The observation codec that the algorithm was trained with."""
    return "graph" if isinstance(algorithm.observation_space, gym.spaces.Dict) else "flat"


def acting_policy(saved: SavedPolicy, algorithm: Any, env: VectorEnv[Any, Any, Any]) -> Policy:
    """The loaded algorithm as it acts in `env`.

    Raises:
        ConfigError: it was trained on spaces other than those of `env`.
    """
    from idn_gym.integrations.acting import acting

    spaces = (env.single_observation_space, env.single_action_space)
    if (algorithm.observation_space, algorithm.action_space) != spaces:
        raise ConfigError("policy", f"{saved.path!r} was trained on other observations or actions")
    return acting(algorithm, env)
