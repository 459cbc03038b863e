"""The program of one battery: what is best to host at each time of day, charge and sky.

A node hosts one of K *modes*, which answer its requests at some cost and joules per slot. The program goes
back from the last slot: Value[t][off, mode, level, sky] is the least expected cost of the slots from t on,
if the battery has that level, the node hosts that mode, and that is the sky of slot t - 1. What is harvested
in slot t is not known when its mode is chosen. Levels follow the law of `core.stores`: harvest comes, idling
drains, a load and the requests draw what is left above the cut-off, what is above the capacity is spilled; a
battery at its cut-off is off and costs a drop of every request until its restart level is reached. Between
the levels of a grid values are linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.policies.batteries.weather import Weather

LEAST_NEED = 1e-12
"""[J] below which a slot needs nothing."""


@dataclass(frozen=True)
class BatteryLimits:
    """One store of `Tables`, in [J]."""

    capacity: float
    least: float
    """cut-off"""
    restart: float
    drain: float
    """per slot, by idling"""


@dataclass(frozen=True)
class Modes:
    """Modes that a node may host, K of them, in T slots."""

    cost: Floats
    """(T, K) of the node's requests"""
    joules: Floats
    """(T, K) that they draw"""
    drop: Floats
    """(T,) cost if all of them are dropped"""
    switch: Floats
    """(K + 1, K) cost of a load, from each mode, the last row from nothing"""
    fetch: Floats
    """(K + 1, K) [J] of the node's battery that it draws"""


class ChargeProgramme:
    """Values of the slots from some slot on, and what they say is best.

    Attributes:
        levels: (2, n) [J] the grid of levels while the battery is on, and while it is off.
    """

    def __init__(self, battery: BatteryLimits, modes: Modes, weather: Weather, points: int) -> None:
        """Set up the grid.

        Args:
            battery: of the node.
            modes: of the node.
            weather: of the node.
            points: levels n of the grid.
        """
        self.battery, self.modes, self.weather = battery, modes, weather
        top = max(battery.restart, battery.least, LEAST_NEED)
        self.levels = np.stack(
            [np.linspace(battery.least, battery.capacity, points), np.linspace(0.0, top, points)]
        )

    def values(self, first: int, end: int) -> list[Floats]:
        """Values of slots first + 1, ..., end, where nothing is worth anything from `end` on.

        Returns:
            end - first arrays (2, K + 1, n, G), by whether the battery is off, what is hosted (the last:
            nothing), level and sky.
        """
        shape = (2, len(self.modes.switch), self.levels.shape[1], len(self.weather.share))
        found = [np.zeros(shape)]
        for t in range(end - 1, first, -1):
            value = np.empty(shape)
            chances = self.weather.chances(t)
            for off in (0, 1):
                expected = self._outcomes(t, off, self.levels[off], found[-1])  # (K + 1, n, K, G')
                value[off] = (expected @ chances.T).min(axis=2)
            found.append(value)
        return found[::-1]

    def prices(self, t: int, level: float, off: bool, hosted: int, sky: int | None, after: Floats) -> Floats:
        """Expected cost (K,) of the slots from `t` on by the mode that is chosen in slot `t`.

        Args:
            t: slot.
            level: [J] before it.
            off: whether the battery is.
            hosted: mode that the node hosts; K: none.
            sky: of the slot before; None: none has been seen.
            after: values of slot t + 1, as of `values`.
        """
        outcomes = self._outcomes(t, int(off), np.array([level]), after)[hosted, 0]
        chances = self.weather.chances(t)
        weights = self.weather.first @ chances if sky is None else chances[sky]
        expected: Floats = outcomes @ weights
        return expected

    def _outcomes(self, t: int, off: int, levels: Floats, after: Floats) -> Floats:
        """(K + 1, n, K, G) cost of slot t and later slots: mode held, level before, mode chosen, sky of t."""
        battery, modes = self.battery, self.modes
        stock = (levels[:, None] + self.weather.harvest(t))[None, :, None, :]
        resting = np.logical_and(off == 1, stock < battery.restart)
        drained = np.minimum(stock, battery.drain)
        spare = np.maximum(0.0, stock - drained - battery.least)
        need = (modes.joules[t] + modes.fetch)[:, None, :, None]
        share = np.minimum(1.0, spare / np.maximum(need, LEAST_NEED))
        served = modes.cost[t][None, None, :, None]
        cost = modes.switch[:, None, :, None] + modes.drop[t] + share * (served - modes.drop[t])
        left = np.minimum(stock - drained, battery.least) + spare - np.minimum(spare, need)
        on = np.where(left <= battery.least, 1, 0)
        last, count = len(modes.switch) - 1, after.shape[2]
        asked, sky = np.arange(last)[None, None, :, None], np.arange(after.shape[3])
        cost = cost + self._between(after, on, asked, np.minimum(left, battery.capacity), sky, count)
        if not resting.any():
            return cost
        held = np.arange(last + 1)[:, None, None, None]
        rest = np.minimum(stock, battery.capacity)
        idle = modes.drop[t] + self._between(after, np.ones(1, np.int64), held, rest, sky, count)
        return np.where(resting, idle, cost)

    def _between(
        self, after: Floats, off: Ints, hosted: Ints, level: Floats, sky: Ints, count: int
    ) -> Floats:
        """Values between the levels of the grid."""
        low, high = self.levels[off, 0], self.levels[off, -1]
        place = (count - 1) * np.clip((level - low) / np.maximum(high - low, LEAST_NEED), 0.0, 1.0)
        below = np.minimum(place.astype(np.int64), count - 2)
        part = place - below
        found: Floats = (1.0 - part) * after[off, hosted, below, sky] + part * after[
            off, hosted, below + 1, sky
        ]
        return found
