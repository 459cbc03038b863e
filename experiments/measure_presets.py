"""Measure the value of placements, splits and exits: ``python -m experiments.measure_presets``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from experiments.compare import BASELINES
from experiments.presets.headroom import FIELD_HEAD, HEADROOM_HEAD, field_of, measure_headroom
from experiments.presets.loading_costs import LOADING_HEAD, loading_costs
from experiments.presets.nominal_loads import NOMINAL_HEAD, nominal_load
from experiments.training.play import play_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.options import SeedOption
from idn_gym.commands.progress import ProgressBar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.evaluation.comparison import ComparisonRow, summarise
from idn_gym.evaluation.intervals import Interval
from idn_gym.evaluation.tables import comparison_table, known, write_csv, write_table
from idn_gym.files import file_name, writable_folder, write_text
from idn_gym.objective_records import find_objectives
from idn_gym.optimum.dynamic.bracket import check_weighed
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.preset_ids import LARGE_PRESETS
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario

SEARCHES = ("static-greedy", "local-search")
BEST = "local-search"

WITHOUT: dict[str, dict[str, object]] = {
    "without splits": {"serving.max_parts": 1},
    "without exits": {"serving.exits": False},
    "without both": {"serving.max_parts": 1, "serving.exits": False},
}
"""Restrictions of the search; its placements are evaluated under the same restriction."""

FEW_MODELS = 12
"""Maximum number of models for which each one is left out in turn."""

Rows = list[ComparisonRow]


def measure_preset(
    scenario: Scenario, seeds: Sequence[int], options: dict[str, Any], preference: str = "balanced"
) -> tuple[Rows, Rows]:
    """Compare the baselines, then searches without splits, without exits and without each model.

    Args:
        scenario: the scenario to play.
        seeds: seeds of the test split; searches use validation seeds.
        options: options of the searches, as in `idn_gym.optimum.search.moves.SearchConfig`.
        preference: weights of the scalar cost.
    """
    played = {
        agent: play_agent(
            agent, scenario, seeds, "test", preference, **(options if agent in SEARCHES else {})
        )
        for agent in BASELINES
    }
    free = {BEST: played[BEST]}
    for name, change in {**WITHOUT, **_without_models(scenario)}.items():
        restricted = load_scenario(scenario, change)
        if _options(restricted) < _options(scenario):
            free[name] = play_agent(BEST, restricted, seeds, "test", preference, **options)
    agents, searches = (summarise(scenario, found, BEST, preference) for found in (played, free))
    return agents, searches


def _without_models(scenario: Scenario) -> dict[str, dict[str, object]]:
    """Changes that leave one model out, if there are few models."""
    if sum(task.copies * len(task.models) for task in scenario.tasks) > FEW_MODELS:
        return {}
    return {
        f"without {model}": {f"tasks.{k}.models": [other for other in task.models if other != model]}
        for k, task in enumerate(scenario.tasks)
        for model in task.models
        if len(task.models) > 1
    }


def _options(scenario: Scenario) -> int:
    return len(compile_scenario(scenario).tables.option_model)


def seed_range(rows: Rows) -> float:
    """Share of the worst agent's cost that the best agent saves."""
    costs = [row.cost.estimate for row in rows]
    return 1.0 - min(costs) / max(costs)


def lost(rows: Rows, name: str = "without both") -> Interval:
    """Added cost of a restriction, as a share of the best cost found."""
    return next(row.relative for row in rows if row.agent == name)


def preset_summary(agents: Rows, searches: Rows) -> str:
    """Both tables and a summary of them."""
    best = next(row for row in searches if row.agent == BEST)
    split, early = best.metrics["split_rate"], best.metrics["early_rate"]
    lines = [
        comparison_table(agents, "test seeds"),
        f"\nthe best is {seed_range(agents):.1%} cheaper than the worst",
    ]
    if len(searches) > 1:
        lines += [
            f"in the best placement found {split:.1%} of requests are split and {early:.1%} leave early,",
            f"so at least {max(split, early):.1%} do one of them; the same search costs, on the same seeds,",
        ]
    for row in searches:
        if row.agent != BEST:
            lines.append(f"  {lost(searches, row.agent):+.1%} {row.agent}")
    return "\n".join(lines)


