"""Percentiles of the delays in a part of a study: ``python -m experiments.delay_table STUDY PART``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from experiments.studies.config import AGENT_PREFIX, Study, StudyPart
from experiments.training.play import open_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.delays import SlotOutcome, delays, keep_slot
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.evaluation.rollout import rollout
from idn_gym.policy import Feedback

QUANTILES = (0.5, 0.95, 0.99)


def measure_delays(study: Study, part: StudyPart, smoke: bool = False) -> Iterator[tuple[str, Floats]]:
    """Name of every agent in every cell of the grid, and its delays (seeds, `QUANTILES`) [s].

    Raises:
        ConfigError: the part trains agents, or has a grid of their options.
    """
    if any(entry.train is not None for entry in part.agents) or any(
        k.startswith(AGENT_PREFIX) for k in part.grid
    ):
        raise ConfigError("part", f"{part.name!r} is not allowed; its agents are trained or have a grid")
    seeds = range(study.smoke.seeds if smoke else part.seeds)
    for cell in part.cells():
        for entry in part.agents:
            world = part.world(entry, cell, study.smoke.overrides if smoke else {})
            env, policy = open_agent(
                entry.agent, world, seeds, study.split, study.preference, **entry.options
            )
            slots: list[SlotOutcome] = []
            try:
                rollout(policy, env, seeds, on_slot=partial(_note, slots))
            finally:
                env.close()
            name = ", ".join([entry.name, *(f"{key.split('.')[-1]} {value}" for key, value in cell.items())])
            yield name, np.stack([delays(slots, QUANTILES, b) for b in range(len(seeds))])


def _note(slots: list[SlotOutcome], feedback: Feedback) -> None:
    slots.append(keep_slot(feedback))


def row(name: str, found: Floats) -> list[str]:
    """One line of the table."""
    cells = []
    for values in 1e3 * found.T:
        if np.isinf(values).any():
            cells.append(f"dropped in {np.isinf(values).sum()} of {len(values)}")
        else:
            cells.append(f"{mean_interval(values):.3g}")
    return [name, *cells]


@dataclass(kw_only=True)
class DelayTableCommand:
    """Print percentiles of the delays in a part of a study.

    Plays every agent of the part anew, on the study's episodes, and prints median, 95th and 99th percentile
    of the delays of an episode's requests, exit branch by exit branch: means over the episodes with 95 %
    intervals. A request that was dropped is later than all others, and where a percentile is among those, the
    table says in how many episodes. Not for parts with trained agents.
    """

    study: Positional[Path]
    """YAML file such as configs/studies/splits.yaml"""
    part: Positional[str]
    """one of its parts, such as under-load"""
    smoke: bool = False
    """play the reduced version that the study states"""

    def run(self) -> None:
        """Play and print."""
        study = from_plain(Study, read_yaml(self.study))
        parts = {part.name: part for part in study.parts}
        if self.part not in parts:
            raise ConfigError("part", f"{self.part!r} is not there; {closest(self.part, list(parts))}")
        rows = [row(*found) for found in measure_delays(study, parts[self.part], self.smoke)]
        print_rows(["delay [ms]", *(f"{100 * share:g} %" for share in QUANTILES)], rows)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DelayTableCommand, words, "python -m experiments.delay_table")


if __name__ == "__main__":
    main()
