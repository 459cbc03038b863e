"""Builders of learners that move fractions, as the registry calls them: mirrors, leaders, experts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idn_gym.config_reader import from_plain
from idn_gym.core.arrays import Residents
from idn_gym.policies.heuristics.policies import static_greedy_placement
from idn_gym.policies.online.experts import Hedge, HedgeConfig
from idn_gym.policies.online.mirror import MirrorAscent, MirrorConfig
from idn_gym.policies.online.mirror_state import Update
from idn_gym.policies.online.optimistic import Optimistic, OptimisticConfig
from idn_gym.policies.online.smoothed_ader import SmoothedAder, SmoothedAderConfig
from idn_gym.policies.online.warm_start import GREEDY, WarmStartConfig
from idn_gym.scenarios.compile import Compiled

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]

SPLIT_DEFAULTS = {"splits": True, "joint": True, "coupled": True}
"""Parts on several nodes come together, and fractions that stay leave placements where they are."""


def infida(env: Env, **options: Any) -> MirrorAscent:
    """Mirror ascent in the entropy geometry, rounded in each period with exact means; see `MirrorConfig`."""
    return _mirror(env, options, Update(entropy=True, lazy=False))


def infida_coupled(env: Env, **options: Any) -> MirrorAscent:
    """INFIDA whose uniforms are frozen for an episode, so that it loads little."""
    return infida(env, **{"coupled": True, **options})


def infida_best_of_two(env: Env, **options: Any) -> MirrorAscent:
    """INFIDA that plays the better of two whole placements, within every budget, with frozen uniforms."""
    return infida(env, **{"rounding": "best-of-two", "coupled": True, **options})


def infida_lazy(env: Env, **options: Any) -> MirrorAscent:
    """INFIDA whose nodes are rounded again after a drift by 5 % of their budgets, uniforms frozen."""
    return infida(env, **{"coupled": True, "drift": 0.05, **options})


def oga(env: Env, **options: Any) -> MirrorAscent:
    """Mirror ascent in the Euclidean geometry: online gradient ascent."""
    return _mirror(env, options, Update(entropy=False, lazy=False))


def ftrl_entropy(env: Env, **options: Any) -> MirrorAscent:
    """Follow the regularised leader, entropy."""
    return _mirror(env, options, Update(entropy=True, lazy=True))


def ftrl_euclid(env: Env, **options: Any) -> MirrorAscent:
    """Follow the regularised leader, Euclidean."""
    return _mirror(env, options, Update(entropy=False, lazy=True))


def infida_adahedge(env: Env, **options: Any) -> Hedge:
    """INFIDA without tuning; see `HedgeConfig`."""
    config = from_plain(HedgeConfig, options, "agent")
    return Hedge(_compiled(env), env.num_envs, config, _started_from(env, config))


def infida_adahedge_smoothed(env: Env, **options: Any) -> Hedge:
    """INFIDA without tuning whose experts pay for how they move; see `HedgeConfig`."""
    return infida_adahedge(env, **{"load_price": None, "coupled": True, **options})


def smoothed_ader(env: Env, **options: Any) -> SmoothedAder:
    """A grid of fixed steps whose experts pay for how they move; see `SmoothedAderConfig`."""
    options = {"load_price": None, "coupled": True, **options}
    return SmoothedAder(_compiled(env), env.num_envs, from_plain(SmoothedAderConfig, options, "agent"))


def infida_optimistic(env: Env, **options: Any) -> Optimistic:
    """INFIDA that leans on hints of the next supergradient; see `OptimisticConfig`."""
    return Optimistic(_compiled(env), env.num_envs, from_plain(OptimisticConfig, options, "agent"))


def oga_splits(env: Env, **options: Any) -> MirrorAscent:
    """Online gradient ascent on the gain of the best routing; see `OnlineConfig.splits`."""
    return oga(env, **{**SPLIT_DEFAULTS, **options})


def infida_splits(env: Env, **options: Any) -> MirrorAscent:
    """INFIDA on the gain of the best routing."""
    return infida(env, **{**SPLIT_DEFAULTS, **options})


def infida_adahedge_splits(env: Env, **options: Any) -> Hedge:
    """INFIDA without tuning on the gain of the best routing."""
    return infida_adahedge(env, **{**SPLIT_DEFAULTS, **options})


def _mirror(env: Env, options: dict[str, Any], geometry: Update) -> MirrorAscent:
    config = from_plain(MirrorConfig, options, "agent")
    return MirrorAscent(_compiled(env), env.num_envs, config, geometry, _started_from(env, config))


def _started_from(env: Env, config: WarmStartConfig) -> Residents | None:
    """The placement that a warm start takes over, if it is that of a policy."""
    return static_greedy_placement(env) if config.start == GREEDY else None


def _compiled(env: Env) -> Compiled:
    return env.unwrapped.simulation.compiled  # type: ignore[attr-defined]