@dataclass(kw_only=True)
class MeasurePresetsCommand(SeedOption):
    """Measure whether scenarios are worth solving, and the value of splits and exits in them.

    With --loading: how full the scenarios are at nominal demand, with nothing placed and with the best
    placement found, and the costs of loading over 48 slots, for a greedy static placement and for random ones
    that change.

    With --headroom: the possible gain of moving models in time. For each test episode, the share of the best
    static placement's cost that the best sequence found saves, and an upper bound on it, loading included.

    Example: --scenario edge-small workload.rate=120
    """

    scenario: tuple[str, ...] = tuple(name for name in PRESETS if name not in LARGE_PRESETS)
    """presets or YAML files"""
    restarts: int = bounded(5, least=1, most=9_999_999)
    """restarts of the local search"""
    budget: float = bounded(1e7, least=0.0)
    """batches served per restart"""
    preference: str = "balanced"
    """weights of the scalar cost"""
    loading: bool = False
    """print how full scenarios are, and the costs of loading, instead"""
    headroom: bool = False
    """print the savings of the best sequence of placements instead"""
    bracket_seconds: float = bounded(60.0, above=0.0)
    """seconds per episode for the headroom; half of them for the sequence"""
    out: Path = Path("runs/presets")
    """folder to write into"""
    changes: Changes = ()
    """changes to the scenarios, such as workload.rate=120"""

    def run(self) -> None:
        """Measure, print and write the tables, scenario by scenario."""
        if self.loading and self.headroom:
            raise ConfigError("headroom", "true is not allowed together with loading; name one of the two")
        options: dict[str, Any] = {"restarts": self.restarts, "budget": self.budget}
        writable_folder(self.out)
        changes = assignments(self.changes)
        scenarios = (load_scenario(name, changes) for name in self.scenario)
        if self.loading:
            self._measure_loading(list(scenarios))
            return
        if self.headroom:
            worlds = list(scenarios)
            for scenario in worlds:
                check_weighed(self.preference, find_objectives(scenario.objectives))
            self._measure_headroom(worlds)
            return
        for scenario in scenarios:
            agents, searches = measure_preset(scenario, range(self.seeds), options, self.preference)
            text = preset_summary(agents, searches)
            print(text, flush=True)
            folder = writable_folder(self.out / file_name(scenario.name))
            write_table(folder, [*agents, *(row for row in searches if row.agent != BEST)], text)

    def _measure_loading(self, scenarios: Sequence[Scenario]) -> None:
        """Print and write two tables over all scenarios."""
        seeds, config = range(self.seeds), SearchConfig(restarts=self.restarts, budget=self.budget)
        loads = [nominal_load(scenario, seeds, config, self.preference) for scenario in scenarios]
        _print_and_write(self.out / "nominal", NOMINAL_HEAD, loads)
        # With private capacity, models are loaded instantly.
        shared = [scenario for scenario in scenarios if scenario.serving.capacity == "shared"]
        costs = [line for scenario in shared for line in loading_costs(scenario, seeds, self.preference)]
        if costs:
            print()
            _print_and_write(self.out / "loading", LOADING_HEAD, costs)

    def _measure_headroom(self, scenarios: Sequence[Scenario]) -> None:
        """Print and write the brackets of all scenarios, and the results of policies between them."""
        lines, seeds = [], range(self.seeds)
        total = sum(len(field_of(scenario)) + self.seeds for scenario in scenarios)
        with ProgressBar("policies and episodes", total) as bar:
            for scenario in scenarios:
                lines.append(
                    measure_headroom(scenario, seeds, self.preference, self.bracket_seconds, bar.advance)
                )
        _print_and_write(self.out / "headroom", HEADROOM_HEAD, lines)
        print()
        field = [line for headroom in lines for line in headroom.field_lines()]
        _print_and_write(self.out / "field", FIELD_HEAD, field)


class _Line(Protocol):
    """A line of a table, for readers and for programs."""

    def cells(self) -> Sequence[str]: ...

    def plain(self) -> dict[str, object]: ...


def _print_and_write(path: Path, head: Sequence[str], lines: Sequence[_Line]) -> None:
    """Print one table; write it as ``.json`` and ``.csv``, all in SI units, for programs."""
    print_rows(head, [line.cells() for line in lines])
    plain = [line.plain() for line in lines]
    write_text(path.with_suffix(".json"), json.dumps(known(plain), indent=2) + "\n")
    write_csv(path.with_suffix(".csv"), plain)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MeasurePresetsCommand, words, "python -m experiments.measure_presets")


if __name__ == "__main__":
    main()
