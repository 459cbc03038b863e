"""Show the part of a front that weighted sums cannot reach: ``python -m experiments.concave_front``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from experiments.reports.style import COLOURS, GRID_STYLE, PLOT_WIDTH, save_figure
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, show
from idn_gym.core.arrays import Bools, Floats
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.evaluation.pareto import hypervolume, non_dominated_sorted
from idn_gym.files import file_name, writable_file
from idn_gym.optimum.schedule import all_placements
from idn_gym.optimum.search.kept_utility import (
    KeptVectors,
    VectorUtility,
    chebyshev_utility,
    climb_kept,
    front_between,
    linear_utility,
)
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

SCALARISED: dict[str, Callable[[Floats, Floats, Floats], VectorUtility]] = {
    "weighted sum": linear_utility,
    "Chebyshev": chebyshev_utility,
}

BOXES = "Chebyshev in boxes"

CORNERS = np.array([[1.0, 1e-6], [1e-6, 1.0]])
"""Weights for which a sum has its optimum at an end of the front."""

SAME = 1e-4
"""Two points count as one if they differ by less than this share of the front's range in every objective."""

STEEPEST = 1e4
"""Largest ratio of the two weights; its inverse is the smallest. Logarithms are spaced evenly."""


@dataclass(frozen=True, eq=False)
class EpisodeFront:
    """The front of static placements of one episode, and the points that searches find of it.

    Losses are shares of the front's range in each objective: 0 is the best of the front, 1 its worst.
    """

    front: Floats
    """(F, 2) losses"""
    supported: Bools
    """(F,) whether some weighted sum has its optimum there"""
    found: dict[str, Floats]
    """by scalarisation: (n, 2) losses of the points found with any of the weights"""
    played: dict[str, int]
    """number of placements that its search plays"""

    def reached(self, name: str, among: Bools) -> float:
        """Share of the marked points (F,) that a search finds; 1 where no point is marked."""
        near = np.abs(self.front[among][:, None] - self.found[name][None]).max(axis=2) < SAME
        return float(near.any(axis=1).mean()) if among.any() else 1.0

    def volume(self, name: str) -> float:
        """Hypervolume of a search's points as a share of the front's; the reference is the worst point."""
        worst = np.full(2, -1.1)
        return hypervolume(-self.found[name], worst) / hypervolume(-self.front, worst)


def episode_front(compiled: Compiled, seed: int, split: str, weights: int) -> EpisodeFront:
    """List the front of one episode, and search for it with weights from one extreme to the other.

    Args:
        compiled: a scenario with two objectives.
        seed: seed of the episode.
        split: split of the seed.
        weights: number of weights.
    """
    instance = build_instance(compiled.scenario, seed, split, [0.5, 0.5])
    listed = KeptVectors(compiled, instance)
    front = non_dominated_sorted(np.array([listed.vector(one) for one in all_placements(compiled)]))
    ideal = front.max(axis=0)
    size = ideal - front.min(axis=0)
    if not (size > 0.0).all():
        raise ConfigError("scenario", f"{compiled.scenario.name!r} is not allowed; its front is one point")
    losses = _distinct((ideal - front) / size)
    found, played = {}, {}
    for name, scalarise in SCALARISED.items():
        vectors, ends = KeptVectors(compiled, instance), []
        for ratio in np.geomspace(1.0 / STEEPEST, STEEPEST, weights):
            pair = np.array([ratio, 1.0]) / (1.0 + ratio)
            placement = climb_kept(vectors, scalarise(pair, ideal, size))
            ends.append((ideal - vectors.vector(placement)) / size)
        found[name], played[name] = _distinct(np.array(ends)), len(vectors.found)
    vectors = KeptVectors(compiled, instance)
    corners = [climb_kept(vectors, linear_utility(pair, ideal, size)) for pair in CORNERS]
    boxes = [vectors.vector(placement) for placement in front_between(vectors, corners)]
    found[BOXES], played[BOXES] = _distinct((ideal - np.array(boxes)) / size), len(vectors.found)
    return EpisodeFront(losses, _supported(losses), found, played)


def _distinct(losses: Floats) -> Floats:
    """Points without those that are close to another point and no better, by rising first objective."""
    kept: list[Floats] = []
    for point in losses[np.lexsort(losses.T[::-1])]:
        if not kept or point[1] < kept[-1][1] - SAME:
            kept.append(point)
    return np.array(kept)


