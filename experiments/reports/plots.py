"""Figures of comparisons, for print: 7 inches wide, in colours that colour-blind readers can distinguish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter, LogFormatter, ScalarFormatter

from idn_gym.evaluation.intervals import Interval, mean_interval
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.tables import COMPARISON_COLUMNS
from idn_gym.files import atomically, file_name
from idn_gym.metrics import COLUMN
from idn_gym.rendering.letters import drawable, families
from idn_gym.scenarios.config import Scenario

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

PLOT_WIDTH = 7.0
"""[inches]"""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
"""Okabe and Ito's palette, and grey."""

PLOT_STYLE: dict[RcKeyType, Any] = {
    "figure.dpi": 200,
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "figure.labelsize": 8,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all, and free it.

    Names are drawn in any script, and never read as formulas.
    """
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter):
            axis.set_major_formatter(_Legible(axis.get_major_formatter()))
        axis.get_ticklabels()  # so that they have their texts below
    for text in figure.findobj(Text):
        text.set_fontfamily(families(text.get_text()))
        text.set_text(_legible(text.get_text()))
    atomically(path, lambda file: figure.savefig(file, format="png"))
    plt.close(figure)
    return path


class _Legible(Formatter):
    """Labels of ticks, which are updated when the figure is drawn."""

    def __init__(self, names: Formatter) -> None:
        self.names = names

    def __call__(self, x: float, pos: int | None = None) -> str:
        return _legible(self.names(x, pos))

    def set_locs(self, locs: Any) -> None:
        self.names.set_locs(locs)


def _legible(text: str) -> str:
    return "\n".join(map(drawable, text.split("\n"))).replace(r"\$", "$").replace("$", r"\$")


def plot_comparison(out: Path, scenario: Scenario, played: Mapping[str, Episodes]) -> list[Path]:
    """Write the figures of one scenario.

    Args:
        out: folder.
        scenario: what was played.
        played: episodes of each agent; colours go by this order.
    """
    colours = {agent: COLOURS[i % len(COLOURS)] for i, agent in enumerate(played)}
    drawings = {"cost": plot_costs, "objectives": plot_objectives, "course": plot_comparison_course}
    paths = []
    with plt.rc_context(PLOT_STYLE):
        for name, draw in drawings.items():
            figure = draw(scenario, played, colours)
            paths.append(save_figure(figure, out / f"{file_name(scenario.name)}-{name}.png"))
    return paths


def plot_costs(scenario: Scenario, played: Mapping[str, Episodes], colours: Mapping[str, str]) -> Any:
    """Mean scalar cost of each agent with its interval, best on top."""
    figure, axes = plt.subplots(figsize=(PLOT_WIDTH, 0.9 + 0.28 * len(played)), layout="constrained")
    intervals = {agent: mean_interval(-episodes.scalar.mean(axis=1)) for agent, episodes in played.items()}
    _draw_dots(axes, intervals, colours, _by_cost(played))
    seeds = len(next(iter(played.values())).seeds)
    spread = f"mean and 95 % interval over {seeds} episodes" if seeds > 1 else "in one episode"
    axes.set_xlabel(f"scalar cost per slot, {spread} (lower is better)")
    axes.set_title(scenario.name)
    return figure


def plot_objectives(scenario: Scenario, played: Mapping[str, Episodes], colours: Mapping[str, str]) -> Any:
    """One panel per figure of the table, agents in the order of their cost.

    Means per request over an episode, but for update, which is the share of memory loaded per slot.
    """
    records = {agent: episodes.records() for agent, episodes in played.items()}
    first = next(iter(records.values()))[0]
    left_out = "fractional_update"  # of learners alone
    panels = {name: shown for name, shown in COMPARISON_COLUMNS.items() if name in first and name != left_out}
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
        _draw_dots(axes, intervals, colours, order)
        axes.set_title(heading)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    seeds = len(next(iter(played.values())).seeds)
    spread = f"means and 95 % intervals over {seeds} episodes" if seeds > 1 else "one episode"
    figure.supxlabel(f"{scenario.name}: {spread} (lower is better, but for accuracy)")
    return figure


def plot_comparison_course(
    scenario: Scenario, played: Mapping[str, Episodes], colours: Mapping[str, str]
) -> Any:
    """Requests and cost slot by slot in the first episode."""
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(PLOT_WIDTH, 3.6), sharex=True, height_ratios=(1, 2.2), layout="constrained"
    )
    first = next(iter(played.values()))
    hours = np.arange(first.scalar.shape[1]) * scenario.slot_seconds / 3600.0
    above.fill_between(
        hours,
        first.metrics[0, :, COLUMN.requests] / scenario.slot_seconds,
        step="post",
        color="#bbbbbb",
        lw=0,
    )
    above.set_ylim(bottom=0.0)
    above.set_ylabel("requests per s")
    above.set_title(f"{scenario.name}, episode of seed {first.seeds[0]}")
    for i, agent in enumerate(reversed(_by_cost(played))):
        # From broad to narrow, so that of lines that coincide each can be seen.
        width = 2.6 - 1.9 * i / max(1, len(played) - 1)
        below.plot(hours, -played[agent].scalar[0], color=colours[agent], lw=width, label=agent)
    below.set_ylim(bottom=0.0)
    below.set_ylabel("scalar cost")
    below.set_xlabel("hours")
    below.set_xlim(0.0, len(hours) * scenario.slot_seconds / 3600.0)
    handles, labels = below.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=min(6, len(played)))
    return figure


def _by_cost(played: Mapping[str, Episodes]) -> list[str]:
    return sorted(played, key=lambda agent: -float(played[agent].scalar.mean()))


def _draw_dots(
    axes: Any, intervals: Mapping[str, Interval], colours: Mapping[str, str], order: list[str]
) -> None:
    for y, agent in enumerate(order):
        mean, low, high = intervals[agent]
        axes.plot([low, high], [y, y], color=colours[agent], lw=1.6, solid_capstyle="butt")
        axes.plot(mean, y, "o", color=colours[agent], ms=4.5, clip_on=False, zorder=5)
    bounds = list(intervals.values())
    axes.set_xlim(min(0.0, 1.05 * float(np.nanmin(bounds))), 1.05 * float(np.nanmax(bounds)) or 1.0)
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
