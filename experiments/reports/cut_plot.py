"""Where is it cut? Blocks by node, and delay by part, over the rate of a link."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

from experiments.reports.delay_parts import stack_parts
from experiments.reports.style import COLOURS, COLUMN_INCHES, PageColumns
from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.core.flows import option_flows
from idn_gym.core.geometry import block_shares
from idn_gym.rendering.labels import si
from idn_gym.scenarios.compile import Compiled

NODE_COLOURS = (0, 2, 8, 9, 10, 5, 1)
"""Of `COLOURS`, without those of links and of waiting."""


class CutPart(NamedTuple):
    """One part of an option: consecutive blocks of a model on one node."""

    node: str
    first: float
    """share of the model's blocks before it"""
    last: float
    """share of the model's blocks up to its end"""
    size: float
    """[bytes] that enter it, as a mean over requests"""
    crosses: bool
    """whether these come over a link"""


class CutChoice(NamedTuple):
    """The option that serves most requests of a slot."""

    model: str
    point: str
    """operating point: a model with the thresholds of its exits set"""
    leaving: tuple[float, ...]
    """share of the requests that leave at each exit, the first exit first; 1 without early exits"""
    parts: tuple[CutPart, ...]
    share: float
    """of the requests that are served"""


def busiest_option(compiled: Compiled, instance: Instance, t: int, placement: Residents) -> CutChoice | None:
    """The option that serves most requests of slot `t` under a placement; None where nobody is served."""
    flows, _ = option_flows(instance, t, placement)
    if not flows.sum() > 0.0:
        return None
    tables, names, o = instance.tables, compiled.names, int(flows.argmax())
    first, last = block_shares(tables)
    rho = int(np.searchsorted(tables.option_start, o, side="right")) - 1
    origin = tables.path_start[tables.class_path[rho]] + tables.option_origin[o]
    before, parts = int(origin), []
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        here = int(tables.path_start[tables.class_path[rho]] + tables.part_position[q])
        segment = tables.part_segment[q]
        size = float(tables.part_bytes[q])
        node = names.nodes[tables.part_node[q]]
        parts.append(CutPart(node, float(first[segment]), float(last[segment]), size, here != before))
        before = here
    m = tables.option_model[o]
    point = names.points[m][tables.option_point[o]]
    leaving = tuple(tables.branch_share[tables.branch_start[o] : tables.branch_start[o + 1]].tolist())
    share = float(flows.max() / flows.sum())
    return CutChoice(names.models[m].split("@")[0], point, leaving, tuple(parts), share)


def draw_cuts(
    labels: Sequence[str],
    choices: Sequence[CutChoice | None],
    delays: Floats,
    axis: str,
    nodes: Sequence[str],
    columns: PageColumns = "two",
) -> Any:
    """Above, the blocks of the option that serves most, by node; below, the delay of a request by part.

    Over the blocks are the model and, where it has early exits, its operating point. Delays are means over
    requests and the exits at which they leave.

    Args:
        labels: (n,) values of what changes, in words.
        choices: (n,) what serves most.
        delays: (n, 4) [s] as in `DELAY_PARTS`.
        axis: what changes, with its unit.
        nodes: all of the scenario, in the order of the legend.
        columns: of the page.
    """
    figure, (above, below) = plt.subplots(
        2, 1, sharex=True, figsize=(COLUMN_INCHES[columns], 4.4), layout="constrained"
    )
    used = {part.node for one in choices if one for part in one.parts}
    shown = [node for node in nodes if node in used]
    colours = {node: COLOURS[NODE_COLOURS[i % len(NODE_COLOURS)]] for i, node in enumerate(shown)}
    for x, choice in enumerate(choices):
        _draw_blocks(above, x, choice, colours)
    above.set(ylim=(1.0, 0.0), ylabel="blocks of the network,\nfirst on top [share]")
    above.grid(False)
    figure.legend(
        handles=[Patch(color=colour, label=f"on {node}") for node, colour in colours.items()],
        loc="outside upper center",
        ncols=4,
    )
    stack_parts(below, range(len(labels)), delays, 0.7)
    below.set_ylabel("delay of a request [ms],\nmean over exits")
    below.set_xticks(range(len(labels)), labels)
    below.set_xlabel(axis)
    handles, names = below.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2 if columns == "one" else 4)
    return figure


def _draw_blocks(axes: Any, x: int, choice: CutChoice | None, colours: dict[str, str]) -> None:
    if choice is None:
        axes.text(x, 0.5, "nobody\nserved", ha="center", va="center", fontsize=6)
        return
    for part in choice.parts:
        unused = part.crosses and part.size < 0.5  # all leave at an exit before it
        axes.bar(
            x,
            part.last - part.first,
            0.7,
            bottom=part.first,
            color=colours[part.node],
            alpha=0.3 if unused else 1.0,
            lw=0,
        )
        if part.crosses:
            axes.plot([x - 0.42, x + 0.42], [part.first] * 2, color="black", lw=1.2, clip_on=False)
            text = "all leave here" if unused else f"{si(part.size, 'B')} cross"
            over = part.first > 0.2
            y, side = (part.first - 0.015, "bottom") if over else (part.first + 0.02, "top")
            axes.text(x, y, text, ha="center", va=side, fontsize=6, color="white")
    words = fill(choice.model.replace("_", " ").replace("-", " "), 12)
    if len(choice.leaving) > 1:
        words += f"\n({choice.point})"
    axes.text(x, -0.03, words, ha="center", va="bottom", fontsize=6)
