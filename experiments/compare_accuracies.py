"""Measure the cost of unknown accuracies: ``python -m experiments.compare_accuracies``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np

from experiments.training.play import open_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.options import EpisodeOptions
from idn_gym.commands.progress import steps
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.hidden_bound import bound_hidden_quality
from idn_gym.evaluation.intervals import mean_interval, paired_difference
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_quality import BANDIT, LISTED, InForce
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

PROBED = {"labels": 0.05, "alarm": 0.5, "disagreement": 0.05}
"""Share of answers whose label is bought, or of requests copied, where the scenario sets none; `alarm`:
after one."""

ORACLE = "oracle"

ACCURACY_HEAD = ("agent", "in force", "cost", "saved", "of oracle [%]", "accuracy", "update")
POINTS_HEAD = ("agent", "points", "cost", "saved", "accuracy", "loss", "regret", "proven")


class PlayedQuality(NamedTuple):
    """B episodes of an agent."""

    records: list[dict[str, float]]
    lost: Floats | None = None  # (B, R) loss of each class per slot, by what is heard; None: not counted
    proven: float = 0.0  # of regret per slot, mean over classes and models; 0: nothing


@dataclass(kw_only=True)
class CompareAccuraciesCommand(EpisodeOptions):
    """Play agents with every accuracy that serving may use, on the same episodes of hidden quality.

    Per agent and accuracy: the true cost, the saving over the first accuracy (paired, 95 % intervals), and
    its share of the saving of an oracle, which uses the true accuracy. The last line is a lower bound for
    every policy: each request takes the best option for its condition, no resource is ever full, and loads
    are free.

    Example: cloud-only lru-aware --scenario fashion-drift --seeds 40
    """

    agents: Positional[tuple[str, ...]] = ("cloud-only",)
    """names of agents"""
    scenario: str = "fashion-drift"
    """a scenario with hidden quality, or a YAML file"""
    accuracies: tuple[str, ...] = ()
    """values of `quality.accuracy`; empty: all that the scenario allows. Savings are over nominal, which is
    always played, or conditions where models adapt by a rule that needs a belief about these"""
    points: tuple[str, ...] = ()
    """values of `quality.points` to play instead of accuracies, such as listed bandit thrifty careful; the
    regret of the bandit is against the best of the named points, class by class and episode by episode"""
    out: Path | None = None
    """folder for accuracies.csv, one line per agent, accuracy or points, and episode"""
    changes: Changes = ()
    """changes to the scenario, such as quality.half_life=20"""

    def run(self) -> None:
        """Play, print and write."""
        for accuracy in self.accuracies:
            if accuracy not in get_args(InForce):
                wrong = f"{show(accuracy)} is not allowed; {closest(accuracy, get_args(InForce))}"
                raise ConfigError("--accuracies", wrong)
        scenario = load_scenario(self.scenario, assignments(self.changes))
        if scenario.quality is None:
            raise ConfigError(
                "--scenario", f"{show(self.scenario)} is not allowed; its quality is not hidden"
            )
        out = None if self.out is None else writable_folder(self.out, "--out")
        allowed = allowed_accuracies(scenario)
        names = list(dict.fromkeys(self.points or (allowed[0], *(self.accuracies or allowed))))
        what, change = ("points", by_points) if self.points else ("in_force", by_accuracy)
        worlds = {name: change(scenario, name) for name in names}
        lines: list[dict[str, Any]] = []
        rows = []
        for agent in self.agents:
            found = {name: self.play(agent, worlds[name]) for name in steps(f"worlds of {agent}", names)}
            cells = points_rows(found) if self.points else accuracy_rows(found)
            rows += [[agent, *row] for row in cells]
            for name, played in found.items():
                lines += [{"agent": agent, what: name, **record} for record in played.records]
        head = POINTS_HEAD if self.points else ACCURACY_HEAD
        bound = mean_interval(self.bound(scenario))
        rows.append(["no policy undercuts", "", f"{bound:.4f}", *[""] * (len(head) - 3)])
        print(f"{scenario.name}, seeds 0 to {self.seeds - 1}, {self.split}\n")
        print_rows(head, rows)
        if out is not None:
            write_csv(out / "accuracies.csv", lines)

    def play(self, agent: str, scenario: Scenario) -> PlayedQuality:
        """All episodes."""
        seeds = range(self.seeds)
        env, policy = open_agent(agent, scenario, seeds, self.split, self.weighing())
        try:
            records = rollout(policy, env, seeds).records()
            native: Any = env.unwrapped
            points = native.simulation.quality.points
            if points is None:
                return PlayedQuality(records)
            slots = np.maximum(1, points.slots)
            proven = float((points.bound() / slots[:, points.pair_class]).mean())
            return PlayedQuality(records, points.lost / slots, proven)
        finally:
            env.close()

    def bound(self, scenario: Scenario) -> Floats:
        """Mean cost per slot of each episode that no policy undercuts."""
        compiled = compile_scenario(scenario)
        found = []
        for seed in steps("bounds", range(self.seeds)):
            instance = build_instance(compiled.scenario, seed, self.split, self.weighing())
            found.append(float(bound_hidden_quality(compiled, instance, 0).mean()))
        return np.array(found)


def allowed_accuracies(scenario: Scenario) -> list[str]:
    """Values of `quality.accuracy` that go with the scenario's rule of adapting; the first always plays."""
    assert scenario.quality is not None
    rule, found = scenario.quality.adaptation, list[str]()
    for accuracy in get_args(InForce):
        with contextlib.suppress(ConfigError):
            if rule is not None:
                rule.check(accuracy)
            found.append(accuracy)
    return found


