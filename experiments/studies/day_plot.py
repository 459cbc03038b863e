"""An episode of a study as a picture: cost, demand at a node, and the placements of policies there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.plots import COLOURS, PLOT_WIDTH
from experiments.studies.results import Play
from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Tables
from idn_gym.evaluation.wishes import wishes
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

SMOOTHED = 5
"""slots over which the drawn costs are averaged"""

MOST_TASK_NAMES = 20
"""tasks with their names beside the heat map; of more, every second, third, ... has one"""


def draw_day(plays: Sequence[Play]) -> Any:
    """Cost per slot of all, above heat maps of demand and of what each of them keeps at the busiest node.

    Args:
        plays: of one episode, one per agent.
    """
    unit = plays[0].unit
    compiled = compile_scenario(unit.scenario)
    instance = build_instance(unit.scenario, unit.seed, unit.split, unit.preference)
    tables, demand = instance.tables, instance.draw.demand[0]
    node = busiest_site(tables, demand)
    asked = passing_demand(instance, node) / tables.slot_seconds
    drawn, grid = plt.subplot_mosaic(
        [["cost"] * (1 + len(plays)), ["demand", *range(len(plays))]],
        figsize=(PLOT_WIDTH, 4.2),
        layout="constrained",
        height_ratios=(1.0, 1.3),
    )
    for k, play in enumerate(plays):
        grid["cost"].plot(
            smoothed(-play.series.scalar), color=COLOURS[k % len(COLOURS)], lw=1.1, label=play.unit.label
        )
        axes = grid[k]
        kept = kept_tasks(play, tables, node).T
        axes.imshow(kept, aspect="auto", cmap="Greys", vmin=0, vmax=1.4, interpolation="none")
        axes.set_title(fill(f"kept by {play.unit.label}", 18), fontsize=6)
        axes.set_yticks([])
        axes.set_xlabel("slot")
        axes.grid(False)
    grid["cost"].set_ylabel(f"cost, mean of {SMOOTHED} slots")
    grid["cost"].set_xlabel("slot")
    grid["cost"].legend(ncols=min(5, len(plays)))
    image = grid["demand"].imshow(asked.T, aspect="auto", cmap="cividis", vmin=0.0, interpolation="none")
    drawn.colorbar(image, ax=grid["demand"], label="requests/s", shrink=0.9)
    grid["demand"].set_title(f"asked for through\n{compiled.names.nodes[node]}", fontsize=6)
    names = compiled.names.tasks
    named = range(0, len(names), math.ceil(len(names) / MOST_TASK_NAMES))
    grid["demand"].set_yticks(named, [names[k] for k in named], fontsize=5)
    grid["demand"].set_xlabel("slot")
    grid["demand"].grid(False)
    return drawn


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


def kept_tasks(play: Play, tables: Tables, node: int) -> Bools:
    """Whether a policy requests a segment of each task (T, K) at a node, pinned segments left out."""
    found = wishes(play.series.changes, len(play.series.scalar), tables.pinned.shape)[:, node]
    movable = (found != EMPTY) & (tables.pinned[node] == EMPTY)
    kept = np.zeros((len(found), int(tables.model_task.max()) + 1), np.bool_)
    for m, task in enumerate(tables.model_task):
        kept[:, task] |= movable[:, m]
    return kept
