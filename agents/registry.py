"""All agents in one table: the policies of the package, and those that learn with Stable-Baselines3."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from idn_gym.policies.registry import POLICIES, PolicyEntry, build_policy
from idn_gym.policy import Policy

TRAINED: dict[str, PolicyEntry] = {
    name: PolicyEntry(f"agents.rl.trained:{name.replace('-', '_')}", None, f"{label}, trained")
    for name, label in {
        "ppo": "PPO",
        "ppo-graph": "PPO with the graph policy",
        "maskable-ppo": "PPO that knows the mask",
        "recurrent-ppo": "PPO with memory",
        "a2c": "A2C",
        "dqn": "DQN",
        "qr-dqn": "DQN on quantiles of the return",
        "sac": "SAC",
        "tqc": "SAC with truncated quantile critics",
    }.items()
}

ENTRIES = {**TRAINED, **POLICIES}

AGENTS = {name: entry.target for name, entry in ENTRIES.items()}
"""Name to what builds it, "module:function"."""

AGENT_CODECS = {name: entry.codec for name, entry in ENTRIES.items() if entry.codec is not None}
"""Action codec that an agent needs; the others act through the one they are given."""

CLAIRVOYANT = frozenset(name for name, entry in ENTRIES.items() if entry.informed)
"""References that are told, as `seeds`, which episodes they are going to be judged on."""

RANDOMISED = frozenset(name for name, entry in ENTRIES.items() if entry.randomised)
"""Agents with a `seed` of their own, which studies set anew for every episode."""


def make_agent(name: str, env: VectorEnv[Any, Any, Any], **options: Any) -> Policy:
    """Build the agent `name` for acting in `env`; as `idn_gym.policies.registry.make_policy`, for all agents.

    Args:
        name: a key of `AGENTS`.
        env: a native vector environment.
        options: of the agent, such as ``path`` of a trained one.

    Raises:
        ConfigError: there is no such agent, it has no such option, or it cannot act in `env`.
    """
    return build_policy(ENTRIES, name, env, options)
