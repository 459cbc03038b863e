"""A causal policy whose scores are learnt beside the sequences of a teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats
from idn_gym.policies.registry import POLICIES, build_policy

NEEDED = {"action": "scores", "observation": "graph"}
"""Codecs of a guide: those of the policy that learns from it."""

MIDDLE = 8.0
"""Scale of x in s = x / (1 + |x|): typical scores of the index, which x / (MIDDLE + |x|) separates well."""


class Guide:
    """Says how it scores what the policy observes."""

    def __init__(
        self, name: str, env: VectorEnv[Any, Any, Any], options: Mapping[str, Any] | None = None
    ) -> None:
        """Build it.

        Args:
            name: of the registry.
            env: native vector environment with the codecs that it needs.
            options: of the policy.

        Raises:
            ConfigError: there is no such policy, or it acts through other codecs.
        """
        self._policy, self._state = build_policy(POLICIES, check_guide(name), env, dict(options or {})), None

    def scores(self, observation: Any) -> Floats:
        """Scores of all pairs (B, C), between -1 and 1, in the order and with the signs of its actions."""
        given, self._state = self._policy.predict(observation, self._state, None, True)
        exact = np.asarray(given, float)
        odds = exact / np.maximum(1.0 - np.abs(exact), 1e-6)
        found: Floats = odds / (MIDDLE + np.abs(odds))
        return found


def check_guide(name: str) -> str:
    """The name, if a policy has it that can guide.

    Raises:
        ConfigError: there is no such policy, or it acts through other codecs.
    """
    able = [other for other, entry in POLICIES.items() if entry.codecs == NEEDED]
    if name not in able:
        wanted = f"allowed: {', '.join(able)}, which score what they observe as a graph"
        raise ConfigError("agent.imitation.guide", f"{show(name)} is not allowed; {wanted}")
    return name
