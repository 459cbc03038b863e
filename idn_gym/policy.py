"""What a policy is: anything with Stable-Baselines3's ``predict``.

So one evaluation loop serves trained networks, heuristics and online learners alike. A policy of one's own
either brings a `predict` or subclasses `Policy` and writes `act`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy.typing as npt

from idn_gym.core.arrays import Bools, Instance, Outcome, Residents, State

Choice = tuple[npt.NDArray[Any], Any]
"""Actions (n, ...) of n environments, and the state for the next call."""


class Feedback(NamedTuple):
    """What a slot has revealed once it is over, one row per environment."""

    revealed: Instance  # the slot as an instance of one slot (T = 1): batches, resources, tariff
    before: State  # what the slot began with
    after: State
    outcome: Outcome

    @property
    def resident(self) -> Residents:
        """(B, N, M) the placement that served it; what came within the slot included."""
        return self.after.resident


@runtime_checkable
class Policy(Protocol):
    """Chooses the placements of a batch of environments from what they observe.

    A protocol: whatever has such a `predict` is one. It is a base class as well, for policies that write
    ``act(self, observation, state, start, deterministic) -> Choice`` alone, the arguments as in `predict`.
    """

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Bools | None = None,
        deterministic: bool = True,
    ) -> Choice:
        """Choose one action per environment.

        Args:
            observation: batch of observations, (n, ...).
            state: what the previous call returned; None before the first call.
            episode_start: (n,) which environments were just reset; None: none of them.
            deterministic: take the best action instead of sampling one.

        Returns:
            The actions, (n, ...), and the state for the next call.
        """
        subclass: Any = self  # `act` is no part of the protocol: other packages' policies do without it
        chosen: Choice = subclass.act(observation, state, episode_start, deterministic)
        return chosen


@runtime_checkable
class OnlinePolicy(Policy, Protocol):
    """A policy that also learns from what happened while it acts."""

    def update(self, feedback: Feedback) -> None:
        """Learn from the slot just played."""
        ...
