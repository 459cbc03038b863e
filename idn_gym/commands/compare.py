"""``idn compare POLICY POLICY ...``: policies on the same episodes, seed by seed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from idn_gym.commands.ceilings import Ceilings, print_dynamic, print_static
from idn_gym.commands.grammar import Changes, Positional, assignments, run_command
from idn_gym.commands.options import EpisodeOptions
from idn_gym.commands.progress import steps
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, show, twice
from idn_gym.evaluation.comparison import ComparisonRow, summarise
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.tables import (
    comparison_table,
    known,
    plain_rows,
    scenario_tables,
    write_csv,
    write_episodes,
    write_latencies,
    write_table,
)
from idn_gym.files import file_name, writable_folder
from idn_gym.objective_records import find_objectives
from idn_gym.optimum.dynamic.bracket import check_weighed
from idn_gym.optimum.solver import load_solver
from idn_gym.policies.compare import check_policies, informed_policies, play_policy
from idn_gym.preferences import read_preference
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario


@dataclass(kw_only=True)
class PlayOptions(EpisodeOptions):
    """Options of ``idn play`` and ``idn compare``."""

    scenario: tuple[str, ...] = (DEFAULT_SCENARIO,)
    """presets or YAML files"""
    ceiling: float = bounded(0.0, least=0.0, most=3600.0)
    """[s] per episode for a bracket of the best static placement in hindsight (needs SciPy); 0: no bracket"""
    load_price: float = bounded(0.0, least=0.0)
    """price of loading all memory once, in serving cost per slot, for gain and regret under --ceiling"""
    dynamic: float = bounded(0.0, least=0.0, most=3600.0)
    """[s] per episode for a bracket of the best sequence of placements (needs SciPy); 0: no bracket"""
    out: Path | None = None
    """folder for the table (text, CSV, JSON), the episodes and the ceilings (CSV)"""
    csv: bool = False
    """print comma-separated values, all in SI units"""
    changes: Changes = ()
    """changes to every scenario, such as dynamics.link.kind=ar1"""

    def scenarios(self) -> list[Scenario]:
        """Return the scenarios to play.

        Raises:
            ConfigError: a scenario cannot be read, no scenario is named, or two share a name.
        """
        found = [load_scenario(name, assignments(self.changes)) for name in self.scenario]
        again = twice(scenario.name for scenario in found)
        if again is not None or not found:
            problem = f"{show(again)} is given twice; names must differ" if found else "no scenario is named"
            raise ConfigError("--scenario", problem)
        return found

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Check the options before any episode is played.

        Args:
            scenarios: the scenarios to play.

        Raises:
            ConfigError: the preference or the folder is invalid, or a ceiling would not be printed.
            DependencyNotInstalled: a ceiling was requested and SciPy is missing.
        """
        for scenario in scenarios:
            objectives = find_objectives(scenario.objectives)
            read_preference(self.weighing(), objectives)
            if self.dynamic:
                check_weighed(self.weighing(), objectives)
        for name, seconds in (("--ceiling", self.ceiling), ("--dynamic", self.dynamic)):
            if seconds and self.csv:
                raise ConfigError(name, f"{seconds:g} is not allowed with --csv, which prints no ceiling")
        if self.load_price and not self.ceiling:
            raise ConfigError(
                "--load-price",
                f"{self.load_price:g} is not allowed without --ceiling; it prices loads for that table",
            )
        if self.ceiling or self.dynamic:
            load_solver()
        if self.out is not None:
            writable_folder(self.out)

    def said(self) -> str:
        """Describe the episodes in words."""
        return f"{self.seeds} {self.split} {'seed' if self.seeds == 1 else 'seeds'}"

    def play_one(self, word: str, scenario: Scenario) -> Episodes:
        """Play one policy."""
        return play_policy(word, scenario, range(self.seeds), self.split, self.weighing())

    def play(self, policies: Mapping[str, str], scenario: Scenario) -> dict[str, Episodes]:
        """Play all policies, and write their episodes if a folder is given.

        Args:
            policies: word that names each policy, mapped to its name in tables, which is the key of its
                episodes.
            scenario: the scenario to play.
        """
        played = {
            policies[word]: self.play_one(word, scenario)
            for word in steps(f"policies on {scenario.name}, {self.said()}", list(policies))
        }
        if self.out is not None:
            stem, names = file_name(scenario.name), compile_scenario(scenario).names
            write_episodes(self.out / f"{stem}.csv", played)
            write_latencies(self.out / f"{stem}-latencies.csv", played, names.tasks, names.classes)
        return played

    def print_ceilings(self, scenario: Scenario, played: Mapping[str, Episodes]) -> Ceilings:
        """Print how far policies are from the optimum in hindsight, if requested; return the brackets."""
        preference = self.weighing()
        return Ceilings(
            print_static(scenario, played, self.split, preference, self.ceiling, self.load_price)
            if self.ceiling
            else None,
            print_dynamic(scenario, played, self.split, preference, self.dynamic) if self.dynamic else None,
        )

    def write_ceilings(self, found: Mapping[str, Ceilings]) -> None:
        """Write the brackets, by scenario, if a folder is given."""
        if self.out is None:
            return
        for name, file in (("static", "ceilings.csv"), ("dynamic", "dynamic-ceilings.csv")):
            brackets = {scenario: getattr(ceilings, name) for scenario, ceilings in found.items()}
            rows = [{"scenario": key, **bracket.columns()} for key, bracket in brackets.items() if bracket]
            if rows:
                write_csv(self.out / file, rows)


