"""Draw real networks as maps, with loads and placements: ``python -m experiments.draw_map``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from experiments.reports.map_plot import Positions, draw_network_maps
from experiments.reports.style import PLOT_STYLE, save_figure
from experiments.studies.picture_options import PictureOptions
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.config_reader import ConfigError
from idn_gym.files import file_name, writable_file
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.graph_files import file_positions
from idn_gym.scenarios.compile.topohub import graph_positions
from idn_gym.scenarios.config import FileTopology, Scenario, TopoHubTopology
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


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


@dataclass(kw_only=True)
class DrawMapCommand(PictureOptions):
    """Draw the nodes of a real network where they are, the models that they hold, and how loaded links are.

    All is of one slot; what is down in it is marked. Several policies have maps of their own.

    Example: olag infida --scenario metro-split --seed 1 --slot 20
    """

    policies: Positional[tuple[str, ...]] = ("static-greedy",)
    """whose episodes are drawn, named as in experiments.compare: names, folders of runs or their policy.zip,
    CLASS:CODEC:FILE, YAML files of agents"""
    scenario: str = "metro-split"
    """preset or YAML file with a topology of real places"""
    slot: int | None = None
    """that is drawn, counted from 0 (default: the last one)"""
    out: Path | None = None
    """PNG file to write, with PDF and SVG beside it (default: map-NAME.png)"""
    changes: Changes = ()
    """to the scenario, such as topology.name=sndlib/nobel-eu"""

    def run(self) -> None:
        """Play, draw and write."""
        names = self.names(self.policies)
        scenario = load_scenario(self.scenario, assignments(self.changes))
        places = node_positions(scenario)
        last = scenario.horizon - 1
        slot = last if self.slot is None else self.slot
        if not 0 <= slot <= last:
            raise ConfigError("slot", f"{slot} is not allowed; must be 0 to {last}, the last slot")
        path = writable_file(self.out or Path(f"{file_name(f'map-{scenario.name}')}.png"))
        played = self.play(names, scenario)
        instance = build_instance(scenario, self.seed, self.split)
        with plt.rc_context(PLOT_STYLE):
            compiled = compile_scenario(scenario)
            title = f"{scenario.name}, {self.split} seed {self.seed}, slot {slot}"
            courses, loads = [one.course for one in played], [one.link_loads for one in played]
            figure = draw_network_maps(compiled, places, instance, courses, loads, slot, title, self.columns)
            print(save_figure(figure, path))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawMapCommand, words, "python -m experiments.draw_map")


if __name__ == "__main__":
    main()