def by_accuracy(scenario: Scenario, accuracy: str) -> Scenario:
    """The scenario with that accuracy in force; labels are bought where it needs them."""
    changes: dict[str, Any] = {"quality.accuracy": accuracy}
    assert scenario.quality is not None
    if accuracy not in PROBED:
        changes["quality.probes.share"] = 0.0  # labels would not be used
    elif scenario.quality.probes.share == 0.0:
        changes["quality.probes.share"] = PROBED[accuracy]
    return load_scenario(scenario, changes)


def by_points(scenario: Scenario, points: str) -> Scenario:
    """The scenario with these operating points."""
    return load_scenario(scenario, {"quality.points": points})


def points_rows(found: dict[str, PlayedQuality]) -> list[list[str]]:
    """One row per value of `quality.points`, from episodes of the same seeds; saved: over the first one.

    The regret is against the best of the named points in hindsight, of each class and episode, as they were
    played.
    """
    cost = {name: _costs(played) for name, played in found.items()}
    first = next(iter(found))
    fixed = [
        played.lost
        for name, played in found.items()
        if name not in (LISTED, BANDIT) and played.lost is not None
    ]
    rows = []
    for name, played in found.items():
        saved = "-" if name == first else f"{paired_difference(cost[first], cost[name]):.4f}"
        right = mean_interval(np.array([row["accuracy"] for row in played.records]))
        loss = "-" if played.lost is None else f"{mean_interval(played.lost.mean(axis=1)):.4f}"
        regret = proven = "-"
        if name == BANDIT and fixed and played.lost is not None:
            regret = f"{mean_interval((played.lost - np.min(fixed, axis=0)).mean(axis=1)):.4f}"
            proven = f"{played.proven:.4f}"
        rows.append([name, f"{mean_interval(cost[name]):.4f}", saved, f"{right:.3f}", loss, regret, proven])
    return rows


def _costs(played: PlayedQuality) -> Floats:
    return -np.array([row["reward"] for row in played.records])


def accuracy_rows(found: dict[str, PlayedQuality]) -> list[list[str]]:
    """One row per accuracy in force, from the same episodes; saved: over the first one."""
    cost = {name: _costs(played) for name, played in found.items()}
    usual = next(iter(found))
    rows = []
    for name, played in found.items():
        saved = paired_difference(cost[usual], cost[name])
        most = float(np.mean(cost[usual] - cost[ORACLE])) if ORACLE in cost else 0.0
        share = f"{100.0 * saved.estimate / most:.0f}" if most > 0.0 else "-"
        right, update = (
            mean_interval(np.array([row[key] for row in played.records])) for key in ("accuracy", "update")
        )
        first = name == usual
        rows.append(
            [
                name,
                f"{mean_interval(cost[name]):.4f}",
                "-" if first else f"{saved:.4f}",
                "-" if first else share,
                f"{right:.3f}",
                f"{update:.4f}",
            ]
        )
    return rows


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CompareAccuraciesCommand, words, "python -m experiments.compare_accuracies")


if __name__ == "__main__":
    main()
