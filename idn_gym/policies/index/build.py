"""Builder of index policies, as the registry calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from idn_gym.policies.index.policy import IndexPolicy
from idn_gym.policies.index.weights import read_index_weights

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv


SHIPPED = Path(__file__).with_name("edge-drift.json")
"""Weights that were found on the preset of that name."""


def index(env: VectorEnv[Any, Any, Any], path: str | None = None) -> IndexPolicy:
    """The index policy with the weights of a file.

    Args:
        env: that it is going to act in.
        path: JSON file, as ``python -m experiments.search_index`` writes it; None: weights that ship.

    Raises:
        ConfigError: there is no such file, or it holds something else.
    """
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    weights = read_index_weights(SHIPPED if path is None else path)
    return IndexPolicy(simulation.compiled, env.num_envs, weights[None])
