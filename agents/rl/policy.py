"""Actor-critics for MultiDiscrete actions, with all dimensions in one tensor.

SB3 keeps a list with one distribution per dimension and loops over it in Python, which took most of the
training time for the dozens of dimensions of a placement. Here the dimensions are rows of one padded table.
The probabilities are the same, with and without masks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.distributions import MaskableDistribution, MaybeMasks
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.distributions import Distribution, MultiCategoricalDistribution
from stable_baselines3.common.policies import ActorCriticPolicy

MASKED_LOGIT = -1e9
"""Logit of a masked choice: its probability is 0, and 0 times the logit is still 0."""


_Kind = TypeVar("_Kind", bound=Distribution)


class PaddedChoices(MultiCategoricalDistribution):
    """Independent categorical choices, (batch, dimensions, most choices)."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.padding = torch.arange(max(sizes)) >= torch.tensor(sizes)[:, None]

    def proba_distribution_net(self, latent_dim: int) -> torch.nn.Module:
        """The layer for the logits of the whole table; padding has no weights to learn."""
        return torch.nn.Linear(latent_dim, self.padding.numel())

    def proba_distribution(self, action_logits: torch.Tensor) -> PaddedChoices:
        """Take the logits of the table, (batch, dimensions x most choices)."""
        table = action_logits.view(-1, *self.padding.shape)
        self.table = table.masked_fill(self.padding, MASKED_LOGIT)
        self.logs = self.table.log_softmax(dim=2)
        return self

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Log-probability of whole actions, (batch,)."""
        return self.logs.gather(2, actions.long()[:, :, None]).sum(dim=(1, 2))

    def entropy(self) -> torch.Tensor:
        """Entropy of whole actions, (batch,)."""
        return -(self.logs.exp() * self.logs).sum(dim=(1, 2))

    def sample(self) -> torch.Tensor:
        """Draw actions by the Gumbel-max trick, (batch, dimensions)."""
        gumbel = -torch.empty_like(self.logs).exponential_().log()
        return (self.logs + gumbel).argmax(dim=2)

    def mode(self) -> torch.Tensor:
        """Most probable actions, (batch, dimensions)."""
        return self.logs.argmax(dim=2)


class MaskedChoices(PaddedChoices, MaskableDistribution):
    """The same for the choices that a mask allows."""

    def apply_masking(self, masks: MaybeMasks) -> None:
        """Exclude choices that are False in `masks`, (batch, choices of all dimensions); None: none."""
        table = self.table
        if masks is not None:
            allowed = torch.as_tensor(masks, dtype=torch.bool).reshape(len(table), -1)
            forbidden = torch.ones_like(table, dtype=torch.bool)
            forbidden[:, ~self.padding] = ~allowed
            table = table.masked_fill(forbidden, MASKED_LOGIT)
        self.logs = table.log_softmax(dim=2)


class _Padded(Generic[_Kind]):
    """Replaces SB3's list of distributions with a padded table, before SB3 builds the networks."""

    choices: Callable[[list[int]], _Kind]
    action_space: spaces.Space[Any]
    action_dist: _Kind

    def _build(self, lr_schedule: Any) -> None:
        if isinstance(self.action_space, spaces.MultiDiscrete):
            self.action_dist = self.choices(self.action_space.nvec.tolist())
        super()._build(lr_schedule)  # type: ignore[misc]  # of the class that it is mixed into


class ChoicePolicy(_Padded[Distribution], ActorCriticPolicy):
    """SB3's ``MlpPolicy``; where actions are MultiDiscrete, with `PaddedChoices`."""

    choices = PaddedChoices


class RecurrentChoicePolicy(_Padded[Distribution], RecurrentActorCriticPolicy):
    """``MlpLstmPolicy`` of sb3-contrib; where actions are MultiDiscrete, with `PaddedChoices`."""

    choices = PaddedChoices


class MaskedChoicePolicy(_Padded[MaskableDistribution], MaskableActorCriticPolicy):
    """``MlpPolicy`` of ``MaskablePPO``; where actions are MultiDiscrete, with `MaskedChoices`."""

    choices = MaskedChoices
