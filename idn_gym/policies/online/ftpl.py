"""Plans by linear program: follow the perturbed leader, and the optimum of a window.

FTPL asks the oracle for the best placement of [sum of all batches + perturbation]^+, the perturbation being
one Gaussian per request class, drawn once per episode and growing as the root of time:

    x+ = oracle( [R_1 + ... + R_t + scale c sqrt(t + 1) Gamma]^+ ),  c = root mean square nominal batch.

Where the gain is linear in the batches (constant costs, no capacity binds) and with an exact oracle, the
expected regret is O(sqrt T) with factor 1 (Kalai and Vempala; not checked against the paper). The gap of
our oracle, a linear program whose vertex is rounded, is not covered, nor is one perturbation for many
slots against an adversary that sees it.

With `wait` it first waits, as W-FTPL of "On the regret of online edge service hosting" (arXiv 2303.06851)
does for one service. That paper's text could not be read here, so the form for networks is ours: nothing is
loaded until

    gain of the leader so far > wait B sqrt(t max(1, ln(1 + M / B))),

t slots being over, with the oracle's bound on what any placement of prefixes would have gained in them on the
left, B the same of one nominal slot, and M what loading the oracle's placement costs. This is asked whenever
a placement is due. From then on it is FTPL, which knows all batches. docs/learners.md has what waiting adds
to the regret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Floats, Instance, Residents
from idn_gym.objectives import known_tariff
from idn_gym.optimum.kept_program import KeptProgram
from idn_gym.optimum.load_prices import load_cost, option_price_per_byte
from idn_gym.optimum.lp_oracle import LpOracle
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.learner import Clock, PlacementPolicy
from idn_gym.policies.online.window import WindowPolicy
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


class PlacementOracle(Protocol):
    """Finds placements for demands, row by row."""

    def forget(self, row: int) -> None:
        """Restart a row."""
        ...

    def __call__(self, row: int, tariff: Floats, demand: Floats, slots: float) -> Residents:
        """The placement (N, M) of a row for a demand (R,) that was summed over so many slots."""
        ...

    def bounded(self, row: int, tariff: Floats, demand: Floats, slots: float) -> tuple[Residents, float]:
        """The same, and what no placement that it knows gains more than [cost]."""
        ...


class Oracles:
    """One oracle per tariff, built when it is first needed.

    Each row keeps a program of its own, and depends on nothing that another row or episode did.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._places = len(list_prefixes(compiled).node) > 0
        self._built: dict[tuple[float, ...], LpOracle] = {}
        self._kept: dict[int, tuple[LpOracle, KeptProgram]] = {}

    def forget(self, row: int) -> None:
        """Restart a row."""
        self._kept.pop(row, None)

    def __call__(self, row: int, tariff: Floats, demand: Floats, slots: float) -> Residents:
        """The placement (N, M) of a row for a demand (R,) that was summed over so many slots."""
        return self.bounded(row, tariff, demand, slots)[0]

    def bounded(self, row: int, tariff: Floats, demand: Floats, slots: float) -> tuple[Residents, float]:
        """The same, and what no placement of prefixes gains more than [cost]."""
        if not self._places:
            return self._compiled.tables.pinned.copy(), 0.0
        key = tuple(float(weight) for weight in tariff)
        if key not in self._built:
            self._built[key] = LpOracle(self._compiled, tariff)
        oracle = self._built[key]
        if row not in self._kept or self._kept[row][0] is not oracle:
            self._kept[row] = oracle, oracle.begin()
        found = oracle(demand, slots, self._kept[row][1])
        return found, float(oracle.bound)


@dataclass(frozen=True)
class FtplConfig:
    """Size of the perturbation, and interval of plans."""

    scale: float = bounded(1.0, least=0)
    """of the perturbation, in nominal batches"""
    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""
    seed: int = bounded(0, least=0)
    wait: float = bounded(0.0, least=0)
    """how clear it must be that loading gains something: steady demand waits about wait^2 slots; 0: none"""
    load_price: float | None = bounded(0.0, least=0)
    """with `wait`: what loading all memory once costs, in serving cost per slot and nominal request; null: as
    the score charges it"""


