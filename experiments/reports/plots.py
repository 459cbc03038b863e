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
from experiments.reports.direct_labels import label_ends
from experiments.reports.style import PLOT_STYLE, PLOT_WIDTH, save_figure
from idn_gym.evaluation.intervals import Interval, mean_interval
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.tables import COMPARISON_COLUMNS, DROP_COLUMNS
from idn_gym.files import file_name
from idn_gym.metrics import COLUMN
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

HIGHER_IS_BETTER = ("accuracy", "fairness", "lifetime")

NEITHER_IS_BETTER = ("node_load", "node_load_max", "link_load_max")
"""Columns of which neither low nor high is better."""


def plot_comparison(
    out: Path, scenario: Scenario, played: Mapping[str, Episodes], styles: Mapping[str, AgentStyle]
) -> list[Path]:
    """Write the figures of one scenario.

    Args:
        out: folder.
        scenario: what was played.
        played: episodes of each agent.
        styles: of the agents.
    """
    drawings = {"cost": plot_costs, "objectives": plot_objectives, "course": plot_comparison_course}
    paths = []
    with plt.rc_context(PLOT_STYLE):
        for name, draw in drawings.items():
            figure = draw(scenario, played, styles)
            paths.append(save_figure(figure, out / f"{file_name(scenario.name)}-{name}.png"))
    return paths


def plot_costs(scenario: Scenario, played: Mapping[str, Episodes], styles: Mapping[str, AgentStyle]) -> Any:
    """Mean scalar cost of each agent with its interval, best on top."""
    figure, axes = plt.subplots(figsize=(PLOT_WIDTH, 0.9 + 0.28 * len(played)), layout="constrained")
    intervals = {agent: mean_interval(-episodes.scalar.mean(axis=1)) for agent, episodes in played.items()}
    _draw_dots(axes, intervals, styles, _by_cost(played))
    seeds = len(next(iter(played.values())).seeds)
    spread = f"mean and 95 % interval over {seeds} episodes" if seeds > 1 else "in one episode"
    axes.set_xlabel(f"scalar cost per slot, {spread} (lower is better)")
    axes.set_title(scenario.name)
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
        better = "" if name in NEITHER_IS_BETTER else " →" if name in HIGHER_IS_BETTER else " ←"
        axes.set_title(HEADINGS.get(name, heading) + better)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    seeds = len(next(iter(played.values())).seeds)
    spread = f"means and 95 % intervals over {seeds} episodes" if seeds > 1 else "one episode"
    figure.supxlabel(f"{scenario.name}: {spread}; arrows: where better is")
    return figure


def plot_comparison_course(
    scenario: Scenario, played: Mapping[str, Episodes], styles: Mapping[str, AgentStyle]
) -> Any:
    """Requests, cost slot by slot, and cost minus the least costly agent's, in the first episode."""
    figure, (above, middle, below) = plt.subplots(
        3, 1, figsize=(PLOT_WIDTH, 4.8), sharex=True, height_ratios=(1, 2, 2), layout="constrained"
    )
    first = next(iter(played.values()))
    hours = np.arange(first.scalar.shape[1]) * scenario.slot_seconds / 3600.0
    requests = first.metrics[0, :, COLUMN.requests] / scenario.slot_seconds
    above.fill_between(hours, requests, step="post", color="#bbbbbb", lw=0)
    above.set_ylim(bottom=0.0)
    above.set_ylabel("requests per s")
    above.set_title(f"{scenario.name}, episode of seed {first.seeds[0]}")
    best = min(played, key=lambda agent: -float(played[agent].scalar[0].mean()))
    for i, agent in enumerate(reversed(_by_cost(played))):
        # From broad to narrow, so that of lines that coincide each can be seen.
        width, cost = 2.6 - 1.9 * i / max(1, len(played) - 1), -played[agent].scalar[0]
        style = styles[agent]
        middle.plot(hours, cost, color=style.colour, lw=width, label=agent)
        behind = np.cumsum(cost + played[best].scalar[0])
        below.plot(hours, behind, color=style.colour, ls=style.line, lw=1.1, label=agent)
    middle.set_ylim(bottom=0.0)
    middle.set_ylabel("cost per slot")
    below.set_ylabel(f"cost minus {best}'s,\nsummed over slots")
    below.set_xlabel("time [h]")
    below.set_xlim(0.0, len(hours) * scenario.slot_seconds / 3600.0)
    if not label_ends(below):
        handles, labels = below.get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=min(6, len(played)))
    return figure


def _by_cost(played: Mapping[str, Episodes]) -> list[str]:
    return sorted(played, key=lambda agent: -float(played[agent].scalar.mean()))


def _draw_dots(
    axes: Any, intervals: Mapping[str, Interval], styles: Mapping[str, AgentStyle], order: list[str]
) -> None:
    for y, agent in enumerate(order):
        mean, low, high = intervals[agent]
        colour, mark, _ = styles[agent]
        axes.plot([low, high], [y, y], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot(mean, y, mark, color=colour, ms=4.5, clip_on=False, zorder=5)
    bounds = list(intervals.values())
    axes.set_xlim(min(0.0, 1.05 * float(np.nanmin(bounds))), 1.05 * float(np.nanmax(bounds)) or 1.0)
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
