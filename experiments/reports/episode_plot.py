"""An episode as a picture: its cost, what is asked for at a node, and what policies keep there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import PowerNorm

from experiments.reports.agent_styles import Styles, agent_styles
from experiments.reports.delay_parts import PART_COLOURS, EpisodeCourse
from experiments.reports.quality_panels import draw_accuracies, draw_versions
from experiments.reports.style import COLUMN_INCHES, PageColumns
from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Ints, Tables
from idn_gym.scenarios.compile import Compiled

SMOOTHED = 5
"""slots over which the drawn costs are averaged"""

MOST_TASK_NAMES = 20
"""tasks with their names beside the heat map; of more, every second, third, ... has one"""

MOST_MAPS = {"one": 1, "two": 4}
"""heat maps of placements side by side, by columns of the page; of more, the first ones are drawn"""


def draw_episode(
    compiled: Compiled,
    instance: Instance,
    courses: Sequence[EpisodeCourse],
    columns: PageColumns = "two",
    node: int | None = None,
    styles: Styles | None = None,
) -> Any:
    """Cost per slot of all, above heat maps of demand and of what each of them keeps at a node.

    Below, where it is known, what the delay of a request adds up from; where quality is hidden, accuracies
    under conditions; where models adapt, samples and versions.

    Args:
        compiled: the scenario.
        instance: one episode of it.
        courses: of this episode, one per policy.
        columns: of the page that it takes.
        node: which; None: the busiest one.
        styles: of the policies; None: those of their labels.
    """
    tables, demand = instance.tables, instance.draw.demand[0]
    node = busiest_site(tables, demand) if node is None else node
    asked = passing_demand(instance, node) / tables.slot_seconds
    mapped = courses[: MOST_MAPS[columns]]
    below = _panels_below(compiled, mapped)
    drawn, grid = plt.subplot_mosaic(
        _mosaic(len(mapped), below, columns),
        figsize=(COLUMN_INCHES[columns], 4.2 + 1.3 * len(below)),
        layout="constrained",
        height_ratios=(1.0, 1.3, *(0.7 for _ in below)),
    )
    styles = agent_styles([course.label for course in courses]) if styles is None else styles
    _draw_costs(drawn, grid["cost"], courses, columns, styles)
    for k, course in enumerate(mapped):
        _draw_kept(grid[k], course, kept_tasks(course.wished, tables, node))
    _draw_demand(drawn, grid["demand"], asked, compiled, node)
    panels = {name: [grid[f"{name} {k}"] for k in range(len(mapped))] for name in below}
    if "delay" in panels:
        _draw_delays(panels["delay"], grid["delay key"], mapped)
    heard = [course.quality for course in mapped if course.quality is not None]
    if "accuracy" in panels:
        draw_accuracies(panels["accuracy"], grid["accuracy key"], heard, compiled, instance, node)
    if "versions" in panels:
        draw_versions(panels["versions"], grid["versions key"], heard, compiled)
    return drawn


def _mosaic(maps: int, below: Sequence[str], columns: PageColumns) -> list[list[Any]]:
    """Names of panels, row by row; one policy alone has wide ones where there is much to see in time."""
    cells = 2 if maps == 1 and columns == "two" and "accuracy" in below else 1
    upper = [["cost"] * (1 + maps), ["demand", *range(maps)]]
    rows = [[panel for panel in row for _ in range(cells)] for row in upper]
    for name in below:
        wide = [f"{name} {k}" for k in range(maps) for _ in range(2 * cells - 1)]
        rows.append([f"{name} key", *wide])
    return rows


def _panels_below(compiled: Compiled, courses: Sequence[EpisodeCourse]) -> list[str]:
    """Rows of panels below the heat maps: of what is known of all courses."""
    heard = all(course.quality is not None for course in courses)
    there = {
        "delay": all(course.parts is not None for course in courses),
        "accuracy": heard,
        "versions": heard and compiled.adaptations is not None,
    }
    return [name for name, known in there.items() if known]


def _draw_costs(
    drawn: Any, axes: Any, courses: Sequence[EpisodeCourse], columns: PageColumns, styles: Styles
) -> None:
    for course in courses:
        style = styles[course.label]
        axes.plot(smoothed(-course.scalar), color=style.colour, ls=style.line, lw=1.1, label=course.label)
    axes.set_ylabel(f"cost, mean of {SMOOTHED} slots")
    axes.set_xlabel("slot")
    most = 5 if columns == "two" else 2
    drawn.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=most)


def _draw_delays(panels: Sequence[Any], key: Any, courses: Sequence[EpisodeCourse]) -> None:
    """Areas that add up to the mean delay of a request, on one scale for all policies."""
    shown = [1e3 * np.nan_to_num(course.parts) for course in courses if course.parts is not None]
    top = 1.05 * max(float(parts.sum(axis=1).max()) for parts in shown) or 1.0
    for axes, parts in zip(panels, shown, strict=True):
        areas = axes.stackplot(
            range(len(parts)), parts.T, colors=list(PART_COLOURS.values()), labels=list(PART_COLOURS), lw=0
        )
        axes.set(ylim=(0.0, top), xlim=(0, len(parts) - 1), xlabel="slot")
        axes.tick_params(labelsize=5.5)
    panels[0].set_ylabel("delay [ms]")
    key.axis("off")
    key.legend(
        areas[::-1],
        list(PART_COLOURS)[::-1],
        title="delay of a request",
        title_fontsize=6,
        fontsize=5.5,
        loc="center left",
        bbox_to_anchor=(-0.5, 0.5),
    )


def _draw_kept(axes: Any, course: EpisodeCourse, kept: Bools) -> None:
    axes.imshow(kept.T, aspect="auto", cmap="Greys", vmin=0, vmax=1.4, interpolation="none")
    axes.set_title(fill(f"kept by {course.label}", 18), fontsize=6)
    axes.set_yticks([])
    axes.set_xlabel("slot")
    axes.grid(False)


def _draw_demand(drawn: Any, axes: Any, asked: Floats, compiled: Compiled, node: int) -> None:
    roots = PowerNorm(0.5, vmin=0.0, vmax=float(asked.max()) or 1.0)  # few tasks are asked for by far most
    image = axes.imshow(asked.T, aspect="auto", cmap="cividis", norm=roots, interpolation="none")
    bar = drawn.colorbar(image, ax=axes, location="bottom", shrink=0.9, aspect=12)
    bar.set_label("requests per s", fontsize=6.5)
    bar.ax.tick_params(labelsize=5.5)
    axes.set_title(f"asked for through\n{compiled.names.nodes[node]}", fontsize=6)
    names = compiled.names.tasks
    named = range(0, len(names), math.ceil(len(names) / MOST_TASK_NAMES))
    axes.set_yticks(named, [names[k] for k in named], fontsize=5)
    axes.set_xlabel("slot")
    axes.grid(False)


def smoothed(costs: Floats) -> Floats:
    """Means (T,) over the slots around each one, as far as there are any."""
    window = np.ones(min(SMOOTHED, len(costs)))
    found: Floats = np.convolve(costs, window, "same") / np.convolve(np.ones(len(costs)), window, "same")
    return found


def busiest_site(tables: Tables, demand: Floats) -> int:
    """The first node that may hold something on the path of the class with most demand (T, R)."""
    path = tables.class_path[int(demand.sum(axis=0).argmax())]
    nodes = tables.path_node[tables.path_start[path] : tables.path_start[path + 1]]
    return int(next((v for v in nodes if tables.node_movable[v]), nodes[0]))


def passing_demand(instance: Instance, node: int) -> Floats:
    """Requests per slot and task (T, K) of the classes whose first route crosses a node."""
    tables, demand = instance.tables, instance.draw.demand[0]
    asked = np.zeros((len(demand), int(tables.model_task.max()) + 1))
    for rho, path in enumerate(tables.class_path):
        if node in tables.path_node[tables.path_start[path] : tables.path_start[path + 1]]:
            asked[:, tables.class_task[rho]] += demand[:, rho]
    return asked


def kept_tasks(wished: Ints, tables: Tables, node: int) -> Bools:
    """Whether something of a task (T, K) is wished at a node, what is pinned left out."""
    found = wished[:, node]
    movable = (found != EMPTY) & (tables.pinned[node] == EMPTY)
    kept = np.zeros((len(found), int(tables.model_task.max()) + 1), np.bool_)
    for m, task in enumerate(tables.model_task):
        kept[:, task] |= movable[:, m]
    return kept