class Ftpl(PlacementPolicy):
    """Follow the perturbed leader.

    Attributes:
        total: (B, R) [requests] batches so far.
        noise: (B, R) the Gaussians of the episode.
        waiting: (B,) whether nothing has been loaded yet, because of `wait`.
    """

    def __init__(
        self, compiled: Compiled, rows: int, config: FtplConfig, oracle: PlacementOracle | None = None
    ) -> None:
        super().__init__(compiled, rows, config.seed)
        classes = len(self.tables.class_task)
        self.config, self._oracle = config, Oracles(compiled) if oracle is None else oracle
        self.clock = Clock(rows, config.refresh, config.stretched)
        self.total, self.noise = np.zeros((rows, classes)), np.zeros((rows, classes))
        self._unit = float(np.sqrt(np.mean(self.tables.class_requests**2)))
        self._seen = np.zeros(rows, np.int64)
        self.waiting = np.zeros(rows, np.bool_)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self.total[rows], self._seen[rows] = 0.0, 0
        self.waiting[rows] = self.config.wait > 0.0
        compiled = self.compiled
        tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        for b in np.flatnonzero(rows):
            self._oracle.forget(int(b))
            self.noise[b] = self.rng[b].normal(size=self.noise.shape[1])
            if not self.waiting[b]:
                self._follow(int(b), tariff)

    def update(self, feedback: Feedback) -> None:
        """Add the batches up; plan where that is due."""
        draw = feedback.revealed.draw
        self.total += draw.demand[:, 0]
        self._seen += 1
        for b in np.flatnonzero(self.clock.tick()).tolist():
            self.waiting[b] = self.waiting[b] and not self._is_clear(b, draw.tariff[b], draw.weights[b])
            if not self.waiting[b]:
                self._follow(b, draw.tariff[b])

    def _is_clear(self, b: int, tariff: Floats, weights: Floats) -> bool:
        """Return whether the gain forgone so far exceeds the waiting threshold.

        An oracle that has not solved its program returns inf: an unknown gain does not exceed the threshold.
        """
        compiled, tables, slots = self.compiled, self.tables, float(self._seen[b])
        _, usual = self._oracle.bounded(b, tariff, tables.class_requests, 1.0)
        leader, gained = self._oracle.bounded(b, tariff, self.total[b], slots)
        load = load_cost(tables, leader, option_price_per_byte(compiled, self.config.load_price, weights))
        spread = max(1.0, np.log1p(load / usual)) if usual > 0.0 else 1.0
        return bool(np.isfinite(gained) and gained > self.config.wait * usual * np.sqrt(slots * spread))

    def _follow(self, b: int, tariff: Floats) -> None:
        size = self.config.scale * self._unit * np.sqrt(self._seen[b] + 1.0)
        demand = np.maximum(0.0, self.total[b] + size * self.noise[b])
        self.wanted[b] = self._oracle(b, tariff, demand, max(1.0, float(self._seen[b])))


@dataclass(frozen=True)
class WindowLpConfig:
    """Length of the window, and interval of plans."""

    window: int = bounded(10, least=1)
    """slots"""
    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""


class WindowLp(WindowPolicy):
    """The oracle's placement for the last slots, at nominal link rates and compute seconds."""

    def __init__(self, compiled: Compiled, rows: int, config: WindowLpConfig) -> None:
        super().__init__(compiled, rows, config.window, Clock(rows, config.refresh, config.stretched))
        self._oracle = Oracles(compiled)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        for b in np.flatnonzero(rows):
            self._oracle.forget(int(b))

    def best(self, window: Instance, b: int) -> Residents:
        slots = min(int(self._seen[b]), self.demand.shape[1])
        return self._oracle(b, window.draw.tariff[0], window.draw.demand[0, 0], float(slots))
