"""Draw where networks are cut as a link gets faster: ``python -m experiments.draw_cuts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.busiest_option import CutChoice, CutPart, busiest_option
from experiments.reports.cut_plot import THINNEST, CutPanels, draw_cuts
from experiments.reports.cut_words import CutBar
from experiments.reports.delay_parts import DELAY_PARTS
from experiments.reports.node_colours import node_colours
from experiments.reports.style import GRID_STYLE, save_figure
from experiments.studies.picture_options import PictureOptions
from experiments.studies.played_episode import PlayedEpisode
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, show, twice
from idn_gym.evaluation.tables import COMPARISON_COLUMNS
from idn_gym.files import file_name, writable_file
from idn_gym.rendering.labels import si, whole_percent
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.text_tables import significant

RATES = (1.25e3, 5e3, 12.5e3, 37.5e3, 125e3, 1.25e6)
"""[bytes/s] from a radio for sensors to a slow wired link"""

SERVING = (
    "serves most: blocks (share of MACs), bytes per request",
    "operating point",
    "leave at exits [%]",
    "of served [%]",
)
"""Columns about the option that serves most."""

SHARES = ("accuracy", "drop_rate")
"""Columns of `COMPARISON_COLUMNS` about the whole episode."""


class _Row(NamedTuple):
    """One episode, in picture and table."""

    bar: CutBar
    played: PlayedEpisode


@dataclass(kw_only=True)
class DrawCutsCommand(PictureOptions):
    """Draw which blocks run where, what crosses the cut, and delay by part, over the rate of one link.

    One episode is played at each rate. Above is the option that serves most requests of its last slot, with
    its operating point, below the delay of all requests that are served in its second half, as a mean over
    requests and the exits at which they leave. Shares of dropped requests, and accuracies in the table, are
    those of idn compare for that episode. Several scenarios are drawn side by side.
    Example: local-search --scenario configs/scenarios/fashion-chain.yaml --rates 5000 125000
    """

    policy: Positional[str] = "local-search"
    """that places, named as in experiments.compare: a name, the folder of a run or its policy.zip,
    CLASS:CODEC:FILE, or the YAML file of an agent"""
    scenario: tuple[str, ...] = ("configs/scenarios/fashion-chain.yaml",)
    """presets or YAML files"""
    key: str = "topology.links.0.rate"
    """dotted key of the link's rate [bytes/s], or of another positive number"""
    rates: tuple[float, ...] = RATES
    """values of the key"""
    limit: float | None = bounded(None, above=0)
    """[ms] at which the axis of delays ends; longer bars are cut there, with their length above them
    (default: the longest bar)"""
    out: Path | None = None
    """PNG file to write, with PDF and SVG beside it (default: cuts-NAME.png)"""
    changes: Changes = ()
    """to every scenario, such as topology.nodes.0.device=sbc_rpi_zero2w"""

    def run(self) -> None:
        """Play, print and draw."""
        names = self.names((self.policy,))
        worlds = self._worlds()
        path = writable_file(self.out or Path(f"{file_name('-'.join(['cuts', *worlds]))}.png"))
        found = {
            name: [self._row(names, world, rate) for world, rate in zip(mine, self.rates, strict=True)]
            for name, mine in worlds.items()
        }
        agent = found[next(iter(found))][0].played.course.label
        tiers: dict[str, str] = {}
        for mine in worlds.values():
            known = compile_scenario(mine[0]).names
            tiers |= dict(zip(known.nodes, known.tiers, strict=True))
        choices = [row.bar.choice for rows in found.values() for row in rows if row.bar.choice]
        parts = [part for choice in choices for part in choice.parts]
        note = self._note(choices)
        panels = [CutPanels(name, tuple(row.bar for row in rows)) for name, rows in found.items()]
        colours = node_colours(tiers, {part.node for part in parts})
        with plt.rc_context(GRID_STYLE):
            axis, title = self._axis(), f"placed by {agent}"
            save_figure(draw_cuts(panels, axis, colours, title, note, self.columns, self.limit), path)
        self._print(found)
        print(f"\n{note}\n{path}")

    def _worlds(self) -> dict[str, list[Scenario]]:
        """Scenarios by name, one for each rate."""
        if not self.rates or min(self.rates) <= 0.0:
            raise ConfigError("rates", f"{show(list(self.rates))} is not allowed; must be above 0")
        if not self.scenario:
            raise ConfigError("scenario", "no scenario is named")
        changes = assignments(self.changes)
        worlds = [
            [load_scenario(scenario, {**changes, self.key: rate}) for rate in self.rates]
            for scenario in self.scenario
        ]
        again = twice(mine[0].name for mine in worlds)
        if again is not None:
            raise ConfigError("scenario", f"{show(again)} is given twice; names must differ")
        return {mine[0].name: mine for mine in worlds}

    def _row(self, names: Mapping[str, str], world: Scenario, rate: float) -> _Row:
        """Play the episode at one rate."""
        (played,) = self.play(names, world)
        instance = build_instance(world, self.seed, self.split, self.weighing(names))
        last = len(played.parts) - 1
        choice = busiest_option(compile_scenario(world), instance, last, played.resident)
        label = si(8 * rate, "bit/s") if self._of_link() else f"{rate:g}"
        return _Row(CutBar(label, choice, played.settled_parts, played.record["drop_rate"]), played)

    def _of_link(self) -> bool:
        return self.key.startswith("topology.") and self.key.endswith("rate")

    def _axis(self) -> str:
        return "rate of the link" if self._of_link() else self.key.split(".")[-1].replace("_", " ")

    def _note(self, choices: Sequence[CutChoice]) -> str:
        """What picture and table need said."""
        thin = any(part.macs < THINNEST for choice in choices for part in choice.parts)
        least, share = whole_percent(THINNEST), min((choice.share for choice in choices), default=1.0)
        note = (
            f"Delays: means over served requests, and the exits at which they leave, in the second half of "
            f"one episode ({self.split} seed {self.seed}). Dropped: share of all requests of the episode. "
            "Blocks: the option that serves most in the last slot"
            + (f" (at least {whole_percent(share)} of the served requests)." if share < 0.995 else ".")
        )
        return note + (f" Parts below {least} of the MACs are drawn as {least}." if thin else "")

    def _print(self, found: Mapping[str, Sequence[_Row]]) -> None:
        """One row per scenario and rate."""
        several = len(found) > 1
        rows = [
            (
                f"{name}, {row.bar.label}" if several else row.bar.label,
                *_words(row.bar.choice),
                *(significant(row.played.record[key] * COMPARISON_COLUMNS[key][1]) for key in SHARES),
                *(significant(1e3 * part) if np.isfinite(part) else "-" for part in row.bar.delay),
                significant(row.bar.total) if np.isfinite(row.bar.total) else "-",
            )
            for name, mine in found.items()
            for row in mine
        ]
        first = f"scenario, {self._axis()}" if several else self._axis()
        shares = [COMPARISON_COLUMNS[key][0] for key in SHARES]
        print_rows((first, *SERVING, *shares, *(f"{name} [ms]" for name in DELAY_PARTS), "delay [ms]"), rows)


def _words(choice: CutChoice | None) -> tuple[str, str, str, str]:
    """What `SERVING` names."""
    if choice is None:
        return "nothing", "-", "-", "0"
    where = "".join(
        f"{_crossing(part)}{part.node} {_blocks(part.first, part.last)} ({significant(100 * part.macs)} %)"
        for part in choice.parts
    )
    leaving = " / ".join(f"{100 * share:.3g}" for share in choice.leaving)
    return f"{choice.model}:{where}", choice.point, leaving, f"{100 * choice.share:.0f}"


def _crossing(part: CutPart) -> str:
    """The arrow before a part, with the bytes that enter it over a link."""
    return f" -> {si(part.size, 'B')} -> " if part.crosses else " "


def _blocks(first: int, last: int) -> str:
    """Blocks counted from 1."""
    return f"{first + 1}" if last == first + 1 else f"{first + 1}-{last}"


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawCutsCommand, words, "python -m experiments.draw_cuts")


if __name__ == "__main__":
    main()
