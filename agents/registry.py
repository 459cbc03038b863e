"""All agents in one table: policies of the package, combiners, and Stable-Baselines3 agents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from gymnasium.vector import VectorEnv

from idn_gym.policies.registry import POLICIES, PolicyEntry, build_policy
from idn_gym.policy import Policy

TRAINED: dict[str, PolicyEntry] = {
    name: PolicyEntry(f"agents.rl.trained:{name.replace('-', '_')}", None, f"{label}, trained")
    for name, label in {
        "ppo": "PPO",
        "ppo-graph": "PPO with the graph policy",
        "maskable-ppo": "PPO with action masks",
        "recurrent-ppo": "PPO with memory",
        "a2c": "A2C",
        "dqn": "DQN",
        "qr-dqn": "DQN on quantiles of the return",
        "sac": "SAC",
        "tqc": "SAC with truncated quantile critics",
    }.items()
}

HYBRIDS: dict[str, PolicyEntry] = {
    name: PolicyEntry(f"agents.hybrid.build:{name.replace('-', '_')}", "segments", about, randomised=True)
    for name, about in {
        "hybrid-hedge": "Hedge over whole policies, few switches, with a bound",
        "hybrid-adahedge": "AdaHedge over whole policies, which follows changes of the best one",
        "hybrid-safe": "a policy that plays while a share of another one's gain is safe",
        "hybrid-optimistic": "INFIDA with whole policies as hints, with a bound on its fractions",
        "thrifty": "a policy whose loads are declined while they could exhaust its account",
    }.items()
}
"""Combiners of other agents, which their option `experts` lists."""

_TABLES = TRAINED, HYBRIDS, POLICIES

_T = TypeVar("_T")


class Entries(Mapping[str, PolicyEntry]):
    """All agents, trained ones first, including those registered later."""

    def __getitem__(self, name: str) -> PolicyEntry:
        return next((table[name] for table in (TRAINED, HYBRIDS) if name in table), None) or POLICIES[name]

    def __iter__(self) -> Iterator[str]:
        return (name for table in _TABLES for name in table)

    def __len__(self) -> int:
        return sum(map(len, _TABLES))


ENTRIES = Entries()


class EntryField(Mapping[str, _T]):
    """One field of all entries that have it."""

    def __init__(self, field: Callable[[PolicyEntry], _T | None]) -> None:
        self._field = field

    def __getitem__(self, name: str) -> _T:
        value = self._field(ENTRIES[name])
        if not value:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in ENTRIES if self._field(ENTRIES[name]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


AGENTS = EntryField(lambda entry: entry.target)
"""Name to its builder, "module:function"."""

AGENT_CODECS = EntryField(lambda entry: entry.codec)
"""Action codec that an agent needs; agents without an entry act through any codec."""

CLAIRVOYANT = EntryField(lambda entry: entry.informed).keys()
"""Informed agents: they receive the evaluation seeds as the option `seeds`."""

RANDOMISED = EntryField(lambda entry: entry.randomised).keys()
"""Agents with an option `seed`, which studies set for every episode."""


def make_agent(name: str, env: VectorEnv[Any, Any, Any], **options: Any) -> Policy:
    """Build the agent `name` for acting in `env`; like `idn_gym.policies.registry.make_policy`.

    Args:
        name: a key of `AGENTS`.
        env: a native vector environment.
        options: options of the agent, such as ``path`` of a trained one.

    Raises:
        ConfigError: the agent or an option is unknown, or the agent cannot act in `env`.
    """
    return build_policy(ENTRIES, name, env, options)
