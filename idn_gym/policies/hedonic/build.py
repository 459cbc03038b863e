"""Builders of the policies that associate, as the registry calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idn_gym.config_reader import from_plain
from idn_gym.policies.hedonic.agent import Hedonic, HedonicConfig
from idn_gym.policies.hedonic.kept import RandomAssociation, RandomAssociationConfig
from idn_gym.policies.online.expected_slots import ExpectedSlots

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]


def hedonic(env: Env, **options: Any) -> Hedonic:
    """Devices that choose gateway, spreading factor and model by shift dynamics."""
    config = from_plain(HedonicConfig, options, "agent")
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    observer = getattr(simulation, "observer", None)
    expected = ExpectedSlots(simulation.compiled, env.num_envs, 1, simulation.weights, observer)
    return Hedonic(simulation.compiled, env.num_envs, config, simulation.codec, expected)


def association_random(env: Env, **options: Any) -> RandomAssociation:
    """Every device keeps a random one of its links, drawn per episode."""
    config = from_plain(RandomAssociationConfig, options, "agent")
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    return RandomAssociation(simulation.compiled, env.num_envs, config, simulation.codec, simulation.weights)
