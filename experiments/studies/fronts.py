"""Results of a study's fronts: indicators of each agent's front, with intervals and comparisons.

An agent's front is one point per preference: mean reward vectors over the episodes, in units of the
scenario's `objective_box`, so that a hypervolume is a share of the box. Episodes are the same for all
agents, so that differences are paired; what leaving each of them out does to an indicator says how sure it
is (`idn_gym.evaluation.intervals.jackknife`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.studies.envelope_run import EnvelopeRun, EpisodeEnvelopes
from experiments.studies.front_collapse import FrontShape, has_collapsed
from experiments.studies.front_config import FrontPart
from experiments.studies.front_run import DISCOUNT, FrontUnit, Returns
from idn_gym.core.arrays import Floats, Ints
from idn_gym.evaluation.intervals import (
    ITSELF,
    UNKNOWN,
    Interval,
    alone,
    around,
    half_width,
    improvement,
    jackknife,
)
from idn_gym.evaluation.pareto import (
    best_within,
    expected_utility,
    hypervolume,
    igd_plus,
    maximum_utility_loss,
    non_dominated_sorted,
    objective_box,
    sparsity,
)
from idn_gym.evaluation.tables import interval_text
from idn_gym.objective_records import OBJECTIVES
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

SMOOTH = ("hypervolume", "discounted_hypervolume", "expected_utility", "envelope_share")
"""Indicators with intervals. The others have kinks where a front touches that of foresight; there an interval
covers as little as half of what it should, so they have none."""


class Fronts:
    """All runs of one comparison of fronts.

    Attributes:
        front: configuration of the fronts.
        weights: (K, 5) preferences.
        returns: per agent its runs.
        records: per agent what its runs took.
    """

    def __init__(
        self, front: FrontPart, units: Sequence[FrontUnit], out: Path, envelopes: Sequence[EnvelopeRun] = ()
    ) -> None:
        """Read the runs of `units` and `envelopes` (one per episode, or none), all played, under `out`.

        Raises:
            FalseBoundError: an agent in the scenario of the front is outside of its envelope.
        """
        compiled = compile_scenario(load_scenario(front.scenario, front.overrides))
        self.front, self.scales, self.box = front, compiled.scales, objective_box(compiled)
        self.envelopes = EpisodeEnvelopes(compiled, envelopes, out) if envelopes else None
        self._volumes: dict[bytes, float] = {}
        self.weights = preference_lattice(units[0].divisions)
        self.returns: dict[str, list[Returns]] = {}
        self.records: dict[str, list[dict[str, Any]]] = {}
        for unit in units:
            self.returns.setdefault(unit.label, []).append(Returns.read(unit.file(out)))
            self.records.setdefault(unit.label, []).append(unit.read(out))
        self.slots = units[0].scenario.horizon
        self.episodes = units[0].episodes
        for entry in front.agents if self.envelopes else ():
            if not entry.overrides:  # which may allow what the scenario does not
                self._check(entry.name)

    @property
    def agents(self) -> list[str]:
        """Labels, in the order of the file."""
        return list(self.returns)

    def points(self, agent: str, episodes: Ints | None = None) -> list[Floats]:
        """Per run (K, 5) mean reward vectors per slot over the episodes."""
        chosen = np.arange(self.episodes) if episodes is None else episodes
        return [run.mean[:, chosen].mean(axis=1) for run in self.returns[agent]]

    def _check(self, agent: str) -> None:
        assert self.envelopes is not None
        for episodes in (np.arange(self.episodes), *np.arange(self.episodes)[:, None]):
            envelope = self.envelopes.over(episodes)
            for points in self.points(agent, episodes):
                envelope.check(points, agent)

    def volume(self, episodes: Ints | None = None) -> float:
        """Hypervolume of the envelope of means over the episodes; nan without an envelope."""
        if self.envelopes is None:
            return np.nan
        chosen = np.arange(self.episodes) if episodes is None else episodes
        key = chosen.tobytes()
        if key not in self._volumes:
            self._volumes[key] = self.envelopes.over(chosen).volume(self.box)
        return self._volumes[key]

    def rows(self) -> list[dict[str, Any]]:
        """One line per agent, largest hypervolume first."""
        pseudo = {agent: self.pseudo_values(agent) for agent in self.agents}
        rows = [self._row(agent, pseudo) for agent in self.agents]
        return sorted(rows, key=lambda row: -row["hypervolume"])

    def _row(self, agent: str, pseudo: dict[str, dict[str, Floats]]) -> dict[str, Any]:
        runs, records = self.points(agent), self.records[agent]
        row: dict[str, Any] = {
            "front": self.front.name,
            "agent": agent,
            "runs": len(runs),
            "points": len(self.weights),
            "non_dominated": float(np.mean([len(non_dominated_sorted(run)) for run in runs])),
        }
        for name, values in self.indicators(agent).items():
            half = float(half_width(pseudo[agent][name])) if name in SMOOTH else np.nan
            row |= interval_text(name, around(float(values.mean()), half))
        if self.envelopes is not None:
            row |= {"envelope": self.volume(), "envelope_gap": self.volume() - row["hypervolume"]}
        row |= self._collapse(agent)
        row["sparsity"] = float(np.mean([sparsity(self.box.place(run)) for run in runs]))
        ahead, wins = self._compared(agent, pseudo)
        row |= interval_text("compared_ahead", ahead) | interval_text("improvement", wins)
        for name in ("training_steps", "training_cpu_seconds", "cpu_seconds"):
            row[name] = float(np.mean([record[name] for record in records]))
        return row

    def _collapse(self, agent: str) -> dict[str, float]:
        """Distance of an agent's placements, and the number of its runs that have collapsed."""
        if self.front.planned is None:
            return {}
        reference, shapes = self._shapes(self.front.planned)[0], self._shapes(agent)
        return {
            "placements_apart": float(np.mean([shape.apart for shape in shapes])),
            "collapsed": sum(has_collapsed(shape, reference) for shape in shapes),
        }

    def _shapes(self, agent: str) -> list[FrontShape]:
        runs = zip(self.points(agent), self.records[agent], strict=True)
        # Of fronts that were played before it was written down, it is not known.
        return [FrontShape(self.box.place(run), record.get("apart", np.nan)) for run, record in runs]

    def _compared(self, agent: str, pseudo: dict[str, dict[str, Floats]]) -> tuple[Interval, Interval]:
        """Lead of the compared agent in hypervolume, and its probability in an episode."""
        compared = self.front.compared
        if compared is None:
            return UNKNOWN, UNKNOWN
        wins = improvement(self._by_episode(compared), self._by_episode(agent))
        if agent == compared:
            return ITSELF, alone(wins.estimate)
        mine, others = (self.indicators(name)["hypervolume"].mean() for name in (compared, agent))
        half = half_width(pseudo[compared]["hypervolume"], pseudo[agent]["hypervolume"])
        return around(float(mine - others), float(half)), wins

    def indicators(self, agent: str, episodes: Ints | None = None) -> dict[str, Floats]:
        """(R,) of the front of each run on these episodes; all of them: None."""
        chosen = np.arange(self.episodes) if episodes is None else episodes
        fronts, runs = self.points(agent, chosen), self.returns[agent]
        later = [self._undo_discount(run.discounted[:, chosen].mean(axis=1)) for run in runs]
        found = {
            "hypervolume": [self._hypervolume(front) for front in fronts],
            "discounted_hypervolume": [self._hypervolume(front) for front in later],
            "expected_utility": [expected_utility(self._scaled(front), self.weights) for front in fronts],
        }
        if self.envelopes is not None:
            volume = self.volume(chosen)
            share = 1.0 / volume if volume > 0.0 else np.nan  # of one that is empty or flat
            found["envelope_share"] = [value * share for value in found["hypervolume"]]
        if self.front.foresight is not None:
            foresight = self.points(self.front.foresight, chosen)[0]
            placed, best = self.box.place(foresight), self._scaled(foresight)
            found["igd_plus"] = [igd_plus(self.box.place(front), placed) for front in fronts]
            found["utility_loss"] = [
                maximum_utility_loss(self._scaled(front), best, self.weights) for front in fronts
            ]
        return {name: np.array(values) for name, values in found.items()}

    def pseudo_values(self, agent: str) -> dict[str, Floats]:
        """(R, E) of each indicator, as `jackknife` makes them; of a single episode nothing is left out."""
        whole, every = self.indicators(agent), np.arange(self.episodes)
        if self.episodes == 1:
            return {name: values[:, None] for name, values in whole.items()}
        without = [self.indicators(agent, np.delete(every, episode)) for episode in every]
        return {
            name: jackknife(values, np.stack([found[name] for found in without], axis=1))
            for name, values in whole.items()
        }

    def _hypervolume(self, points: Floats) -> float:
        return hypervolume(self.box.place(points), np.zeros(len(OBJECTIVES)))

    def _scaled(self, points: Floats) -> Floats:
        """Minus the costs in the scales that preferences weigh, accuracy as error."""
        return np.asarray((points - self.box.best) / self.scales)

    def _undo_discount(self, returns: Floats) -> Floats:
        """Discounted returns as weighted means over slots, so that the same box fits."""
        return np.asarray(returns / (DISCOUNT ** np.arange(self.slots)).sum())

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
                kept = {tuple(point) for point in non_dominated_sorted(points)}
                for weights, point in zip(self.weights, points, strict=True):
                    rows.append(
                        {"front": self.front.name, "agent": agent, "run": run}
                        | {f"weight_{name}": float(w) for name, w in zip(OBJECTIVES, weights, strict=True)}
                        | {name: float(value) for name, value in zip(OBJECTIVES, point, strict=True)}
                        | {"non_dominated": tuple(point) in kept}
                    )
        return rows
