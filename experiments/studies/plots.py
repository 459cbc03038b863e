"""The pictures of a study, one function per kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.agent_styles import Styles
from experiments.reports.delay_parts import EpisodeCourse
from experiments.reports.direct_labels import fit_title
from experiments.reports.episode_plot import draw_episode
from experiments.reports.style import COLUMN_INCHES, GRID_STYLE, save_figure
from experiments.studies.config import BASELINE, Figure
from experiments.studies.curve_plots import (
    drawn_agents,
    interval_of,
    measure_label,
    plot_course,
    plot_sweep,
)
from experiments.studies.frontier_plot import plot_frontier
from experiments.studies.measures import cell_label
from experiments.studies.results import Plays
from experiments.studies.tiers_plot import plot_tiers
from idn_gym.evaluation.wishes import wishes
from idn_gym.files import file_name
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

Plot = Callable[[Figure, Plays, Styles, dict[str, str]], Any]


def plot_figure(figure: Figure, plays: Plays, out: Path, names: dict[str, str], styles: Styles) -> Path:
    """Write one figure as PNG, PDF and SVG; returns the path of the PNG.

    Args:
        figure: what is asked for.
        plays: of the study.
        out: folder.
        names: what keys of grids are called.
        styles: of all agents of the study.
    """
    labels = list(figure.agents or (name for name in plays.labels(figure.part) if name != BASELINE))
    if figure.versus is not None and figure.versus not in labels:
        labels.append(figure.versus)
    agents = {label: styles[label] for label in labels}
    draw: dict[str, Plot] = {
        "course": plot_course,
        "sweep": plot_sweep,
        "frontier": plot_frontier,
        "dots": plot_dots,
        "tiers": plot_tiers,
        "day": plot_day,
    }
    with plt.rc_context(GRID_STYLE):
        drawn = draw[figure.kind](figure, plays, agents, names)
        if figure.title:
            drawn.suptitle(figure.title, fontsize=9, x=0.01, ha="left")
        return save_figure(drawn, out / f"{file_name(figure.name)}.png")


def plot_dots(figure: Figure, plays: Plays, agents: Styles, names: dict[str, str]) -> Any:
    """Per grid cell one panel per metric: mean and interval of each agent, largest in the first on top."""
    cells = plays.cells(figure.part)
    shown = drawn_agents(figure, agents)
    drawn, grid = plt.subplots(
        len(cells),
        len(figure.y),
        figsize=(COLUMN_INCHES[figure.columns], len(cells) * (0.9 + 0.2 * len(shown))),
        layout="constrained",
        squeeze=False,
        sharex="col",
        sharey="row",
    )
    inches = COLUMN_INCHES[figure.columns] / len(figure.y)
    for row, cell in zip(grid, cells, strict=True):
        found = {
            agent: [interval_of(figure, plays, agent, cell, name) for name in figure.y] for agent in shown
        }
        order = sorted(shown, key=lambda agent: -np.nan_to_num(found[agent][0].estimate))
        for k, axes in enumerate(row):
            for y, agent in enumerate(order):
                mid, low, high = found[agent][k]
                colour, mark, _ = agents[agent]
                axes.plot([low, high], [y, y], color=colour, lw=1.6)
                axes.plot(mid, y, mark, color=colour, ms=4.5)
            if figure.versus is not None:
                axes.axvline(0.0, color=agents[figure.versus].colour, lw=0.8)
            axes.set(yticks=range(len(order)), yticklabels=order, ylim=(len(order) - 0.5, -0.5))
        row[0].set_title(fit_title(cell_label(cell, names), inches), loc="left")
    for axes, name in zip(grid[-1], figure.y, strict=True):
        axes.set_xlabel(fit_title(measure_label(name, figure.versus), inches))
        axes.locator_params(axis="x", nbins=4)
    return drawn


def plot_day(figure: Figure, plays: Plays, agents: Styles, names: dict[str, str]) -> Any:
    """The first episode of the first cell."""
    cell = plays.cells(figure.part)[0]
    played = [plays.of(figure.part, agent, cell)[0] for agent in agents]
    unit = played[0].unit
    instance = build_instance(unit.scenario, unit.seed, unit.split, unit.preference)
    shape = instance.tables.pinned.shape
    courses = [
        EpisodeCourse(
            play.unit.label, play.series.scalar, wishes(play.series.changes, len(play.series.scalar), shape)
        )
        for play in played
    ]
    return draw_episode(compile_scenario(unit.scenario), instance, courses, figure.columns, styles=agents)
