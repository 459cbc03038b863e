"""The policy protocol: any object with Stable-Baselines3's ``predict``.

One evaluation loop therefore serves trained networks, heuristics and online learners. Your own policy either
defines `predict`, or subclasses `Policy` and defines `act`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy.typing as npt

from idn_gym.core.arrays import Bools, Instance, Outcome, Residents, State

Choice = tuple[npt.NDArray[Any], Any]
"""Actions (n, ...) of n environments, and the state for the next call."""


class Feedback(NamedTuple):
    """Information that a slot reveals after it has been played, one row per environment."""

    revealed: Instance  # the slot as an instance with one slot (T = 1): batches, resources, tariff
    before: State  # the state at the start of the slot
    after: State
    outcome: Outcome

    @property
    def resident(self) -> Residents:
        """(B, N, M) the placement that served the slot, including segments that arrived within it."""
        return self.after.resident


@runtime_checkable
class Policy(Protocol):
    """Chooses the placements of a batch of environments from their observations.

    This is a protocol: any object with such a `predict` is a policy. It is also a base class for policies
    that only define ``act(self, observation, state, start, deterministic) -> Choice``, with the arguments of
    `predict`.
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
            state: the state that the previous call returned; None before the first call.
            episode_start: (n,) which environments were just reset; None: none of them.
            deterministic: take the best action instead of sampling one.

        Returns:
            The actions, (n, ...), and the state for the next call.
        """
        subclass: Any = self  # `act` is not part of the protocol: policies of other packages lack it
        chosen: Choice = subclass.act(observation, state, episode_start, deterministic)
        return chosen


@runtime_checkable
class OnlinePolicy(Policy, Protocol):
    """A policy that also learns, while it acts, from the slots it has played."""

    def update(self, feedback: Feedback) -> None:
        """Learn from the slot just played."""
        ...
