"""Draw a real network as a map, with loads and placements: ``python -m experiments.draw_map``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap

from experiments.reports.direct_labels import PointLabel, label_points
from experiments.reports.style import COLOURS, COLUMN_INCHES, PLOT_STYLE, PageColumns, save_figure
from experiments.studies.picture_options import PictureOptions
from experiments.studies.played_episode import PlayedEpisode
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.files import file_name, writable_file
from idn_gym.rendering.layout import lay_out
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.compile.graph_files import file_positions
from idn_gym.scenarios.compile.topohub import graph_positions
from idn_gym.scenarios.config import FileTopology, Scenario, TopoHubTopology
from idn_gym.scenarios.presets import load_scenario

Positions = Mapping[str, tuple[float, float]]

TIER_MARKS = ("s", "o", "^", "D", "v")

LOAD_COLOURS = ListedColormap(matplotlib.colormaps["cividis_r"](np.linspace(0.2, 1.0, 256)))
"""From a shade that is seen on white paper to the darkest."""


def node_positions(scenario: Scenario) -> Positions:
    """Where the nodes of a scenario are: longitude and latitude [degrees], or on a plane.

    Raises:
        ConfigError: its topology has no places.
    """
    topology = scenario.topology
    found: Positions = {}
    if isinstance(topology, TopoHubTopology):
        found = graph_positions(topology.name)
    elif isinstance(topology, FileTopology):
        found = file_positions(topology)
    if len(found) < len(compile_scenario(scenario).names.nodes):
        wrong = f"{scenario.name!r} is not allowed; its nodes have no longitude and latitude"
        raise ConfigError("scenario", wrong)
    return found


def draw_network_map(
    compiled: Compiled, places: Positions, played: PlayedEpisode, columns: PageColumns = "two"
) -> Any:
    """Nodes where they are, as large as what they hold, and links as dark as they are loaded.

    Args:
        compiled: the scenario.
        places: of its nodes.
        played: an episode.
        columns: of the page.
    """
    names = compiled.names
    at = np.array([places[name] for name in names.nodes])
    degrees = bool((np.abs(at) <= (180, 90)).all())
    wide = COLUMN_INCHES[columns]
    stretch = 1 / math.cos(math.radians(float(at[:, 1].mean()))) if degrees else 1.0
    size = np.ptp(at, axis=0)
    high = min(8.5, max(2.0, 0.8 * wide * stretch * float(size[1]) / max(1e-9, float(size[0]))))
    figure, axes = plt.subplots(figsize=(wide, high), layout="constrained")
    ends = np.array(lay_out(compiled).ends)
    lines = LineCollection(
        list(at[ends]), array=100 * played.link_load, cmap=LOAD_COLOURS, linewidths=1.6, zorder=1
    )
    lines.set_clim(0.0, 100 * float(played.link_load.max()) or 1.0)
    axes.add_collection(lines)
    figure.colorbar(lines, ax=axes, label="mean load of a link [%]", shrink=0.6)
    held = _models_held(compiled, played)
    for k, tier in enumerate(dict.fromkeys(names.tiers)):
        mine = [v for v, own in enumerate(names.tiers) if own == tier]
        areas = 14.0 + 20.0 * held[mine]
        colour, mark = COLOURS[(6, 0, 1, 2, 3)[k % 5]], TIER_MARKS[k % len(TIER_MARKS)]
        label = f"{tier}: {held[mine].mean():.1f} models on a node"
        axes.scatter(
            at[mine, 0], at[mine, 1], s=areas, marker=mark, color=colour, label=label, zorder=2, lw=0
        )
    axes.set(xlabel="longitude [degrees]" if degrees else "[km]", aspect=stretch)
    axes.set_ylabel("latitude [degrees]" if degrees else "[km]")
    figure.legend(loc="outside lower center", ncols=3 if columns == "two" else 1)
    order = np.argsort(-held, kind="stable")
    label_points(axes, [PointLabel(names.nodes[v], float(at[v, 0]), float(at[v, 1]), "black") for v in order])
    return figure


def _models_held(compiled: Compiled, played: PlayedEpisode) -> Floats:
    """Models that a node holds on average (N,), those that it always holds left out."""
    held: Floats = np.where(compiled.tables.pinned >= 0, 0.0, played.held).sum(axis=1)
    return held


@dataclass(kw_only=True)
class DrawMapCommand(PictureOptions):
    """Draw the nodes of a real network where they are, what they hold, and how loaded links are.

    Example: olag --scenario metro-split --seed 1
    """

    policy: Positional[str] = "static-greedy"
    """whose episode is drawn, named as in experiments.compare: a name, the folder of a run or its policy.zip,
    CLASS:CODEC:FILE, or the YAML file of an agent"""
    scenario: str = "metro-split"
    """preset or YAML file with a topology of real places"""
    out: Path | None = None
    """PNG file to write, with PDF and SVG beside it (default: map-NAME.png)"""
    changes: Changes = ()
    """to the scenario, such as topology.name=sndlib/nobel-eu"""

    def run(self) -> None:
        """Play, draw and write."""
        names = self.names((self.policy,))
        scenario = load_scenario(self.scenario, assignments(self.changes))
        places = node_positions(scenario)
        path = writable_file(self.out or Path(f"{file_name(f'map-{scenario.name}')}.png"))
        (played,) = self.play(names, scenario)
        with plt.rc_context(PLOT_STYLE):
            figure = draw_network_map(compile_scenario(scenario), places, played, self.columns)
            figure.suptitle(
                f"{scenario.name}, placed by {played.course.label}", fontsize=8, x=0.01, ha="left"
            )
            print(save_figure(figure, path))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawMapCommand, words, "python -m experiments.draw_map")


if __name__ == "__main__":
    main()
