"""Figures of comparisons, for print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.agent_styles import AgentStyle
from experiments.reports.comparison_course import plot_comparison_course
from experiments.reports.direct_labels import fit_title
from experiments.reports.style import PLOT_STYLE, PLOT_WIDTH, save_figure
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import ITSELF, Interval, mean_interval, paired_difference
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.tables import COMPARISON_COLUMNS, DROP_COLUMNS
from idn_gym.files import file_name
from idn_gym.objective_records import find_objectives
from idn_gym.preferences import read_preference
from idn_gym.scenarios.config import Scenario

HEADINGS = {
    "latency_p50": "latency, median [ms]",
    "latency_p95": "latency, 95th pc. [ms]",
    "latency_p99": "latency, 99th pc. [ms]",
    "node_load_max": "busiest node [%]",
    "penalty_energy": "energy, drops [J]",
    "penalty_traffic": "traffic, drops [kB-hops]",
    "update": "loaded per slot [%]",
}
"""Titles of panels where the heading of the table's column needs its neighbours."""

MARGIN = 0.15
"""Room on either side of the dots of a panel, as a share of half their range."""

LEAST_RANGE = 0.01
"""Least range of a panel, as a share of its largest value."""

HIGHER_IS_BETTER = ("accuracy", "fairness", "lifetime")

NEITHER_IS_BETTER = ("node_load", "node_load_max", "link_load_max")
"""Columns of which neither low nor high is better."""


def plot_comparison(
    out: Path,
    scenario: Scenario,
    played: Mapping[str, Episodes],
    styles: Mapping[str, AgentStyle],
    reference: str,
    preference: Any = "balanced",
) -> list[Path]:
    """Write the figures of one scenario.

    Args:
        out: folder.
        scenario: what was played.
        played: episodes of each agent.
        styles: of the agents.
        reference: agent with which the others are compared.
        preference: weights of the scalar cost, as ``gym.make`` takes it.
    """
    weighed = preference_words(scenario, preference)
    with plt.rc_context(PLOT_STYLE):
        figures = {
            "cost": plot_costs(scenario, played, styles, reference, weighed),
            "objectives": plot_objectives(scenario, played, styles),
            "course": plot_comparison_course(scenario, played, styles, weighed),
        }
        stem = file_name(scenario.name)
        return [save_figure(figure, out / f"{stem}-{name}.png") for name, figure in figures.items()]


def preference_words(scenario: Scenario, preference: Any) -> str:
    """What the scalar cost weighs: "balanced preference", or the weights that are not 0."""
    if isinstance(preference, str):
        return f"{preference} preference"
    objectives = find_objectives(scenario.objectives)
    weights = read_preference(preference, objectives)
    assert weights is not None  # only "random" has none
    pairs = zip(objectives, weights, strict=True)
    return "weights " + ", ".join(f"{one.name} {weight:.2g}" for one, weight in pairs if weight)


