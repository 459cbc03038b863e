"""Draw the charge of batteries over an episode: ``python -m experiments.draw_charge``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from experiments.reports.style import COLOURS, COLUMN_INCHES, PLOT_STYLE, PageColumns, save_figure
from experiments.studies.picture_options import PictureOptions
from experiments.studies.played_episode import play_noting
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats
from idn_gym.files import file_name, writable_file
from idn_gym.metrics import METRICS
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


class ChargeCourse(NamedTuple):
    """Course of one episode with T slots and Z batteries."""

    level: Floats
    """(T, Z) share of the capacity after each slot"""
    dropped: Floats
    """(T,) share of the requests that are dropped"""


def charge_course(word: str, scenario: Scenario, seed: int, split: str, preference: Any) -> ChargeCourse:
    """Play an episode and record the charge of the batteries; see `play_noting`."""
    tables = compile_scenario(scenario).tables
    stores = tables.node_store[tables.node_store != EMPTY]
    levels: list[Floats] = []

    def note(feedback: Feedback) -> None:
        levels.append(feedback.after.level[0, stores] / tables.store_capacity[stores])

    played = play_noting(note, word, scenario, seed, split, preference)
    return ChargeCourse(np.array(levels), played.metrics[0, :, METRICS.index("drop_rate")])


def draw_charge_courses(
    scenario: Scenario, played: dict[str, ChargeCourse], harvest: Floats, columns: PageColumns = "two"
) -> Figure:
    """Draw one panel per policy, with a line per battery and the dropped requests, below the harvest.

    Args:
        scenario: the scenario that all policies played.
        played: courses by name of the policy.
        harvest: (T, Z) [J].
        columns: of the page.
    """
    hours = np.arange(1, len(harvest) + 1) * scenario.slot_seconds / 3600
    figure, axes = plt.subplots(
        len(played) + 1,
        1,
        sharex=True,
        figsize=(COLUMN_INCHES[columns], 1.3 * len(played) + 1.3),
        layout="constrained",
    )
    watts = harvest / scenario.slot_seconds
    axes[0].plot(hours, watts, color=COLOURS[4], lw=0.8)
    axes[0].set_ylabel("harvest [W]")
    for k, (name, found) in enumerate(played.items(), 1):
        axes[k].plot(hours, 100 * found.level, color=COLOURS[0], lw=0.8)
        axes[k].fill_between(hours, 100 * found.dropped, color=COLOURS[1], alpha=0.5, lw=0)
        axes[k].set_ylim(0, 104)
        axes[k].set_ylabel("share [%]")
        axes[k].set_title(f"{name}: charge (lines), dropped (filled)")
    axes[-1].set_xlabel("time [h]")
    return figure


@dataclass(kw_only=True)
class DrawChargeCommand(PictureOptions):
    """Draw the charge of batteries and the dropped requests slot by slot, one panel per policy.

    Example: night-planner charge-rule static-greedy --scenario solar-field --seed 1
    """

    policies: Positional[tuple[str, ...]] = ()
    """agents whose episodes are drawn, named as in experiments.compare"""
    scenario: str = "solar-field"
    """preset or YAML file"""
    out: Path | None = None
    """PNG file to write (default: charge-NAME.png)"""
    changes: Changes = ()
    """changes to the scenario, such as dynamics.harvest.cover=0.8"""

    def run(self) -> None:
        """Play, draw and write."""
        names = self.names(self.policies)
        scenario = load_scenario(self.scenario, assignments(self.changes))
        compiled = compile_scenario(scenario)
        stores = compiled.tables.node_store[compiled.tables.node_store != EMPTY]
        if not len(stores):
            raise ConfigError(
                "scenario", f"{scenario.name!r} is not allowed; none of its nodes has a battery"
            )
        path = writable_file(self.out or Path(f"{file_name(f'charge-{scenario.name}')}.png"))
        preference = self.weighing(names)
        played = {
            name: charge_course(word, scenario, self.seed, self.split, preference)
            for word, name in names.items()
        }
        instance = build_instance(scenario, self.seed, self.split)
        with plt.rc_context(PLOT_STYLE):
            figure = draw_charge_courses(scenario, played, instance.draw.refill[0][:, stores], self.columns)
            print(save_figure(figure, path))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawChargeCommand, words, "python -m experiments.draw_charge")


if __name__ == "__main__":
    main()
