"""Builders of the combiners, as the registry calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from gymnasium.vector import VectorEnv

from agents.hybrid.experts import read_experts
from agents.hybrid.hinted import HintedCombiner, HintedConfig
from agents.hybrid.safe import SafeCombiner, SafeConfig
from agents.hybrid.thrift import Thrift, ThriftConfig
from agents.hybrid.weighted import AdaptiveConfig, FixedStepConfig, WeightedCombiner
from idn_gym.config_reader import from_plain

_Env = VectorEnv[Any, Any, Any]
_C = TypeVar("_C")

USUAL_EXPERTS = ("olag-aware", "infida-adahedge", "lru-aware", "static-greedy")
"""Default experts: two that move models when it pays, one with guarantees, one static."""

USUAL_SAFE = ("olag-aware", {"agent": "thrifty", "options": {"experts": ["infida-adahedge"]}})
"""Default experts of rule S: the learnt policy and its prior."""


def hybrid_hedge(env: _Env, experts: Sequence[Any] = USUAL_EXPERTS, **options: Any) -> WeightedCombiner:
    """Rule H: Hedge with few switches; see `FixedStepConfig`."""
    return WeightedCombiner(env, read_experts(experts, 2), _options(FixedStepConfig, options))


def hybrid_adahedge(env: _Env, experts: Sequence[Any] = USUAL_EXPERTS, **options: Any) -> WeightedCombiner:
    """Rule A: AdaHedge that follows changes; see `AdaptiveConfig`."""
    return WeightedCombiner(env, read_experts(experts, 2), _options(AdaptiveConfig, options))


def hybrid_safe(env: _Env, experts: Sequence[Any] = USUAL_SAFE, **options: Any) -> SafeCombiner:
    """Rule S: the first expert is the learnt policy, the second one the prior; see `SafeConfig`."""
    return SafeCombiner(env, read_experts(experts, 2, 2), _options(SafeConfig, options))


def hybrid_optimistic(
    env: _Env, experts: Sequence[Any] = ("olag-aware", "lru-aware"), **options: Any
) -> HintedCombiner:
    """Rule O: INFIDA with the experts' placements as hints; see `HintedConfig`."""
    return HintedCombiner(env, read_experts(experts, 1), _options(HintedConfig, options))


def thrifty(env: _Env, experts: Sequence[Any] = ("infida-adahedge",), **options: Any) -> Thrift:
    """One expert, whose loads are declined while they could exhaust its account; see `ThriftConfig`."""
    return Thrift(env, read_experts(experts, 1, 1), _options(ThriftConfig, options))


def _options(cls: type[_C], options: dict[str, Any]) -> _C:
    return from_plain(cls, options, "agent")
