"""One table of all agents, by the names that configurations and reports use."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from gymnasium import Env
from gymnasium.vector import VectorEnv

from idn_gym.policy import Policy
from idn_gym.strict import ConfigError, closest, show

AGENTS: dict[str, str] = {
    "ppo": "agents.rl.trained:ppo",
    "ppo-graph": "agents.rl.trained:ppo_graph",
    "maskable-ppo": "agents.rl.trained:maskable_ppo",
    "recurrent-ppo": "agents.rl.trained:recurrent_ppo",
    "a2c": "agents.rl.trained:a2c",
    "dqn": "agents.rl.trained:dqn",
    "qr-dqn": "agents.rl.trained:qr_dqn",
    "sac": "agents.rl.trained:sac",
    "tqc": "agents.rl.trained:tqc",
    "nothing": "idn_gym.policies.heuristics.policies:nothing",
    "random": "idn_gym.policies.heuristics.policies:random",
    "cloud-only": "idn_gym.policies.heuristics.policies:cloud_only",
    "popularity": "idn_gym.policies.heuristics.policies:popularity",
    "static-greedy": "idn_gym.policies.heuristics.policies:static_greedy",
    "local-search": "idn_gym.policies.heuristics.policies:local_search",
    "clairvoyant-search": "idn_gym.policies.heuristics.policies:clairvoyant_search",
    "infida": "idn_gym.policies.online.build:infida",
    "infida-coupled": "idn_gym.policies.online.build:infida_coupled",
    "infida-best-of-two": "idn_gym.policies.online.build:infida_best_of_two",
    "infida-offline": "idn_gym.policies.online.build:infida_offline",
    "infida-adahedge": "idn_gym.policies.online.build:infida_adahedge",
    "oga": "idn_gym.policies.online.build:oga",
    "ftrl-entropy": "idn_gym.policies.online.build:ftrl_entropy",
    "ftrl-euclid": "idn_gym.policies.online.build:ftrl_euclid",
    "ftpl": "idn_gym.policies.online.build:ftpl",
    "olag": "idn_gym.policies.online.build:olag",
    "sg": "idn_gym.policies.online.build:sg",
    "sg-per-byte": "idn_gym.policies.online.build:sg_per_byte",
    "lfu": "idn_gym.policies.online.build:lfu",
    "lru": "idn_gym.policies.online.build:lru",
    "window-greedy": "idn_gym.policies.online.build:window_greedy",
    "window-lp": "idn_gym.policies.online.build:window_lp",
    "best-single": "idn_gym.policies.online.build:best_single",
    "best-static": "idn_gym.policies.online.build:best_static",
    "clairvoyant-greedy": "idn_gym.policies.online.build:clairvoyant_greedy",
}
"""Name to "module:function". The function takes the native vector environment that the agent is
going to act in and the agent's own options, and returns a `Policy`. Names instead of functions,
so that asking for a heuristic does not import torch."""

CODECS: dict[str, str] = {
    "nothing": "change",
    "cloud-only": "scores",
    "popularity": "scores",
    "static-greedy": "scores",
    "local-search": "scores",
    "clairvoyant-search": "scores",
    **{name: "segments" for name, target in AGENTS.items() if target.startswith("idn_gym.policies.online.")},
}
"""Action codec that an agent needs; the others act through the one they are given."""

CLAIRVOYANT = frozenset(
    {"clairvoyant-search", "clairvoyant-greedy", "infida-offline", "sg", "sg-per-byte", "best-static"}
)
"""References that are told, as `seeds`, which episodes they are going to be judged on."""

RANDOMISED = frozenset(
    {"random", "oga", "ftrl-entropy", "ftrl-euclid", "ftpl"}
    | {name for name in AGENTS if name.split("-")[0] == "infida"}
)
"""Agents with a `seed` of their own, which studies set anew for every episode."""


def make_agent(name: str, env: VectorEnv[Any, Any, Any], **options: Any) -> Policy:
    """Build the agent `name` for acting in `env`.

    Args:
        name: a key of `AGENTS`.
        env: a native vector environment; its scenario and codecs tell the agent what to expect. Its action
            codec is the one of `CODECS`, if the agent has one there.
        options: of the agent, such as ``path`` of a trained one.

    Raises:
        ConfigError: there is no such agent, it has no such option, or it cannot act in `env`.
    """
    if name not in AGENTS:
        raise ConfigError("agent", f"{name!r} is not there; {closest(name, list(AGENTS))}")
    _check(name, env)
    module, function = AGENTS[name].split(":")
    build = getattr(importlib.import_module(module), function)
    try:
        inspect.signature(build).bind(env, **options)
    except TypeError as error:
        raise ConfigError(f"agent {name}", f"options {sorted(options)} are not allowed: {error}") from None
    policy: Policy = build(env, **options)
    return policy


def simulation_of(env: Any) -> Any:
    """The simulation of a native vector environment.

    Raises:
        ConfigError: `env` is none.
    """
    simulation = getattr(getattr(env, "unwrapped", None), "simulation", None)
    if simulation is None or isinstance(env, Env):
        wanted = 'what gym.make_vec("IDN-v0") makes by itself, without vectorization_mode'
        raise ConfigError("env", f"{show(env)} is not allowed; agents act in {wanted}")
    return simulation


def _check(name: str, env: Any) -> None:
    """Refuse an environment that the agent cannot act in; trained ones look for themselves."""
    if name not in CODECS and not isinstance(env, Env):
        return
    given = getattr(simulation_of(env), "action", CODECS[name])
    if given != CODECS[name]:
        wanted = f"make the environment with action={CODECS[name]!r}"
        raise ConfigError("action", f"{given!r} is not what {name} can act through; {wanted}")
