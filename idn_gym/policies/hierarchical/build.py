"""Builders of the offloading policies, as the registry calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from idn_gym.config_reader import from_plain
from idn_gym.policies.hierarchical.adaptive import OffloadAdaptive, OffloadAdaptiveConfig
from idn_gym.policies.hierarchical.planned import OffloadPlanned, OffloadPlannedConfig
from idn_gym.policies.online.build import told_episodes

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]


def offload_planned(env: Env, seeds: Sequence[int], **options: Any) -> OffloadPlanned:
    """A layered dynamic program on the slots about to be played: informed."""
    config = from_plain(OffloadPlannedConfig, options, "agent")
    compiled = env.unwrapped.simulation.compiled  # type: ignore[attr-defined]
    return OffloadPlanned(compiled, env.num_envs, config, told_episodes(env, seeds))


def offload_adaptive(env: Env, **options: Any) -> OffloadAdaptive:
    """Nodes that learn by themselves, from their own slots and their neighbours' messages."""
    compiled = env.unwrapped.simulation.compiled  # type: ignore[attr-defined]
    return OffloadAdaptive(compiled, env.num_envs, from_plain(OffloadAdaptiveConfig, options, "agent"))
