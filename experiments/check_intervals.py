"""Simulate the coverage of the intervals: ``python -m experiments.check_intervals``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import (
    LEAST_FOR_IQM,
    Interval,
    half_width,
    improvement,
    interquartile_interval,
    jackknife,
    relative_difference,
)
from idn_gym.evaluation.pareto import expected_utility, hypervolume
from idn_gym.objective_records import OBJECTIVES
from idn_gym.preferences import preference_lattice

Law = Literal["normal", "lognormal"]
SEEDS = (2, 3, 5, 10, 30)
CROSSED = ((2, 3), (2, 20), (3, 3), (3, 5), (3, 20), (5, 20), (10, 30))
"""Numbers of trainings and of seeds."""
TRAINING_SHARES = (0.0, 0.3, 0.5, 0.7, 0.9, 0.95, 1.0)
"""Share of a mean's variance that is due to trainings; the rest is due to seeds."""
PROBABILITIES = (0.5, 0.8, 0.9, 0.95, 0.99)

CORRELATIONS = (-0.8, 0.0, 0.8)
"""Correlation of a difference with its baseline."""


def sample_errors(law: Law, size: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Numbers of mean 0."""
    values = rng.normal(size=size)
    return values if law == "normal" else np.exp(values) - np.exp(0.5)


def of_means(seeds: int, law: Law, repeats: int) -> float:
    """Coverage of the interval of a mean over seeds."""
    values = sample_errors(law, (repeats, 1, seeds), np.random.default_rng([1, seeds]))
    return _hit(values.mean(axis=(-2, -1)), half_width(values))


def of_differences(seeds: int, law: Law, repeats: int) -> float:
    """Coverage of a paired difference of 0, where most of the spread is common to both."""
    rng = np.random.default_rng([2, seeds])
    common = 3.0 * sample_errors(law, (repeats, 1, seeds), rng)
    values, baseline = (common + sample_errors(law, common.shape, rng) for _ in range(2))
    return _hit((values - baseline).mean(axis=(-2, -1)), half_width(values, baseline))


def of_shares(seeds: int, correlation: float, repeats: int) -> float:
    """Coverage of a difference as a share of the baseline; normal data with means of 2 and 8 deviations."""
    rng = np.random.default_rng([7, seeds, round(100 * correlation) + 100])
    common, own = rng.normal(size=(2, repeats, seeds))
    baseline = 8.0 + common
    values = baseline + 2.0 + correlation * common + np.sqrt(1.0 - correlation**2) * own
    return _share(map(relative_difference, values, baseline), 0.25)


def of_trainings(
    trainings: int, seeds: int, share: float, joint: float, repeats: int, against: int = 0
) -> float:
    """Coverage of a mean over trainings that all played the same seeds; normal data.

    Args:
        trainings: number of trainings.
        seeds: number of seeds.
        share: share of the mean's variance, without the joint part, that is due to trainings.
        joint: deviation of the joint effect of a training and a seed; 1: as much as the rest.
        repeats: repetitions of the simulation.
        against: number of trainings of another agent on the same seeds; the interval is that of the
            difference. 0: there is no other agent; 1: the other agent is not trained.
    """
    rng = np.random.default_rng([3, trainings, seeds])

    def play(count: int) -> Floats:
        own = np.sqrt(share * count) * rng.normal(size=(repeats, count, 1)) if count > 1 else 0.0
        return own + joint * np.sqrt(count * seeds) * rng.normal(size=(repeats, count, seeds))

    by_seed = np.sqrt((1.0 - share) * seeds) * rng.normal(size=(2, repeats, 1, seeds))
    values = play(trainings) + by_seed[0]
    if not against:
        return _hit(values.mean(axis=(-2, -1)), half_width(values))
    baseline = play(against) + by_seed[1]
    return _hit(values.mean(axis=(-2, -1)) - baseline.mean(axis=(-2, -1)), half_width(values, baseline))


def of_interquartile_means(seeds: int, tasks: int, repeats: int) -> float:
    """Coverage of the interquartile mean over tasks of different level on the same seeds; normal data."""
    rng, level = np.random.default_rng([4, seeds, tasks]), np.arange(tasks)
    common, own = rng.normal(size=(repeats, seeds, 1)), rng.normal(size=(repeats, seeds, tasks))
    return _share(map(interquartile_interval, level + 0.5 * common + own), float(level.mean()))


def of_improvements(seeds: int, probability: float, repeats: int) -> float:
    """Coverage of the interval of the probability of improvement."""
    ahead = np.random.default_rng([5, seeds]).random((repeats, seeds)) < probability
    return _share((improvement(row, 1.0 - row) for row in ahead.astype(float)), probability)


def of_fronts(runs: int, episodes: int, repeats: int) -> dict[str, float]:
    """Coverage of indicators of fronts of 20 points in five objectives; normal data.

    The points of a run differ, all of them vary together by episode, and each one varies by episode itself.
    """
    rng, weights = np.random.default_rng([6, runs, episodes]), preference_lattice(3)
    points = 0.2 + 0.6 * np.sqrt(weights + 0.02) / np.sqrt(weights + 0.02).sum(axis=1, keepdims=True)
    corner = np.zeros(len(OBJECTIVES))
    indicators: dict[str, Callable[[Floats], float]] = {
        "hypervolume": lambda front: hypervolume(front, corner),
        "expected utility": lambda front: expected_utility(front, weights),
    }
    by_run = 0.01 if runs > 1 else 0.0
    many = points + by_run * rng.normal(size=(400 if runs > 1 else 1, *points.shape))
    truth = {name: np.mean([value(front) for front in many]) for name, value in indicators.items()}
    held = {name: 0 for name in indicators}
    for _ in range(repeats):
        found = points[:, None] + by_run * rng.normal(size=(runs, len(points), 1, len(OBJECTIVES)))
        found = found + 0.05 * rng.normal(size=(episodes, len(OBJECTIVES)))
        found = found + 0.03 * rng.normal(size=found.shape)  # (runs, points, episodes, 5)
        fewer = [np.delete(found, e, axis=2).mean(axis=2) for e in range(episodes)]
        for name, value in indicators.items():
            whole = np.array([value(front) for front in found.mean(axis=2)])
            without = np.array([[value(front) for front in fronts] for fronts in fewer]).T
            held[name] += abs(whole.mean() - truth[name]) <= half_width(jackknife(whole, without))
    return {name: count / repeats for name, count in held.items()}


def _hit(found: Floats, half: Floats) -> float:
    """Return the share of intervals around the estimates that contain 0."""
    return float((np.abs(found) <= half).mean())


def _share(intervals: Iterable[Interval], truth: float) -> float:
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


def tables(repeats: int) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield title, head and lines of each table."""
    laws: tuple[Law, ...] = ("normal", "lognormal")
    head = ["seeds", *(f"{what}, {law}" for what in ("mean", "difference") for law in laws)]
    lines = [
        [str(n), *(f"{of(n, law, repeats):.3f}" for of in (of_means, of_differences) for law in laws)]
        for n in SEEDS
    ]
    yield "Means and paired differences", head, lines
    few = max(repeats // 10, 1)
    lines = [[str(n), *(f"{of_shares(n, c, few):.3f}" for c in CORRELATIONS)] for n in SEEDS]
    head = ["seeds", *(f"correlation {c:g}" for c in CORRELATIONS)]
    yield "Differences as shares of the baseline, normal", head, lines
    lines = []
    for r, n in CROSSED:
        alone, apart = (
            [of_trainings(r, n, s, joint, few, against) for s in TRAINING_SHARES for joint in (0.0, 0.5, 1.0)]
            for against in (0, r)
        )
        lines.append([f"{r} x {n}", *(f"{min(held):.3f} to {max(held):.3f}" for held in (alone, apart))])
    yield "Trainings x seeds, normal, whatever differs", ["trainings x seeds", "mean", "difference"], lines
    counts = (LEAST_FOR_IQM, 25, 30)
    lines = [[str(n), *(f"{of_interquartile_means(n, k, few):.3f}" for k in (1, 2, 4))] for n in counts]
    yield "Interquartile means, normal", ["seeds", "1 task", "2 tasks", "4 tasks"], lines
    lines = [[str(n), *(f"{of_improvements(n, p, few):.3f}" for p in PROBABILITIES)] for n in SEEDS]
    yield "Probability of improvement", ["seeds", *(f"true value {p:g}" for p in PROBABILITIES)], lines
    lines = []
    for runs, episodes in ((1, 3), (1, 10), (3, 5), (3, 20)):
        found = of_fronts(runs, episodes, max(repeats // 50, 1))
        lines.append([f"{runs} x {episodes}", *(f"{value:.3f}" for value in found.values())])
    yield "Fronts, normal", ["runs x episodes", "hypervolume", "expected utility"], lines


@dataclass(kw_only=True)
class CheckIntervalsCommand:
    """Simulate the coverage of the intervals.

    Prints the tables of docs/intervals.md. Samples are drawn thousands of times from a distribution with a
    known true value, and the share of 95 % intervals that contain it is counted: 0.95 is right; less means
    that the intervals are too narrow.
    """

    repeats: int = bounded(50_000, least=1, most=9_999_999)
    """repetitions of the cheapest simulation"""

    def run(self) -> None:
        """Simulate and print, table by table."""
        for title, head, lines in tables(self.repeats):
            print(f"\n{title}:\n")
            print_rows(head, lines)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckIntervalsCommand, words, "python -m experiments.check_intervals")


if __name__ == "__main__":
    main()
