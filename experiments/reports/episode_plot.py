"""An episode as a picture: its cost, what is asked for at a node, and what policies keep there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.agent_styles import agent_styles
from experiments.reports.direct_labels import label_ends
from experiments.reports.style import COLUMN_INCHES, PageColumns
from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Ints, Tables
from idn_gym.scenarios.compile import Compiled

SMOOTHED = 5
"""slots over which the drawn costs are averaged"""

MOST_TASK_NAMES = 20
"""tasks with their names beside the heat map; of more, every second, third, ... has one"""

MOST_MAPS = {"one": 1, "two": 4}
"""heat maps of placements side by side, by columns of the page; of more, the first ones are drawn"""


class EpisodeCourse(NamedTuple):
    """What a policy did in an episode of T slots."""

    label: str
    scalar: Floats
    """(T,) reward"""
    wished: Ints
    """(T, N, M) segments that it wished, or `EMPTY`"""


def draw_episode(
    compiled: Compiled,
    instance: Instance,
    courses: Sequence[EpisodeCourse],
    columns: PageColumns = "two",
    node: int | None = None,
) -> Any:
    """Cost per slot of all, above heat maps of demand and of what each of them keeps at a node.

    Args:
        compiled: the scenario.
        instance: one episode of it.
        courses: of this episode, one per policy.
        columns: of the page that it takes.
        node: which; None: the busiest one.
    """
    tables, demand = instance.tables, instance.draw.demand[0]
    node = busiest_site(tables, demand) if node is None else node
    asked = passing_demand(instance, node) / tables.slot_seconds
    mapped = courses[: MOST_MAPS[columns]]
    drawn, grid = plt.subplot_mosaic(
        [["cost"] * (1 + len(mapped)), ["demand", *range(len(mapped))]],
        figsize=(COLUMN_INCHES[columns], 4.2),
        layout="constrained",
        height_ratios=(1.0, 1.3),
    )
    styles = agent_styles([course.label for course in courses])
    for course in courses:
        style = styles[course.label]
        grid["cost"].plot(
            smoothed(-course.scalar), color=style.colour, ls=style.line, lw=1.1, label=course.label
        )
    grid["cost"].set_ylabel(f"cost, mean of {SMOOTHED} slots")
    grid["cost"].set_xlabel("slot")
    for k, course in enumerate(mapped):
        _draw_kept(grid[k], course, kept_tasks(course.wished, tables, node))
    _draw_demand(drawn, grid["demand"], asked, compiled, node)
    if not label_ends(grid["cost"]):
        grid["cost"].legend(ncols=min(5, len(courses)))
    return drawn


def _draw_kept(axes: Any, course: EpisodeCourse, kept: Bools) -> None:
    axes.imshow(kept.T, aspect="auto", cmap="Greys", vmin=0, vmax=1.4, interpolation="none")
    axes.set_title(fill(f"kept by {course.label}", 18), fontsize=6)
    axes.set_yticks([])
    axes.set_xlabel("slot")
    axes.grid(False)


def _draw_demand(drawn: Any, axes: Any, asked: Floats, compiled: Compiled, node: int) -> None:
    image = axes.imshow(asked.T, aspect="auto", cmap="cividis", vmin=0.0, interpolation="none")
    drawn.colorbar(image, ax=axes, label="requests per s", shrink=0.9)
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
