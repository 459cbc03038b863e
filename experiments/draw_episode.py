"""Draw demand, placements and delays of an episode in time: ``python -m experiments.draw_episode``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from experiments.reports.agent_styles import agent_styles
from experiments.reports.episode_plot import draw_episode
from experiments.reports.style import GRID_STYLE, save_figure
from experiments.studies.agent_words import registered_names
from experiments.studies.picture_options import PictureOptions
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.files import file_name, writable_file
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


@dataclass(kw_only=True)
class DrawEpisodeCommand(PictureOptions):
    """Draw cost over slots, demand at a node beside the models that policies keep there, and delay by part.

    Slots in which nodes or links are down are shaded. Where rates of links move, those that move most are
    drawn.
    Where quality is hidden, also accuracy in force and true accuracy; where models adapt, samples and
    versions.

    Example: static-greedy runs/demo --scenario edge-drift --seed 1
    """

    policies: Positional[tuple[str, ...]] = ()
    """whose episodes are drawn, named as in experiments.compare: names, folders of runs or their policy.zip,
    CLASS:CODEC:FILE, YAML files of agents; heat maps are of the first four"""
    scenario: str = DEFAULT_SCENARIO
    """preset or YAML file"""
    node: str | None = None
    """whose demand and placement are drawn (default: the busiest one that may load)"""
    link: str | None = None
    """whose rate is drawn, such as board-0->edge-0 (default: those that move most, if any do)"""
    out: Path | None = None
    """PNG file to write, with PDF and SVG beside it (default: episode-NAME.png)"""
    changes: Changes = ()
    """to the scenario, such as horizon=60"""

    def run(self) -> None:
        """Play, draw and write."""
        names = self.names(self.policies)
        scenario = load_scenario(self.scenario, assignments(self.changes))
        compiled = compile_scenario(scenario)
        node = _place("node", self.node, compiled.names.nodes)
        link = _place("link", self.link, compiled.names.links)
        path = writable_file(self.out or Path(f"{file_name(f'episode-{scenario.name}')}.png"))
        played = self.play(names, scenario)
        instance = build_instance(scenario, self.seed, self.split)
        with plt.rc_context(GRID_STYLE):
            courses = [one.course for one in played]
            styles = agent_styles(registered_names(names))
            figure = draw_episode(compiled, instance, courses, self.columns, node, link, styles)
            figure.suptitle(f"{scenario.name}, {self.split} seed {self.seed}", fontsize=8, x=0.01, ha="left")
            print(save_figure(figure, path))


def _place(key: str, name: str | None, names: Sequence[str]) -> int | None:
    """Place of a name among those of a scenario; None: none is given."""
    if name is None:
        return None
    if name not in names:
        raise ConfigError(key, f"{show(name)} is not allowed; {closest(name, list(names))}")
    return list(names).index(name)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawEpisodeCommand, words, "python -m experiments.draw_episode")


if __name__ == "__main__":
    main()
