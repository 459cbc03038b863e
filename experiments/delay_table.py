"""Print latency percentiles of a part of a study: ``python -m experiments.delay_table STUDY PART``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.studies.config import AGENT_PREFIX, Study, StudyPart
from experiments.training.play import open_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.evaluation.latencies import QUANTILES
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.tables import COMPARISON_COLUMNS

BESIDE_PERCENTILES = ("drop_rate", "node_load", "node_load_max")
"""Metrics that are printed beside the latencies."""


def measure_delays(
    study: Study, part: StudyPart, smoke: bool = False
) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield each agent in each cell with its latencies (seeds, `QUANTILES`) [s] and metrics.

    The metrics are (seeds, `BESIDE_PERCENTILES`).

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
            try:
                played = rollout(policy, env, seeds, latencies=True)
            finally:
                env.close()
            name = ", ".join([entry.name, *(f"{key.split('.')[-1]} {value}" for key, value in cell.items())])
            shares = np.array(
                [[record[metric] for metric in BESIDE_PERCENTILES] for record in played.records()]
            )
            yield name, np.stack([found.overall for found in played.latencies]), shares


def row(name: str, found: Floats, shares: Floats) -> list[str]:
    """One line of the table."""
    cells = [f"{mean_interval(values):.3g}" for values in (*(1e3 * found.T), *(100 * shares.T))]
    return [name, *cells]


@dataclass(kw_only=True)
class DelayTableCommand:
    """Print latency percentiles of a part of a study.

    Plays every agent of the part again, on the study's episodes, and prints the median, the 95th and the 99th
    percentile of the latencies of an episode's requests, waiting included: means over the episodes with 95 %
    intervals. A dropped request counts with its timeout. Further columns give the share of dropped requests,
    the mean load of nodes, and the load of the busiest node in its busiest slot. Not for parts with trained
    agents.
    """

    study: Positional[Path]
    """YAML file such as configs/studies/splits.yaml"""
    part: Positional[str]
    """one of the study's parts, such as under-load"""
    smoke: bool = False
    """play the reduced version that the study defines"""

    def run(self) -> None:
        """Play and print."""
        study = from_plain(Study, read_yaml(self.study))
        parts = {part.name: part for part in study.parts}
        if self.part not in parts:
            raise ConfigError("part", f"{self.part!r} is unknown; {closest(self.part, list(parts))}")
        rows = [row(*found) for found in measure_delays(study, parts[self.part], self.smoke)]
        beside = [COMPARISON_COLUMNS[metric][0] for metric in BESIDE_PERCENTILES]
        print_rows(["latency [ms]", *(f"{100 * share:g} %" for share in QUANTILES), *beside], rows)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DelayTableCommand, words, "python -m experiments.delay_table")


if __name__ == "__main__":
    main()
