"""`night-planner`: hosts what a battery can live on until the sun is back, and more where there is plenty.

Before an episode the policy looks at training episodes of the scenario: at mean demand, and at what is
harvested when. Each node with a battery gets a program over time of day, charge, sky and what it hosts
(`ChargeProgramme`); in every slot it asks for the mode that the program finds best for the charge and the
sky that were seen. It is causal: of the episode that is played it knows levels and what was harvested so
far.

Exact for one node with demand as in the mean training episode, skies that follow their chain, and requests
and loads that reach no queue but its own; but for the grid of levels. Left out: that nodes share links,
gateways and what they load; batteries of nodes at which nothing enters; swings of demand around the mean.
Other nodes hold what they pin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats, Instance
from idn_gym.policies.batteries.charge_programme import BatteryLimits, ChargeProgramme
from idn_gym.policies.batteries.hosting import Hosting
from idn_gym.policies.batteries.weather import learn_weather
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled

MOST_SLOTS = 2_000
"""Horizon up to which whole episodes are planned."""


@dataclass(frozen=True)
class NightPlannerConfig:
    """Horizon and resolution of the plan."""

    ahead: int | None = bounded(None, least=1)
    """[slots] that it looks at, the coming one among them; 1: that alone; null: all to come"""
    episodes: int = bounded(32, least=1, most=1000)
    """training episodes that demand and weather are learnt from"""
    skies: int = bounded(16, least=1, most=64)
    """classes of what is harvested"""
    points: int = bounded(48, least=2, most=1000)
    """levels of charge, on and off each"""
    modes: int = bounded(6, least=2, most=64)
    """that each node chooses from"""


class NightPlanner(PlacementPolicy):
    """See the head of the module.

    Attributes:
        nodes: (P,) that it plans for.
        programmes: of each of them.
    """

    def __init__(self, compiled: Compiled, rows: int, config: NightPlannerConfig, training: Instance) -> None:
        tables, hosting = compiled.tables, Hosting(compiled, training, training.draw.weights[0])
        self.nodes, self._ahead = hosting.nodes, config.ahead
        if not len(self.nodes):
            raise ConfigError("agent night-planner", "no node at which requests enter has a battery")
        self._store = tables.node_store[self.nodes]
        self._horizon: int = training.draw.demand.shape[1]
        self.programmes: list[ChargeProgramme] = []
        self._rows = []
        for z, (hosted, modes) in zip(self._store.tolist(), hosting.modes(config.modes), strict=True):
            limits = (tables.store_capacity, tables.store_least, tables.store_restart, tables.store_drain)
            battery = BatteryLimits(*(float(field[z]) for field in limits))
            weather = learn_weather(training.draw.refill[:, :, z], config.skies)
            self.programmes.append(ChargeProgramme(battery, modes, weather, config.points))
            self._rows.append(hosted)
        self._values: dict[tuple[int, int], list[Floats]] = {}
        self._sky = np.full((rows, len(self.nodes)), -1)
        self._hosted = np.zeros((rows, len(self.nodes)), np.int64)
        self._level = np.zeros((rows, len(self.nodes)))
        self._off = np.zeros((rows, len(self.nodes)), np.bool_)
        super().__init__(compiled, rows)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        tables = self.tables
        self._sky[rows] = -1
        self._hosted[rows] = [len(hosted) for hosted in self._rows]
        self._level[rows] = tables.store_start[self._store]
        self._off[rows] = (tables.store_start <= tables.store_least)[self._store]

    def update(self, feedback: Feedback) -> None:
        """Note what batteries hold, and the sky of the slot just played."""
        harvest = feedback.revealed.draw.refill[:, 0, self._store]
        self._level = feedback.after.level[:, self._store].copy()
        self._off = feedback.after.off[:, self._store].copy()
        for b in range(self.rows):
            t = int(min(self.slot[b] - 1, self._horizon - 1))
            for p, programme in enumerate(self.programmes):
                before = int(self._sky[b, p])
                self._sky[b, p] = programme.weather.sky(t, float(harvest[b, p]), before)
        resident = feedback.resident
        for p, (v, hosted) in enumerate(zip(self.nodes.tolist(), self._rows, strict=True)):
            for k, held in enumerate(hosted):
                self._hosted[(resident[:, v] == held).all(axis=1), p] = k

    def plan(self) -> None:
        for b in self.due(1, self._horizon):
            t = int(self.slot[b])
            end = self._horizon if self._ahead is None else min(t + self._ahead, self._horizon)
            for p, programme in enumerate(self.programmes):
                sky = int(self._sky[b, p])
                prices = programme.prices(
                    t,
                    float(self._level[b, p]),
                    bool(self._off[b, p]),
                    int(self._hosted[b, p]),
                    None if sky < 0 else sky,
                    self._after(p, t, end),
                )
                self.wanted[b, self.nodes[p]] = self._rows[p][int(np.argmin(prices))]

    def _after(self, p: int, t: int, end: int) -> Floats:
        """Values of slot t + 1 at a planned node, as far as slot `end`; kept, since rows share them."""
        whole = end == self._horizon
        key = p, -1 if whole else t
        if whole and key not in self._values:
            self._values[key] = self.programmes[p].values(0, end)
        if key not in self._values:
            self._values[key] = self.programmes[p].values(t, end)[:1]
        return self._values[key][t if whole else 0]
