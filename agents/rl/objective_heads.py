"""Critics with one head per objective, each of which learns returns in its own unit."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn

from agents.rl.graph import GraphPolicy
from agents.rl.policy import ChoicePolicy

FORGETTING = 0.05
"""Share of running means that a rollout replaces; larger at first, when they are means of all so far."""

LEAST_SPREAD = 1e-3
"""Minimum standard deviation, in units of the scalar reward: returns of some objectives never change."""


class _Heads(ActorCriticPolicy):
    """Mixin for PPO policies.

    Head d outputs ``(R_d - mean_d) / spread_d``, with R_d the discounted return of objective d. Mean and
    spread are running statistics and part of the weights; when they change, the last layer is rescaled so
    that the expected returns stay the same (PopArt, van Hasselt et al. 2016).
    """

    seen: Tensor  # () rollouts so far
    mean: Tensor  # (D,) of returns
    square: Tensor  # (D,) running mean of squared returns

    def __init__(self, *args: Any, heads: int, **options: Any) -> None:
        self.heads = heads
        super().__init__(*args, **options)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "heads": self.heads}

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        critic: Any = self.value_net
        layers: list[Any] = list(critic) if isinstance(critic, nn.Sequential) else [critic]
        # In double precision: the square of a mean is subtracted from a mean square.
        for name, value in (("seen", ()), ("mean", self.heads), ("square", self.heads)):
            self.register_buffer(name, torch.zeros(value, dtype=torch.float64))
        self.value_net = nn.Sequential(*layers[:-1], nn.Linear(layers[-1].in_features, self.heads))  # type: ignore[assignment]
        rate, others = lr_schedule(1), self.optimizer_kwargs
        self.optimizer = self.optimizer_class(self.parameters(), lr=rate, **others)  # type: ignore[call-arg]

    @property
    def spread(self) -> Tensor:
        """(D,) standard deviation of returns; 1 before the first rollout."""
        if not self.seen:
            return torch.ones_like(self.mean)
        return (self.square - self.mean**2).clamp(min=LEAST_SPREAD**2).sqrt()

    def expected_returns(self, said: Tensor) -> Tensor:
        """Outputs of heads (..., D) in units of the scalar reward."""
        return said * self.spread + self.mean

    def in_heads_units(self, returns: Tensor) -> Tensor:
        """Returns (..., D) in units of the heads."""
        return (returns - self.mean) / self.spread

    def follow(self, returns: Tensor) -> None:
        """Update with a rollout's returns (..., D), without changing the expected returns."""
        mean, spread = self.mean.clone(), self.spread
        rows = returns.reshape(-1, self.heads).to(torch.float64)
        self.seen += 1
        share = max(FORGETTING, 1.0 / float(self.seen))
        self.mean += share * (rows.mean(dim=0) - self.mean)
        self.square += share * ((rows**2).mean(dim=0) - self.square)
        last: Any = self.value_net
        with torch.no_grad():
            last[-1].weight.mul_((spread / self.spread)[:, None])
            last[-1].bias.copy_((last[-1].bias * spread + mean - self.mean) / self.spread)


class HeadsPolicy(_Heads, ChoicePolicy):
    """The policy for flat observations."""


class HeadsGraphPolicy(_Heads, GraphPolicy):
    """The graph policy. Its weights fit scenarios with the same number of objectives in force."""

    @property
    def further_options(self) -> dict[str, Any]:
        return {"heads": self.heads}
