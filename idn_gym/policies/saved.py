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
"""Class name to "module:name"."""

SAVED_FORM = "CLASS:CODEC:FILE, such as ppo:placement:mine.zip"

TRAINED_POLICIES = (
    f"a policy that Stable-Baselines3 saved, and that you trust, is named as {SAVED_FORM}; the folder of a "
    "training run plays in python -m experiments.compare of a checkout, and is filmed by experiments.watch"
)
"""How trained policies are named, for messages."""


class SavedPolicy(NamedTuple):
    """A file that an algorithm's ``save`` wrote, and its requirements on the environment."""

    kind: str
    """key of `SAVED`"""
    codec: str
    path: str

    def load(self) -> Any:
        """Load the algorithm. The file is a pickle, so this runs any code stored in it, and prints a warning.

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
    """Read the result of an algorithm's ``save``, running any code stored in it; prints a warning.

    Args:
        algorithm: class of the algorithm.
        kind: name of the class in messages.
        path: path of the file.
        key: configuration key, for messages.

    Raises:
        ConfigError: the file is damaged, or of another class.
    """
    print(f"warning: {path} is a pickle, and reading it runs the code in it", file=sys.stderr)
    try:
        return algorithm.load(path, device="cpu")
    except ConfigError:
        raise
    except Exception as error:  # any exception that code in the file raises
        reason = show(str(error))
        raise ConfigError(key, f"{path!r} cannot be read as a policy of {kind} ({reason})") from None


def split_word(word: str, kinds: Collection[str], key: str) -> tuple[str, str, str]:
    """Split a word into class, codec and file, as in `SAVED_FORM`; the first two are empty for a plain file.

    Args:
        word: a word that ends in ".zip".
        kinds: known classes.
        key: configuration key, for messages.

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
    """Return the saved policy that a word means; None if it does not name a file.

    Raises:
        ConfigError: class and codec are missing or unknown, or the file does not exist.
    """
    if not word.endswith(".zip"):
        return None
    kind, codec, path = split_word(word, SAVED, "policy")
    if not kind:
        raise ConfigError(
            "policy",
            f"{show(word)} does not say what it is; {TRAINED_POLICIES}",
        )
    if not Path(path).is_file():
        raise ConfigError("policy", f"{show(path)} does not exist")
    return SavedPolicy(kind, codec, path)


def observation_of(algorithm: Any) -> str:
    """The observation codec that the algorithm was trained with."""
    return "graph" if isinstance(algorithm.observation_space, gym.spaces.Dict) else "flat"


def acting_policy(algorithm: Any, env: VectorEnv[Any, Any, Any], path: str, key: str) -> Policy:
    """Return an algorithm read from a file as a policy for `env`.

    Args:
        algorithm: the algorithm with its spaces.
        env: the environment in which it acts.
        path: path of the file, for messages.
        key: configuration key, for messages.

    Raises:
        ConfigError: the algorithm was trained on other spaces than those of `env`.
    """
    from idn_gym.integrations.acting import acting

    spaces = (env.single_observation_space, env.single_action_space)
    if (algorithm.observation_space, algorithm.action_space) != spaces:
        raise ConfigError(key, f"{path!r} was trained on other observations or actions")
    return acting(algorithm, env)
