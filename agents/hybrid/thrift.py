"""A learner that declines loads it cannot afford, so that its account never falls far below its maximum.

N is the gain over the repositories alone, loads included. A policy that pays for loads can lose in any slot,
as it is unknown whether requests for its loads will arrive; a policy whose net gain is never negative loads
nothing. This learner follows an expert, but loads only if N, without any request, would remain within W of
its maximum so far; otherwise it keeps its placement. So N never falls by more than W where capacity is
private, loading is instant and no placement serves at a higher cost than the repositories alone
(`unproven_gains`), and rule S (`slack.py`) can promise a share of N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from agents.hybrid.combiner import NO_EXPERT, Combiner, CombinerConfig
from agents.hybrid.experts import Expert
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, Bools, Floats, Residents
from idn_gym.core.geometry import bytes_to_load
from idn_gym.core.loading import held_segments
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.policy import Feedback


@dataclass(frozen=True)
class ThriftConfig(CombinerConfig):
    """Maximum fall of the account."""

    debt: float | None = bounded(None, least=0)
    """W [cost]; null: the price of loading all memory once"""


class Thrift(Combiner):
    """Follows its expert as far as its account allows.

    Attributes:
        drawdown: (B,) W [cost], for rule S.
    """

    counts_gains = True

    def __init__(
        self, env: VectorEnv[Any, Any, Any], experts: tuple[Expert, ...], config: ThriftConfig
    ) -> None:
        super().__init__(env, experts, config, beside=("cloud-only",))
        rows = env.num_envs
        self._debt = config.debt
        self._account, self._top = np.zeros((2, rows))
        self._price = np.zeros((rows, *self.compiled.tables.pinned.shape))
        self.drawdown = np.zeros(rows)
        if self._simulation.weights is not None:
            everywhere = np.ones(rows, np.bool_)
            self.declare(everywhere, np.repeat(self._simulation.weights[None], rows, axis=0))
            self.begin(everywhere)

    def begin(self, rows: Bools) -> None:
        task = self.compiled.tables.model_task
        for b in np.flatnonzero(rows):
            self._price[b] = byte_prices(self.compiled, self._weights[b])[:, task]
        self._account[rows] = self._top[rows] = 0.0
        self.drawdown[rows] = self.diameter[rows] if self._debt is None else self._debt

    def wanted(self) -> Residents:
        tables = self.compiled.tables
        wish, own = self.networks[0].held, held_segments(self._simulation.now)
        missing = np.where(tables.pinned == EMPTY, bytes_to_load(tables, wish, own), 0.0)
        price = (missing * self._price).sum(axis=(1, 2))
        pays = self._account - price >= self._top - self.drawdown
        self.followed = np.where(pays | (price == 0.0), 0, NO_EXPERT)
        found: Residents = np.where(self.followed[:, None, None] == 0, wish, own)
        return found

    def decide(self, feedback: Feedback, cost: Floats, virtual: Floats) -> None:
        self._account += self.networks[-1].cost - cost
        np.maximum(self._top, self._account, out=self._top)

    def readout(self) -> tuple[Floats, Floats, Floats, Floats]:
        none = np.full(len(self.followed), np.nan)
        return (self.followed == 0)[:, None].astype(float), none, none, none
