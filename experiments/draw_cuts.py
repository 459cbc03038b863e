"""Draw where networks are cut as a link gets faster: ``python -m experiments.draw_cuts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.cut_plot import CutChoice, busiest_option, draw_cuts
from experiments.reports.delay_parts import DELAY_PARTS
from experiments.reports.style import GRID_STYLE, save_figure
from experiments.studies.picture_options import PictureOptions
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, show
from idn_gym.files import file_name, writable_file
from idn_gym.rendering.labels import si
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

RATES = (1.25e3, 5e3, 12.5e3, 37.5e3, 125e3, 1.25e6)
"""[bytes/s] from a radio for sensors to a slow wired link"""

SERVING = ("serves most", "operating point", "leave at exits [%]", "of requests [%]")
"""Columns about the option that serves most."""


@dataclass(kw_only=True)
class DrawCutsCommand(PictureOptions):
    """Draw which blocks run where, what crosses the cut, and delay by part, over the rate of one link.

    One episode is played at each rate. Above is the option that serves most requests of its last slot, with
    its operating point, below the delay of all requests that are served in its second half, as a mean over
    requests and the exits at which they leave.
    Example: local-search --scenario configs/scenarios/fashion-chain.yaml --rates 5000 125000
    """

    policy: Positional[str] = "local-search"
    """that places, named as in experiments.compare: a name, the folder of a run or its policy.zip,
    CLASS:CODEC:FILE, or the YAML file of an agent"""
    scenario: str = "configs/scenarios/fashion-chain.yaml"
    """preset or YAML file"""
    key: str = "topology.links.0.rate"
    """dotted key of the link's rate [bytes/s], or of another positive number"""
    rates: tuple[float, ...] = RATES
    """values of the key"""
    out: Path | None = None
    """PNG file to write, with PDF and SVG beside it (default: cuts-NAME.png)"""
    changes: Changes = ()
    """to the scenario, such as topology.nodes.0.device=sbc_rpi_zero2w"""

    def run(self) -> None:
        """Play, print and draw."""
        names = self.names((self.policy,))
        if not self.rates or min(self.rates) <= 0.0:
            raise ConfigError("rates", f"{show(list(self.rates))} is not allowed; must be above 0")
        changes = assignments(self.changes)
        worlds = [load_scenario(self.scenario, {**changes, self.key: rate}) for rate in self.rates]
        path = writable_file(self.out or Path(f"{file_name(f'cuts-{worlds[0].name}')}.png"))
        choices, delays = [], []
        for world in worlds:
            (played,) = self.play(names, world)
            instance = build_instance(world, self.seed, self.split, self.weighing(names))
            last = len(played.parts) - 1
            choices.append(busiest_option(compile_scenario(world), instance, last, played.resident))
            delays.append(played.settled_parts)
        link_rate = self.key.endswith("rate")
        labels = [si(8 * rate, "bit/s") if link_rate else f"{rate:g}" for rate in self.rates]
        axis = "rate of the link" if link_rate else self.key.split(".")[-1].replace("_", " ")
        nodes = compile_scenario(worlds[0]).names.nodes
        with plt.rc_context(GRID_STYLE):
            figure = draw_cuts(labels, choices, np.array(delays), axis, nodes, self.columns)
            figure.suptitle(
                f"{worlds[0].name}, placed by {played.course.label}", fontsize=8, x=0.01, ha="left"
            )
            save_figure(figure, path)
        rows = [
            (label, *_words(choice), *(f"{1e3 * part:.3g}" for part in parts))
            for label, choice, parts in zip(labels, choices, delays, strict=True)
        ]
        head = (axis, *SERVING, *(f"{name} [ms]" for name in DELAY_PARTS))
        print_rows(head, rows)
        print("\nDelays are means over served requests and the exits at which they leave.")
        print(path)


def _words(choice: CutChoice | None) -> tuple[str, str, str, str]:
    """What `SERVING` names."""
    if choice is None:
        return "nothing", "-", "-", "0"
    where = " -> ".join(f"{part.node} {part.first:.0%}-{part.last:.0%}" for part in choice.parts)
    leaving = " / ".join(f"{100 * share:.3g}" for share in choice.leaving)
    return f"{choice.model}: {where}", choice.point, leaving, f"{100 * choice.share:.0f}"


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawCutsCommand, words, "python -m experiments.draw_cuts")


if __name__ == "__main__":
    main()
