"""Builders of learners on fractions of all segments; they need the extra `solve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idn_gym.policies.online.build import infida, infida_adahedge, oga
from idn_gym.policies.online.experts import Hedge
from idn_gym.policies.online.mirror import MirrorAscent

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]

SPLIT_DEFAULTS = {"splits": True, "joint": True, "coupled": True}
"""Parts on several nodes come together, and fractions that stay leave placements where they are."""


def oga_splits(env: Env, **options: Any) -> MirrorAscent:
    """Online gradient ascent on the gain of the best routing; see `OnlineConfig.splits`."""
    return oga(env, **{**SPLIT_DEFAULTS, **options})


def infida_splits(env: Env, **options: Any) -> MirrorAscent:
    """INFIDA on the gain of the best routing."""
    return infida(env, **{**SPLIT_DEFAULTS, **options})


def infida_adahedge_splits(env: Env, **options: Any) -> Hedge:
    """INFIDA without tuning on the gain of the best routing."""
    return infida_adahedge(env, **{**SPLIT_DEFAULTS, **options})