@dataclass(kw_only=True)
class CompareCommand(PlayOptions):
    """Play policies on the same held-out episodes, and compare their costs seed by seed.

    Intervals have 95 % confidence and need SciPy. idn list policies lists the policies. A policy that
    Stable-Baselines3 saved, and that you trust, is named CLASS:CODEC:FILE, such as ppo:placement:mine.zip; it
    needs the extra rl.
    """

    policies: Positional[tuple[str, ...]]
    """two or more policies, by name or as CLASS:CODEC:FILE"""
    reference: str | None = None
    """policy with which the others are compared (default: the first)"""

    written: ClassVar[str] = "table and episodes"
    """content of the folder"""
    fewest: ClassVar[int] = 2
    """minimum number of policies; a single one has a command of its own"""

    def names(self) -> dict[str, str]:
        """Return the word that names each policy, mapped to its name in tables.

        Raises:
            ConfigError: a policy is unknown, or `check_policies` refuses the words.
        """
        check_policies(self.policies, self.reference)
        return {word: word for word in self.policies}

    def run(self) -> None:
        """Print the tables, and write the files."""
        self.compare_on(self.scenarios())

    def compare_on(self, scenarios: Sequence[Scenario]) -> list[ComparisonRow]:
        """Play all policies on all scenarios, print the tables, and write the files.

        Raises:
            ConfigError: an option is invalid; no episode has been played.
            DependencyNotInstalled: an extra is missing; no episode has been played.
        """
        names, preference = self.names(), self.weighing()
        if len(self.policies) < self.fewest:
            raise ConfigError(
                "policies",
                f"{show(self.policies[0])} is the only policy; two or more are needed (see idn play)",
            )
        self.check(scenarios)
        rows: list[ComparisonRow] = []
        everything, ceilings = [], {}
        for scenario in scenarios:
            played = self.play(names, scenario)
            rows += summarise(
                scenario,
                played,
                names[self.reference or self.policies[0]],
                preference,
                informed_policies(played),
            )
            everything.append((scenario, played))
        if self.out is not None:
            write_table(self.out, rows, comparison_table(rows, self.said()))
        if self.csv:
            print_plain(rows)
            return rows
        for table, (scenario, played) in zip(scenario_tables(rows, self.said()), everything, strict=True):
            print(f"\n{table.title}\n")
            print_rows(table.head, table.body)
            if table.note:
                print(f"\n{table.note}")
            ceilings[scenario.name] = self.print_ceilings(scenario, played)
        self.write_ceilings(ceilings)
        if self.out is not None:
            print(f"\n{self.written}: {self.out}")
        return rows


def print_plain(rows: Sequence[ComparisonRow]) -> None:
    """Comparisons as comma-separated values; what is not known is left empty."""
    plain = plain_rows(rows)
    writer = csv.DictWriter(sys.stdout, list(plain[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(known(plain))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn compare``."""
    run_command(CompareCommand, words, "idn compare")
