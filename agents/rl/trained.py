"""Policies that act, from the files of training runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv

from agents.rl.build import ALGORITHMS, rebuild_algorithm
from agents.rl.graph import GraphPolicy, check_codecs, rewired
from agents.rl.origin import RECORD, Origin, origin_of
from idn_gym.config_reader import ConfigError
from idn_gym.integrations.acting import acting
from idn_gym.policies.saved import acting_policy, read_pickle
from idn_gym.policy import Policy


def _origin(kind: str, path: str | None, trust: bool) -> Origin | None:
    """Origin of the policy at `path`; None for a trusted one that Stable-Baselines3 saved alone.

    Raises:
        ConfigError: there is no such file, it belongs to another agent, or its origin is unknown.
    """
    if path is None:
        raise ConfigError(
            "path", "is missing; the agent must be trained first: name the policy.zip of a training run"
        )
    if not Path(path).is_file():
        raise ConfigError("path", f"{path!r} is not a file; train the agent first")
    origin = origin_of(path)
    if origin is None and not trust:
        raise ConfigError(
            "path",
            f"{path!r} has no {RECORD} beside it, so reading it would run code stored in it; "
            "trust=True allows that",
        )
    if origin is not None and origin.agent.kind != kind:
        raise ConfigError("path", f"{path!r} holds another policy ({origin.agent.kind}), not {kind}")
    return origin


def _reader(kind: str) -> Callable[..., Policy]:
    def read(env: VectorEnv[Any, Any, Any], path: str | None = None, trust: bool = False) -> Policy:
        """Load the policy at `path` for acting in `env`.

        Args:
            env: environment in which it acts.
            path: path of its policy.zip; ``config.yaml`` beside it describes its training.
            trust: whether to read a policy that Stable-Baselines3 saved alone, which runs the code in it.

        Raises:
            ConfigError: there is no such file, or its training used other spaces than those of `env`.
        """
        origin = _origin(kind, path, trust)
        if origin is None:
            trained = read_pickle(ALGORITHMS[kind], kind, str(path), "path")
            return acting_policy(trained, env, str(path), "path")
        if not origin.fits(env):
            there = f"those of {origin.scenario.name}; ppo-graph fits every network"
            raise ConfigError("path", f"{path!r} was trained on other observations or actions: {there}")
        return acting(rebuild_algorithm(origin.agent, env, str(path)), env)

    return read


ppo = _reader("ppo")
maskable_ppo = _reader("maskable-ppo")
recurrent_ppo = _reader("recurrent-ppo")
a2c = _reader("a2c")
dqn = _reader("dqn")
qr_dqn = _reader("qr-dqn")
sac = _reader("sac")
tqc = _reader("tqc")


def ppo_graph(env: VectorEnv[Any, Any, Any], path: str | None = None, trust: bool = False) -> Policy:
    """Load the graph policy at `path` for the network of `env`, whatever network it was trained on.

    Args:
        env: see above.
        path: see above.
        trust: see above.

    Raises:
        ConfigError: there is no such file, it holds another policy, or its training used other codecs.
    """
    origin = _origin("ppo-graph", path, trust)
    if origin is not None:
        check_codecs(env, origin.codec)
        return rebuild_algorithm(origin.agent, env, str(path))
    trained: Any = read_pickle(ALGORITHMS["ppo-graph"], "ppo-graph", str(path), "path").policy
    if not isinstance(trained, GraphPolicy):
        kind = type(trained).__name__
        raise ConfigError("path", f"{path!r} holds another policy ({kind}); train it with agent ppo-graph")
    policy: Policy = rewired(trained, env)
    return policy
