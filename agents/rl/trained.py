"""From the files that training leaves to policies that act."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.rl.acting import acting
from agents.rl.build import ALGORITHMS
from agents.rl.graph import GraphPolicy, rewired
from idn_gym.policy import Policy
from idn_gym.strict import ConfigError


def _load(kind: str, path: str | None) -> BaseAlgorithm:
    """What training left at `path`.

    Raises:
        ConfigError: there is no such file.
    """
    if path is None:
        raise ConfigError(
            "path", "is missing; name the policy.zip of a training run instead of the algorithm"
        )
    if not Path(path).is_file():
        raise ConfigError("path", f"{path!r} is not a file; train the agent first")
    return ALGORITHMS[kind].load(path, device="cpu")


def _reader(kind: str) -> Callable[..., Policy]:
    def read(env: VectorEnv[Any, Any, Any], path: str | None = None) -> Policy:
        """The policy that training left at `path`, acting in `env`.

        Raises:
            ConfigError: there is no such file, or it was trained on spaces other than those of `env`.
        """
        trained = _load(kind, path)
        spaces = (trained.observation_space, trained.action_space)
        if spaces != (env.single_observation_space, env.single_action_space):
            raise ConfigError("path", f"{path!r} was trained on other observations or actions")
        return acting(trained, env)

    return read


ppo = _reader("ppo")
maskable_ppo = _reader("maskable-ppo")
recurrent_ppo = _reader("recurrent-ppo")
a2c = _reader("a2c")
dqn = _reader("dqn")
qr_dqn = _reader("qr-dqn")
sac = _reader("sac")
tqc = _reader("tqc")


def ppo_graph(env: VectorEnv[Any, Any, Any], path: str | None = None) -> Policy:
    """The graph policy that training left at `path`, in the network of `env`, whatever it was trained on.

    Raises:
        ConfigError: there is no such file, it holds another policy, or it was trained for other codecs.
    """
    trained: Any = _load("ppo-graph", path).policy
    if not isinstance(trained, GraphPolicy):
        kind = type(trained).__name__
        raise ConfigError("path", f"{path!r} holds another policy ({kind}); train it with agent ppo-graph")
    policy: Policy = rewired(trained, env)
    return policy
