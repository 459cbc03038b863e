"""Policies that Stable-Baselines3 saved, named by class, action codec and file (extra ``rl``)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import VectorEnv

from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.policy import Policy

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
        """The algorithm. The file is a pickle, so this runs whatever code somebody put into it, and says so.

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
        return read_pickle(algorithm, self.kind, self.path, "policy")


def read_pickle(algorithm: Any, kind: str, path: str, key: str) -> Any:
    """What an algorithm's ``save`` wrote, with all code that it brings; says so.

    Args:
        algorithm: its class.
        kind: what messages call it.
        path: of the file.
        key: of configurations, for messages.

    Raises:
        ConfigError: the file is damaged, or of another class.
    """
    print(f"warning: {path} is a pickle, and reading it runs the code in it", file=sys.stderr)
    try:
        return algorithm.load(path, device="cpu")
    except ConfigError:
        raise
    except Exception as error:  # whatever the code in the file raises
        reason = show(str(error))
        raise ConfigError(key, f"{path!r} cannot be read as a policy of {kind} ({reason})") from None


def split_word(word: str, kinds: Collection[str], key: str) -> tuple[str, str, str]:
    """Class, codec and file of a word, as `SAVED_FORM` says; the first two empty where it is a file alone.

    Args:
        word: that ends in ".zip".
        kinds: classes there are.
        key: of configurations, for messages.

    Raises:
        ConfigError: an unknown class or codec.
    """
    parts = word.split(":", 2)
    if len(parts) < 3 or Path(word).is_file():
        return "", "", word
    kind, codec, path = parts
    if kind not in kinds:
        raise ConfigError(key, f"{show(kind)} in {show(word)} is not a class; {closest(kind, list(kinds))}")
    if codec not in ACTION_CODECS:
        allowed = closest(codec, list(ACTION_CODECS))
        raise ConfigError(key, f"{show(codec)} in {show(word)} is not an action codec; {allowed}")
    return kind, codec, path


def saved_policy(word: str) -> SavedPolicy | None:
    """The saved policy that a word means; None where it is no file.

    Raises:
        ConfigError: class and codec are missing or unknown, or there is no such file.
    """
    if not word.endswith(".zip"):
        return None
    kind, codec, path = split_word(word, SAVED, "policy")
    if not kind:
        raise ConfigError(
            "policy",
            f"{show(word)} does not say what it is; name a policy that you trust as {SAVED_FORM}; one of a "
            "training run plays in python -m experiments.compare",
        )
    if not Path(path).is_file():
        raise ConfigError("policy", f"{show(path)} does not exist")
    return SavedPolicy(kind, codec, path)


def observation_of(algorithm: Any) -> str:
    """The observation codec that the algorithm was trained with."""
    return "graph" if isinstance(algorithm.observation_space, gym.spaces.Dict) else "flat"


def acting_policy(algorithm: Any, env: VectorEnv[Any, Any, Any], path: str, key: str) -> Policy:
    """The algorithm that was read from a file as it acts in `env`.

    Args:
        algorithm: with its spaces.
        env: that it is going to act in.
        path: of the file, and
        key: of configurations, for messages.

    Raises:
        ConfigError: it was trained on spaces other than those of `env`.
    """
    from idn_gym.integrations.acting import acting

    spaces = (env.single_observation_space, env.single_action_space)
    if (algorithm.observation_space, algorithm.action_space) != spaces:
        raise ConfigError(key, f"{path!r} was trained on other observations or actions")
    return acting(algorithm, env)
