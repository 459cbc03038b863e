"""Rule S: a learnt policy plays while its account allows; otherwise the prior's placement is played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from agents.hybrid.combiner import Combiner, DeclaringConfig
from agents.hybrid.experts import Expert
from agents.hybrid.slack import SlackBook, SlackTerms, slack_threshold
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import TRANSFER, Bools, Floats, Ints
from idn_gym.optimum.load_prices import update_prices
from idn_gym.policy import Feedback

LEARNT, PRIOR = 0, 1
"""Indices of the two experts."""

LOSS_TOLERANCE = 1e-9
"""Tolerance of sums of costs, as a share of B."""


@dataclass(frozen=True)
class SafeConfig(DeclaringConfig):
    """Options of rule S."""

    rho: float = bounded(0.9, above=0, most=1)
    """promised share of the prior's net gain"""
    allowance: float | None = bounded(None, least=0)
    """R [cost], allowed shortfall; null: twice what the learnt policy needs to play"""
    reload: float = bounded(1.0, least=0)
    """L [slots], assumed length of a move until a longer one occurs; where loads take time"""


class SafeCombiner(Combiner):
    """Rule S; see `slack.py`.

    Attributes:
        book: accounts.
        terms: declared constants.
        reload: (B,) L, the longest move so far [slots].
        takes_time: whether loads take time.
        dearer: (B,) slots that were served at a higher cost than by the repositories alone, loads left out,
            in the network or in the prior's; where loads are instant.
    """

    counts_gains = True

    def __init__(
        self, env: VectorEnv[Any, Any, Any], experts: tuple[Expert, ...], config: SafeConfig
    ) -> None:
        super().__init__(env, experts, config, beside=("cloud-only",))
        rows = env.num_envs
        self._safe, self.book = config, SlackBook(rows, config.rho)
        self.terms = SlackTerms(*np.zeros((3, rows)))
        self.takes_time = self.compiled.tables.loading == TRANSFER
        self.reload, self._allowance = np.zeros((2, rows))
        self.dearer: Ints = np.zeros(rows, np.int64)
        self._since: Ints = np.zeros(rows, np.int64)  # slots of the current move; 0: none
        if self._simulation.weights is not None:
            self.declare(np.ones(rows, np.bool_), np.repeat(self._simulation.weights[None], rows, axis=0))
            self._check(self._terms())

    def _terms(self) -> SlackTerms:
        """Declared constants; a prior with a bound on the fall of its account states it as `drawdown`."""
        drawdown = np.asarray(getattr(self.networks[PRIOR].policy, "drawdown", 0.0))
        return SlackTerms(self.largest, self.diameter, np.broadcast_to(drawdown, len(self.followed)))

    def most(self, served: float, diameter: float) -> float:
        return served

    def reached(self, virtual: Floats) -> Floats:
        return self.networks[-1].cost - virtual[:, PRIOR]

    def begin(self, rows: Bools) -> None:
        self.terms = self._terms()
        self.reload[rows] = self._safe.reload if self.takes_time else 0.0
        self._since[rows] = self.dearer[rows] = 0
        self._check(self.terms)
        needed = slack_threshold(self._safe.rho, self.terms, self.reload)
        own = self._safe.allowance
        self._allowance[rows] = (2.0 * needed if own is None else np.full(len(rows), own))[rows]
        self.book.begin(rows, self._allowance)
        self.followed[rows] = self._next()[rows]

    def _check(self, terms: SlackTerms) -> None:
        """Refuse an allowance that the prior alone may use up, or that never lets the learnt policy play."""
        own, slots = self._safe.allowance, self._env.unwrapped.horizon  # type: ignore[attr-defined]
        reload = self._safe.reload if self.takes_time else 0.0
        if own is None:
            return
        needed = float(slack_threshold(self._safe.rho, terms, reload).max())
        most = (1.0 - self._safe.rho) * float(terms.largest.max()) * slots
        fall = (1.0 - self._safe.rho) * float(terms.drawdown.max())
        if own < max(needed - most, fall):
            why = "for the learnt policy ever to play" if needed - most > fall else "for the promise"
            allowed = f"must be at least {max(needed - most, fall):.4g} {why}"
            raise ConfigError("allowance", f"{own:g} is not allowed; {allowed}")

    def decide(self, feedback: Feedback, cost: Floats, virtual: Floats) -> None:
        alone = self.networks[-1].cost
        self.book.enter(alone - cost, alone - virtual[:, PRIOR])
        if self.takes_time:
            self._time_moves(feedback)
        else:
            self._compare(alone, cost, virtual[:, PRIOR], feedback)
        after = self._next()
        self._since[after != self.followed] = 1
        self.followed = after

    def _time_moves(self, feedback: Feedback) -> None:
        """Record the length of moves: until the resident segments equal those of the followed expert."""
        own = np.stack([network.feedback.resident for network in self.networks[: len(self.names)]])
        own = own[self.followed, np.arange(len(self.followed))]
        there = (own == feedback.resident).all(axis=(1, 2))
        moving = self._since > 0
        np.maximum(self.reload, np.where(moving, self._since, 0.0), out=self.reload)
        self._since = np.where(moving & ~there, self._since + 1, 0)

    def _compare(self, alone: Floats, cost: Floats, prior: Floats, feedback: Feedback) -> None:
        """Count slots that were served at a higher cost than by the repositories alone."""
        compiled = self.compiled
        price = update_prices(compiled.tables, compiled.scales, self._weights, compiled.objectives)
        outcomes = feedback.outcome, self.networks[PRIOR].feedback.outcome
        own, other = (price * outcome.loaded.sum(axis=1) for outcome in outcomes)
        most = alone + LOSS_TOLERANCE * (alone + self.largest)
        self.dearer += (cost - own > most) | (prior - other > most)

    def _next(self) -> Ints:
        needed = slack_threshold(self._safe.rho, self.terms, self.reload)
        return np.where(self.book.slack >= needed, LEARNT, PRIOR)

    @property
    def learnt_plays(self) -> Bools:
        """(B,) whether the learnt policy plays the coming slot; valid once the slot has begun."""
        found: Bools = self.followed == LEARNT
        return found

    def readout(self) -> tuple[Floats, Floats, Floats, Floats]:
        weights = np.zeros((len(self.followed), 2))
        weights[np.arange(len(weights)), self.followed] = 1.0
        needed = slack_threshold(self._safe.rho, self.terms, self.reload)
        return weights, self.book.slack, needed, np.full(len(weights), np.nan)

    @property
    def assumed(self) -> Bools:
        """(B,) whether the promise's assumptions have held: B, W of the prior's account, serving costs."""
        kept = self.book.drawdown <= self.terms.drawdown + LOSS_TOLERANCE * self.largest
        found: Bools = kept & (self.exceeded == 0) & (self.dearer == 0)
        return found

    @property
    def notes(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "allowance": float(self._allowance[0]),
            "rho": self._safe.rho,
            "assumed": bool(self.assumed[0]),
        }
        found |= {"drawdown": float(self.book.drawdown[0]), "reload": float(self.reload[0])}
        found["dearer"] = int(self.dearer[0])
        return {**super().notes, **found}
