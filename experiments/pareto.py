"""What the fronts of a study come to: indicators of each agent's front, with intervals, and who is ahead.

An agent's front is one point per preference: mean reward vectors over the episodes, in units of the
scenario's `objective_box`, so that a hypervolume is a share of the box. Intervals are a bootstrap over
episodes, the same for all agents, so that differences are paired, and Student's t over training runs
(`idn_gym.evaluation.intervals.training_noise`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.front_config import Front
from experiments.front_unit import DISCOUNT, FrontUnit, Returns
from idn_gym.core.arrays import Floats, Ints
from idn_gym.evaluation.intervals import Interval, interval, training_noise
from idn_gym.evaluation.pareto import (
    best_within,
    expected_utility,
    hypervolume,
    igd_plus,
    maximum_utility_loss,
    non_dominated,
    objective_box,
    sparsity,
)
from idn_gym.objectives import OBJECTIVES, preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import resolve

REPEATS = 1_000
"""Bootstrap samples."""


class Fronts:
    """All runs of one comparison of fronts.

    Attributes:
        front: what was asked for.
        weights: (K, 5) preferences.
        returns: per agent its runs.
        records: per agent what its runs took.
    """

    def __init__(self, front: Front, units: Sequence[FrontUnit], out: Path) -> None:
        """Read the runs of `units`, all of them played, under `out`."""
        compiled = compile_scenario(resolve(front.scenario, front.overrides))
        self.front, self.scales, self.box = front, compiled.scales, objective_box(compiled)
        self.weights = preference_lattice(units[0].divisions)
        self.returns: dict[str, list[Returns]] = {}
        self.records: dict[str, list[dict[str, Any]]] = {}
        for unit in units:
            self.returns.setdefault(unit.label, []).append(Returns.read(unit.file(out)))
            self.records.setdefault(unit.label, []).append(unit.read(out))
        self.slots = units[0].scenario.horizon
        self.episodes = units[0].episodes

    @property
    def agents(self) -> list[str]:
        """Labels, in the order of the file."""
        return list(self.returns)

    def points(self, agent: str, episodes: Ints | None = None) -> list[Floats]:
        """Per run (K, 5) mean reward vectors per slot over the episodes."""
        chosen = np.arange(self.episodes) if episodes is None else episodes
        return [run.mean[:, chosen].mean(axis=1) for run in self.returns[agent]]

    def rows(self) -> list[dict[str, Any]]:
        """One line per agent, largest hypervolume first."""
        samples = self._resample()
        rows = [self._row(agent, samples) for agent in self.agents]
        return sorted(rows, key=lambda row: -row["hypervolume"])

    def _row(self, agent: str, samples: dict[str, dict[str, Floats]]) -> dict[str, Any]:
        runs, records = self.points(agent), self.records[agent]
        row: dict[str, Any] = {
            "front": self.front.name,
            "agent": agent,
            "runs": len(runs),
            "points": len(self.weights),
            "non_dominated": float(np.mean([len(non_dominated(run)) for run in runs])),
        }
        every = np.arange(self.episodes)
        mine = self._indicators(self.returns[agent], every)
        for name, value in mine.items():
            row |= spread(name, interval(value, samples[agent][name]))
        row["sparsity"] = float(np.mean([sparsity(self.box.place(run)) for run in runs]))
        nothing = Interval(*[np.nan] * 3)
        ahead = better = nothing
        if self.front.compared is not None:
            other = self._indicators(self.returns[self.front.compared], every)["hypervolume"]
            difference = samples[self.front.compared]["hypervolume"] - samples[agent]["hypervolume"]
            ahead = interval(other - mine["hypervolume"], difference)
            better = self._improvement(self.front.compared, agent)
        row |= spread("compared_ahead", ahead) | spread("improvement", better)
        for name in ("training_steps", "training_cpu_seconds", "cpu_seconds"):
            row[name] = float(np.mean([record[name] for record in records]))
        return row

    def _indicators(self, runs: Sequence[Returns], episodes: Ints) -> dict[str, float]:
        """Means over runs of the indicators of their fronts on these episodes."""
        fronts = [run.mean[:, episodes].mean(axis=1) for run in runs]
        later = [self._undo_discount(run.discounted[:, episodes].mean(axis=1)) for run in runs]
        found = {
            "hypervolume": np.mean([self._hypervolume(front) for front in fronts]),
            "discounted_hypervolume": np.mean([self._hypervolume(front) for front in later]),
            "expected_utility": np.mean(
                [expected_utility(self._scaled(front), self.weights) for front in fronts]
            ),
        }
        if self.front.foresight is not None:
            foresight = self.points(self.front.foresight, episodes)[0]
            placed, best = self.box.place(foresight), self._scaled(foresight)
            found["igd_plus"] = np.mean([igd_plus(self.box.place(front), placed) for front in fronts])
            found["utility_loss"] = np.mean(
                [maximum_utility_loss(self._scaled(front), best, self.weights) for front in fronts]
            )
        return {name: float(value) for name, value in found.items()}

    def _hypervolume(self, points: Floats) -> float:
        return hypervolume(self.box.place(points), np.zeros(len(OBJECTIVES)))

    def _scaled(self, points: Floats) -> Floats:
        """Minus the costs in the scales that preferences weigh, accuracy as error."""
        errors = points.copy()
        errors[:, 0] -= self.box.best[0]
        return np.asarray(errors / self.scales)

    def _undo_discount(self, returns: Floats) -> Floats:
        """Discounted returns as weighted means over slots, so that the same box fits."""
        return np.asarray(returns / (DISCOUNT ** np.arange(self.slots)).sum())

    def _resample(self) -> dict[str, dict[str, Floats]]:
        """Per agent and indicator its values in every bootstrap sample, with what new trainings would add."""
        rng = np.random.default_rng(0)
        drawn = rng.integers(self.episodes, size=(REPEATS, self.episodes))
        return {
            agent: self._samples(runs, drawn, np.random.default_rng([1, k]))
            for k, (agent, runs) in enumerate(self.returns.items())
        }

    def _samples(self, runs: Sequence[Returns], drawn: Ints, rng: np.random.Generator) -> dict[str, Floats]:
        samples = [self._indicators(runs, episodes) for episodes in drawn]
        each = [self._indicators([run], np.arange(self.episodes)) for run in runs]
        return {
            name: np.array([sample[name] for sample in samples])
            + training_noise(np.array([run[name] for run in each]), len(samples), rng)
            for name in samples[0]
        }

    def _improvement(self, agent: str, other: str) -> Interval:
        """Probability that a run of `agent` has more hypervolume than one of `other` in an episode.

        Agarwal et al. (2021), with episodes as tasks; a tie counts half.
        """
        mine, others = self._by_episode(agent), self._by_episode(other)
        wins = (mine[:, None] > others[None]) + 0.5 * (mine[:, None] == others[None])  # (R, R', E)
        rng = np.random.default_rng(0)
        samples = []
        for _ in range(REPEATS):
            first = rng.integers(len(mine), size=len(mine))
            second = rng.integers(len(others), size=len(others))
            episodes = rng.integers(self.episodes, size=self.episodes)
            samples.append(wins[np.ix_(first, second, episodes)].mean())
        return interval(float(wins.mean()), np.array(samples))

    def _by_episode(self, agent: str) -> Floats:
        """(R, E) hypervolume of each run's front in each episode."""
        return np.array(
            [[self._hypervolume(run.mean[:, e]) for e in range(self.episodes)] for run in self.returns[agent]]
        )

    def answers(self) -> list[dict[str, Any]]:
        """The queries: what each agent's front has to offer under constraints, means over its runs."""
        rows = []
        for query in self.front.queries:
            for agent in self.agents:
                found = [(run, best_within(run, query.best, query.least)) for run in self.points(agent)]
                chosen = [run[k] for run, k in found if k is not None]
                values = np.mean(chosen, axis=0) if chosen else np.full(len(OBJECTIVES), np.nan)
                rows.append(
                    {
                        "front": self.front.name,
                        "best": query.best,
                        "least": json.dumps(query.least),
                        "agent": agent,
                        "runs": len(found),
                        "runs_within": len(chosen),
                        **dict(zip(OBJECTIVES, values.tolist(), strict=True)),
                    }
                )
        return rows

    def table(self) -> list[dict[str, Any]]:
        """Every point: agent, run, preference and mean reward vector."""
        rows = []
        for agent in self.agents:
            for run, points in enumerate(self.points(agent)):
                kept = {tuple(point) for point in non_dominated(points)}
                for weights, point in zip(self.weights, points, strict=True):
                    rows.append(
                        {"front": self.front.name, "agent": agent, "run": run}
                        | {f"weight_{name}": float(w) for name, w in zip(OBJECTIVES, weights, strict=True)}
                        | {name: float(value) for name, value in zip(OBJECTIVES, point, strict=True)}
                        | {"non_dominated": tuple(point) in kept}
                    )
        return rows


def spread(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
