"""An episode as a picture: its cost, what is asked for at a node, and what policies keep there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.transforms import ScaledTranslation

from experiments.reports.agent_styles import Styles, agent_styles
from experiments.reports.delay_parts import PART_COLOURS, EpisodeCourse
from experiments.reports.episode_events import draw_link_rates, moving_links, outages, shade_outages
from experiments.reports.kept_panels import SMALL_LETTERS, draw_asked, draw_kept, draw_models_key, draw_scale
from experiments.reports.quality_panels import draw_accuracies, draw_versions
from experiments.reports.style import COLUMN_INCHES, PageColumns
from idn_gym.core.arrays import Floats, Instance, Tables
from idn_gym.scenarios.compile import Compiled

SMOOTHED = 5
"""slots over which the drawn costs are averaged"""

MOST_MAPS = {"one": 1, "two": 4}
"""heat maps of placements side by side, by columns of the page; of more, the first ones are drawn"""

HEIGHTS = {"cost": 1.45, "rate": 0.85, "maps": 1.75, "keys": 0.5}
"""Of rows of panels [inches]."""

KEY_SIZE = 7.0
"""Of letters in keys above panels [points]."""

BELOW = 1.3
"""Height of the rows below [inches]."""


def draw_episode(
    compiled: Compiled,
    instance: Instance,
    courses: Sequence[EpisodeCourse],
    columns: PageColumns = "two",
    node: int | None = None,
    link: int | None = None,
    styles: Styles | None = None,
) -> Any:
    """Cost per slot of all, above heat maps of demand and of what each of them keeps at a node.

    Slots in which nodes or links are down are shaded behind costs. Where rates of links move, those that
    move most are drawn. Below, where it is known, what the delay of a request adds up from; where quality is
    hidden, accuracies under conditions; where models adapt, samples and versions.

    Args:
        compiled: the scenario.
        instance: one episode of it.
        courses: of this episode, one per policy.
        columns: of the page that it takes.
        node: which; None: the busiest one.
        link: whose rate is drawn; None: those that move most.
        styles: of the policies; None: those of their labels.
    """
    tables, demand = instance.tables, instance.draw.demand[0]
    node = busiest_site(tables, demand) if node is None else node
    asked = passing_demand(instance, node) / tables.slot_seconds
    mapped = courses[: MOST_MAPS[columns]]
    links = moving_links(instance) if link is None else [link]
    below = _panels_below(compiled, mapped)
    heights = [high for row, high in HEIGHTS.items() if row != "rate" or links]
    heights += [BELOW] * len(below)
    drawn, grid = plt.subplot_mosaic(
        _mosaic(len(mapped), bool(links), below, columns),
        figsize=(COLUMN_INCHES[columns], 0.45 + sum(heights)),
        layout="constrained",
        height_ratios=heights,
    )
    styles = agent_styles([course.label for course in courses]) if styles is None else styles
    shades = _draw_costs(grid["cost"], courses, compiled, instance, styles)
    _draw_keys(grid["cost"], shades, columns)
    if links:
        draw_link_rates(grid["rate"], compiled, instance, links)
    for k, course in enumerate(mapped):
        draw_kept(grid[f"kept {k}"], course, compiled, node)
    draw_scale(grid["scale"], draw_asked(grid["demand"], asked, compiled, node))
    draw_models_key(grid["models"], mapped, compiled, node)
    panels = {name: [grid[f"{name} {k}"] for k in range(len(mapped))] for name in below}
    if "delay" in panels:
        _draw_delays(panels["delay"], grid["delay key"], mapped)
    heard = [course.quality for course in mapped if course.quality is not None]
    if "accuracy" in panels:
        draw_accuracies(panels["accuracy"], grid["accuracy key"], heard, compiled, instance, node)
    if "versions" in panels:
        draw_versions(panels["versions"], grid["versions key"], heard, compiled)
    _count_slots(grid, len(demand))
    return drawn


def _count_slots(grid: dict[str, Any], slots: int) -> None:
    """All panels over slots begin and end with the same ones, each with its number at its middle."""
    for name, axes in grid.items():
        if name not in ("scale", "models") and not name.endswith("key"):
            axes.set_xlim(-0.5, slots - 0.5)
            axes.tick_params(labelsize=6)
            axes.set_xlabel("slot", fontsize=7)
    if "rate" in grid:
        grid["cost"].set_xlabel("")


def _mosaic(maps: int, rates: bool, below: Sequence[str], columns: PageColumns) -> list[list[Any]]:
    """Names of panels, row by row; one policy alone has wide ones where there is much to see in time."""
    cells = 2 if maps == 1 and columns == "two" and "accuracy" in below else 1
    upper = [["cost"] * (1 + maps), *([["rate"] * (1 + maps)] if rates else [])]
    upper += [["demand", *(f"kept {k}" for k in range(maps))], ["scale", *["models"] * maps]]
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
    axes: Any, courses: Sequence[EpisodeCourse], compiled: Compiled, instance: Instance, styles: Styles
) -> list[Any]:
    """Smoothed costs before the slots in which something is down; returns the key of the latter."""
    for course in courses:
        style = styles[course.label]
        axes.plot(smoothed(-course.scalar), color=style.colour, ls=style.line, lw=1.1, label=course.label)
    axes.set_ylabel(f"cost,\nmean of {SMOOTHED} slots", fontsize=7)
    return shade_outages(axes, outages(compiled, instance))


def _draw_keys(axes: Any, shades: Sequence[Any], columns: PageColumns) -> None:
    """Legends of agents and, above it, of what fails, at the top of the panel, as many columns as fit."""
    up = 0.0
    for handles in (shades, axes.get_legend_handles_labels()[0]):
        if not handles:
            continue
        letters = max(len(str(handle.get_label())) for handle in handles)
        across = min(len(handles), max(1, int((COLUMN_INCHES[columns] - 0.5) / (0.058 * letters + 0.45))))
        raised = axes.transAxes + ScaledTranslation(0.0, up, axes.figure.dpi_scale_trans)
        legend = axes.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            bbox_transform=raised,
            ncols=across,
            fontsize=KEY_SIZE,
            borderaxespad=0.2,
        )
        if handles is shades:
            legend.set_clip_on(False)  # or else its place is not kept free
            axes.add_artist(legend)
        up += 1.6 * KEY_SIZE / 72 * math.ceil(len(handles) / across)


def _draw_delays(panels: Sequence[Any], key: Any, courses: Sequence[EpisodeCourse]) -> None:
    """Areas that add up to the mean delay of a request, on one scale for all policies."""
    shown = [1e3 * np.nan_to_num(course.parts) for course in courses if course.parts is not None]
    top = 1.05 * max(float(parts.sum(axis=1).max()) for parts in shown) or 1.0
    for axes, parts in zip(panels, shown, strict=True):
        areas = axes.stackplot(
            *_whole_slots(parts), colors=list(PART_COLOURS.values()), labels=list(PART_COLOURS), lw=0
        )
        axes.set_ylim(0.0, top)
    panels[0].set_ylabel("delay [ms]", fontsize=7)
    key.axis("off")
    key.legend(
        areas[::-1],
        list(PART_COLOURS)[::-1],
        title="delay of a request,\nmean over the network",
        title_fontsize=6,
        fontsize=SMALL_LETTERS,
        loc="center left",
        bbox_to_anchor=(-0.5, 0.5),
    )


def _whole_slots(parts: Floats) -> tuple[Floats, Floats]:
    """Where slots (T,) begin and end (2T,), and the values of their parts (P, 2T) there."""
    edges = np.repeat(np.arange(len(parts) + 1) - 0.5, 2)[1:-1]
    return edges, np.repeat(parts, 2, axis=0).T


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