def plot_costs(
    scenario: Scenario,
    played: Mapping[str, Episodes],
    styles: Mapping[str, AgentStyle],
    reference: str,
    weighed: str,
) -> Any:
    """Mean scalar cost of each agent with its interval, best on top; beside it, minus the reference's.

    Differences are paired by seed, so their intervals tell agents apart whose own intervals overlap.

    Args:
        scenario: what was played.
        played: episodes of each agent.
        styles: of the agents.
        reference: agent that the others are compared with.
        weighed: what the cost weighs, in words.
    """
    costs = {agent: -episodes.scalar.mean(axis=1) for agent, episodes in played.items()}
    means = {agent: mean_interval(cost) for agent, cost in costs.items()}
    panels = {"scalar cost per slot (lower is better)": means}
    if len(played) > 1:
        panels[f"cost minus {reference}'s, seed by seed"] = {
            agent: ITSELF if agent == reference else paired_difference(cost, costs[reference])
            for agent, cost in costs.items()
        }
    figure, grid = plt.subplots(
        1,
        len(panels),
        figsize=(PLOT_WIDTH, 0.9 + 0.28 * len(played)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (heading, intervals) in zip(grid.flat, panels.items(), strict=True):
        _draw_dots(axes, intervals, styles, _by_cost(played))
        axes.locator_params(axis="x", nbins=6)
        axes.set_title(fit_title(heading, PLOT_WIDTH / len(panels)))
    if len(panels) > 1:
        grid[0, 1].axvline(0.0, color="#888888", lw=0.6, zorder=0)
    figure.supxlabel(fit_title(f"{scenario.name}, {weighed}: {_spread(played)}", PLOT_WIDTH))
    return figure


def plot_objectives(
    scenario: Scenario, played: Mapping[str, Episodes], styles: Mapping[str, AgentStyle]
) -> Any:
    """One panel per figure of the table, agents in the order of their cost; an arrow shows what is better.

    Means per request over an episode, but for update, which is the share of memory loaded per slot.
    """
    records = {agent: episodes.records() for agent, episodes in played.items()}
    first = next(iter(records.values()))[0]
    left_out = "fractional_update"  # of learners alone
    panels = {name: shown for name, shown in COMPARISON_COLUMNS.items() if name in first and name != left_out}
    for name in (*DROP_COLUMNS, "message_bytes"):
        if name in panels and len({row[name] for rows in records.values() for row in rows}) == 1:
            del panels[name]  # no drops, or no messages
    columns = 4
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(PLOT_WIDTH, rows * (0.7 + 0.2 * len(played))),
        sharey=True,
        layout="constrained",
    )
    order = _by_cost(played)
    for (name, (heading, factor)), axes in zip(panels.items(), grid.flat, strict=False):
        intervals = {
            agent: mean_interval(np.array([row[name] for row in rows]) * factor)
            for agent, rows in records.items()
        }
        _draw_dots(axes, intervals, styles, order)
        axes.locator_params(axis="x", nbins=4)
        better = "" if name in NEITHER_IS_BETTER else " →" if name in HIGHER_IS_BETTER else " ←"
        axes.set_title(HEADINGS.get(name, heading) + better)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel(fit_title(f"{scenario.name}: {_spread(played)}; arrows: where better is", PLOT_WIDTH))
    return figure


def _by_cost(played: Mapping[str, Episodes]) -> list[str]:
    return sorted(played, key=lambda agent: -float(played[agent].scalar.mean()))


def _spread(played: Mapping[str, Episodes]) -> str:
    seeds = len(next(iter(played.values())).seeds)
    return f"means and 95 % intervals over {seeds} episodes" if seeds > 1 else "one episode"


def _draw_dots(
    axes: Any, intervals: Mapping[str, Interval], styles: Mapping[str, AgentStyle], order: list[str]
) -> None:
    for y, agent in enumerate(order):
        mean, low, high = intervals[agent]
        colour, mark, _ = styles[agent]
        axes.plot([low, high], [y, y], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot(mean, y, mark, color=colour, ms=4.5, clip_on=False, zorder=5)
    bounds = np.array(list(intervals.values()))
    axes.set_xlim(*dot_limits(bounds))
    if not np.nan_to_num(bounds).any():
        axes.set_xticks([0.0])
        axes.text(0.97, 0.5, "all 0", transform=axes.transAxes, ha="right", va="center", color="#666666")
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def dot_limits(values: Floats) -> tuple[float, float]:
    """Limits of an axis: those of the values and `MARGIN` beside them, so that no dot lies on the axis.

    Values that differ by less than `LEAST_RANGE` of the largest one are not drawn apart, so that ticks are
    short; where all are 0 the axis ends at 1 on either side.

    Args:
        values: any shape; nan is passed over.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    least = LEAST_RANGE * max(abs(low), abs(high)) or 1.0
    middle, half = (low + high) / 2, max(high - low, least) / 2
    return middle - (1 + MARGIN) * half, middle + (1 + MARGIN) * half
