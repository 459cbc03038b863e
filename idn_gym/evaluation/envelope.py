"""Outer envelope of mean reward vectors, which no front can leave, proven preference by preference.

For weights w let B(w) be a lower bound on the weighted cost per slot of an episode, whatever is placed and
loaded (`idn_gym.optimum.dynamic.bound.dynamic_bound`). A policy that was told *another* preference v is
served by the tariff of v, which is selfish in another way than that of w. B(w) holds for it all the same:

- Where the tariff follows the preference, the program behind B(w) has no order of service at all. Its
  routing is free: any shares of the batches over the options that are in time, within capacity, where parts
  are held. Which options are in time, what they use, how long requests wait at least and what a drop counts
  are told by rates, speeds and timeouts, not by the tariff. So what selfish serving under v does in a slot
  is one point of the program of that slot, and the sequence of what is held and loaded is one of those whose
  loads are priced. Its cost under w is at least the least of all points. Options that save nothing under w
  have no column, but then a drop, which has one always, costs no more under w.
- Where a scenario has a tariff of its own (`serving.tariff`), rows about the order of service are part of
  the program (`bound_order`). That tariff serves under every preference, so the rows hold under v as well.

What the bound does not know are nodes that choose among links, and budgets that end an episode early, whose
means are those of fewer slots: such scenarios are refused.

Episodes are drawn before anything is played and do not depend on the preference. So with r the mean reward
vector over some episodes, s the scales, and A the requests per slot over the nominal ones, whose errors are
costs, every policy has  sum of w r / s <= w_accuracy A / s_accuracy - B(w). An intersection of such
half-spaces holds every point of every front, and the hypervolume of none is larger than that of the whole
intersection: its volume above the reference point, as weights are never negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, ERROR, Floats
from idn_gym.evaluation.pareto import Box
from idn_gym.objective_records import TABLE, Objective
from idn_gym.optimum.bracket import FalseBoundError
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance

OUTSIDE = 1e-6
"""Relative to the size of a bound, and absolute: tolerance for sums in another order."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """The half-spaces normal @ r <= most; K of them, D objectives, r a mean reward vector per slot."""

    normal: Floats  # (K, D) [cost per unit of the reward], never negative
    most: Floats  # (K,) [cost]

    def beyond(self, points: Floats) -> Floats:
        """Maximum distance by which points (n, D) exceed a bound (n,) [cost]; below 0: they are inside."""
        found: Floats = (np.asarray(points, float) @ self.normal.T - self.most).max(axis=1)
        return found

    def check(self, points: Floats, whose: str) -> None:
        """See that points (n, D) are inside.

        Raises:
            FalseBoundError: one is outside, so that the program behind a bound is wrong.
        """
        over = np.asarray(points, float) @ self.normal.T - self.most
        passed = over > OUTSIDE * (1.0 + np.abs(self.most))
        if passed.any():
            raise FalseBoundError(f"{whose} passes a bound of the envelope by {over[passed].max():g}")

    def volume(self, box: Box) -> float:
        """Volume above the worst corner of a box, in units of the box: no front has more hypervolume.

        Raises:
            DependencyNotInstalled: SciPy is missing.
        """
        size = box.best - box.worst
        rows = np.concatenate([self.normal * size, -np.eye(len(size))])
        limit = np.concatenate([self.most - self.normal @ box.worst, np.zeros(len(size))])
        length = np.linalg.norm(rows, axis=1)
        return _volume(rows / length[:, None], limit / length)

    def height(self, up: int, across: int, at: Floats) -> Floats:
        """Maximum reward of one objective given rewards (n,) of another, for any values of the others.

        Returns:
            (n,); nan where the other one cannot be as large.
        """
        others = np.delete(np.arange(self.normal.shape[1]), [up, across])
        # What weighs one of the others is met by giving that one up.
        rows = (self.normal[:, others] == 0.0).all(axis=1)
        normal, most = self.normal[rows], self.most[rows]
        room = most - np.outer(at, normal[:, across])  # (n, rows)
        flat = normal[:, up] == 0.0
        found: Floats = (room[:, ~flat] / normal[~flat, up]).min(axis=1)
        return np.where((room[:, flat] < 0.0).any(axis=1), np.nan, found)


def envelope_preferences(divisions: int, objectives: tuple[Objective, ...] = TABLE) -> Floats:
    """The weights (K, D) of a lattice as preferences have them, and once more as if loads cost nothing.

    The latter see what the former cannot: how much is possible where placements change all the time.

    Args:
        divisions: of `preference_lattice`.
        objectives: those in force.
    """
    weights = preference_lattice(divisions, objectives)
    requests = weights * [objective.per == "request" for objective in objectives]
    if not requests.any():
        return weights
    found: Floats = np.concatenate([weights, requests / requests.sum(axis=1, keepdims=True)])
    return np.unique(found, axis=0)


def episode_limits(
    scenario: Scenario, weights: Floats, seed: int, split: str = "test", seconds: float = 5.0
) -> Floats:
    """Bounds on the weighted rewards of one episode under every policy, and on each reward alone.

    Args:
        scenario: the scenario.
        weights: (K, D) preferences.
        seed: of the episode.
        split: of the seed.
        seconds: of processor time for each preference; what is not proven by then makes bounds weaker.

    Returns:
        (K + D,) most of sum of w r / s for each w; then most of r / s for each objective.

    Raises:
        ConfigError: nodes choose among links, budgets end episodes, or what is measured per slot is to be
            large: nothing bounds it.
        DependencyNotInstalled: SciPy is missing.
    """
    compiled = compile_scenario(scenario)
    if (compiled.tables.node_uplink != EMPTY).any():
        raise ConfigError("scenario", f"{scenario.name!r} is not allowed here; its nodes choose among links")
    if scenario.budgets.ends:
        raise ConfigError("budgets.ends", "True is not allowed here; means would cover fewer slots")
    for objective in compiled.objectives:
        if objective.measure is not None and objective.sense == "maximise":
            raise ConfigError(
                "objectives", f"{objective.name!r} is not allowed here; no bound is known for it"
            )
    found, arrived = [], 0.0
    for row in weights:
        instance = build_instance(scenario, seed, split, row.tolist())
        requests = float(instance.draw.demand[0].sum()) / scenario.horizon
        arrived = requests / compiled.tables.nominal_requests
        least = dynamic_bound(compiled, instance, seconds=seconds).least / scenario.horizon
        found.append(float(row @ _largest(compiled, arrived)) - least)
    return np.append(found, _largest(compiled, arrived))


def make_envelope(compiled: Compiled, weights: Floats, limits: Floats) -> Envelope:
    """The envelope of means over episodes.

    Args:
        compiled: the scenario.
        weights: (K, D) preferences.
        limits: (E, K + D) of `episode_limits`, one row per episode.
    """
    normal = np.concatenate([weights, np.eye(weights.shape[1])]) / compiled.scales
    return Envelope(normal, np.asarray(limits, float).mean(axis=0))


def outer_envelope(
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    divisions: int = 3,
    seconds: float = 5.0,
) -> Envelope:
    """Return the envelope that no policy's mean reward vectors over these episodes can leave.

    Args:
        scenario: the scenario.
        seeds: of the episodes.
        split: of the seeds.
        divisions: of `envelope_preferences`.
        seconds: of processor time for each preference and episode.

    Raises:
        ConfigError: see `episode_limits`.
        DependencyNotInstalled: SciPy is missing.
    """
    compiled = compile_scenario(scenario)
    weights = envelope_preferences(divisions, compiled.objectives)
    limits = [episode_limits(scenario, weights, seed, split, seconds) for seed in seeds]
    return make_envelope(compiled, weights, np.array(limits))


def _largest(compiled: Compiled, arrived: float) -> Floats:
    """(D,) what each reward is if nothing costs anything, over its scale; `arrived` per nominal request."""
    right = [objective.total == ERROR and objective.sense == "maximise" for objective in compiled.objectives]
    found: Floats = np.where(right, arrived, 0.0) / compiled.scales
    return found


def _volume(rows: Floats, limit: Floats) -> float:
    """Volume of rows @ x <= limit, rows of length 1; 0 where there is nothing or it is flat."""
    try:
        from scipy.optimize import linprog
        from scipy.spatial import ConvexHull, HalfspaceIntersection
    except ImportError as error:
        raise DependencyNotInstalled(
            'scipy is missing; run `pip install "idn-gym[solve]"` for envelopes of fronts'
        ) from error
    ball = np.column_stack([rows, np.ones(len(rows))])  # the largest one that fits: centre and radius
    gain = np.append(np.zeros(rows.shape[1]), -1.0)
    bounds = [(None, None)] * rows.shape[1] + [(0.0, None)]
    found: Any = linprog(gain, A_ub=ball, b_ub=limit, bounds=bounds, method="highs")
    if found.status != 0 or found.x[-1] < 1e-9:
        return 0.0
    if rows.shape[1] == 1:
        return float(2.0 * found.x[-1])
    corners = HalfspaceIntersection(np.column_stack([rows, -limit]), found.x[:-1]).intersections
    return float(ConvexHull(corners).volume)