def _supported(losses: Floats) -> Bools:
    """Return which points (F, 2), sorted by the first objective, are corners of the lower convex hull."""
    hull: list[int] = []
    for i, point in enumerate(losses):
        while len(hull) > 1:
            (ax, ay), (bx, by) = losses[hull[-2]], losses[hull[-1]]
            if (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax) > 0.0:
                break
            hull.pop()
        hull.append(i)
    return np.isin(np.arange(len(losses)), hull)


def plot_concave_front(found: EpisodeFront, names: Sequence[str]) -> Figure:
    """Draw the front, its convex hull, and the points that each search finds.

    Args:
        found: points of one episode.
        names: names of the two objectives.
    """
    figure, grid = plt.subplots(1, 3, figsize=(PLOT_WIDTH, 3.0), layout="constrained", sharey=True)
    for axes, (colour, (name, points)) in zip(grid, enumerate(found.found.items()), strict=True):
        axes.plot(*found.front[found.supported].T, color=COLOURS[7], lw=0.8, label="convex hull")
        axes.plot(*found.front.T, "o", mfc="none", color=COLOURS[7], ms=6, label="front")
        axes.plot(*points.T, "x", color=COLOURS[colour], ms=5, label="found")
        axes.set_title(name)
        axes.set_xlabel(f"{names[0]}: loss")
    grid[0].set_ylabel(f"{names[1]}: loss, share of the front's range")
    grid[0].legend()
    return figure


@dataclass(kw_only=True)
class ConcaveFrontCommand:
    """Compare weighted sums with Chebyshev utilities as ways to search for a front that is not convex.

    Every placement that fits is listed, so the front of static placements is known. Local searches then look
    for it with either utility, with the same weights from one extreme to the other, and with Chebyshev
    utilities in the boxes between the points found so far, without weights.
    Example: --scenario tiny-loads --seeds 10
    """

    scenario: str = "tiny-loads"
    """preset or YAML file with two objectives, small enough to list all placements"""
    split: Literal["train", "validation", "test"] = "test"
    """split of the seeds"""
    seeds: int = bounded(10, least=2)
    """number of episodes"""
    weights: int = bounded(41, least=2)
    """number of weights per episode and utility"""
    out: Path | None = None
    """PNG file for a picture of the first episode (default: front-NAME.png)"""
    changes: Changes = ()
    """changes to the scenario, such as horizon=24"""

    def run(self) -> None:
        """List, search, print and draw."""
        scenario = load_scenario(self.scenario, assignments(self.changes))
        compiled = compile_scenario(scenario)
        if len(scenario.objectives) != 2:
            raise ConfigError("scenario", f"must have two objectives, not {show(scenario.objectives)}")
        path = writable_file(self.out or Path(f"{file_name(f'front-{scenario.name}')}.png"))
        fronts = [episode_front(compiled, seed, self.split, self.weights) for seed in range(self.seeds)]
        with plt.rc_context(GRID_STYLE):
            save_figure(plot_concave_front(fronts[0], scenario.objectives), path)
        sizes = np.array([[len(one.front), one.supported.sum()] for one in fronts], float)
        print(f"points of the front: {mean_interval(sizes[:, 0]):.1f}; ", end="")
        print(f"on its convex hull: {mean_interval(sizes[:, 1]):.1f}; {self.seeds} episodes")
        head = ("search by", "found on the hull", "found behind it", "hypervolume", "placements played")
        print_rows(head, [_line(name, fronts) for name in fronts[0].found])
        print(path)


def _line(name: str, fronts: Sequence[EpisodeFront]) -> tuple[str, ...]:
    """A row of the table: means over episodes, with intervals."""
    columns = (
        [one.reached(name, one.supported) for one in fronts],
        [one.reached(name, ~one.supported) for one in fronts],
        [one.volume(name) for one in fronts],
    )
    shares = [f"{mean_interval(np.array(values)):.3f}" for values in columns]
    return (name, *shares, f"{np.mean([one.played[name] for one in fronts]):.0f}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(ConcaveFrontCommand, words, "python -m experiments.concave_front")


if __name__ == "__main__":
    main()
