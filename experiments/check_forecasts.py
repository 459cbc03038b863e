"""Measure the errors of demand forecasts: ``python -m experiments.check_forecasts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.options import SeedOption
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, read_word
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder
from idn_gym.policies.forecasts.errors import ForecastErrors, forecast_errors
from idn_gym.policies.forecasts.interface import causal_forecasters
from idn_gym.policies.forecasts.seasonal import day_of
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario


def usual_forecasters(scenario: Scenario) -> list[str]:
    """Causal forecasters that need no options here; daily ones need a daily cycle in the demand."""
    names = causal_forecasters()
    try:
        day_of(scenario)
    except ConfigError:
        names.remove("seasonal")
    return names


@dataclass(kw_only=True)
class CheckForecastsCommand(SeedOption):
    """Measure the errors of demand forecasts by how far they look ahead.

    Per forecaster and lead (1: the slot that is about to be played), over all slots of each episode: absolute
    errors summed over request classes and slots, as a share of the batches that arrived, with 95 % intervals
    over episodes. No policy is involved, because demand does not depend on policies.

    Example: --scenario edge-small --forecasters last "{kind: ar, order: 4}"
    """

    scenario: tuple[str, ...] = tuple(PRESETS)
    """presets or YAML files"""
    forecasters: tuple[str, ...] = ()
    """names, or names with options such as "{kind: seasonal, period: 24}" (default: all causal forecasters
    that need no options)"""
    horizon: int = bounded(6, least=1, most=9_999)
    """number of slots to look ahead"""
    split: Literal["train", "validation", "test"] = "test"
    """split of the seeds"""
    out: Path | None = None
    """folder for errors.csv, one line per scenario, forecaster, lead and episode"""
    changes: Changes = ()
    """changes to the scenarios, such as workload.rate=120"""

    def run(self) -> None:
        """Measure, print and write the errors."""
        scenarios = [load_scenario(name, assignments(self.changes)) for name in self.scenario]
        chosen: list[Any] = [read_word("--forecasters", word) for word in self.forecasters]
        out = None if self.out is None else writable_folder(self.out, "--out")
        lines: list[dict[str, Any]] = []
        for scenario in scenarios:
            rows = []
            for forecaster in chosen or usual_forecasters(scenario):
                errors = forecast_errors(
                    scenario, forecaster, range(self.seeds), min(self.horizon, scenario.horizon), self.split
                )
                name = forecaster if isinstance(forecaster, str) else str(forecaster)
                rows.append([name, *(f"{mean_interval(share):.3f}" for share in errors.share.T)])
                lines += error_lines(scenario.name, name, errors)
            print(
                f"{scenario.name}: absolute error over batches, seeds 0 to {self.seeds - 1}, {self.split}\n"
            )
            print_rows(("forecaster", *(f"lead {h}" for h in errors.lead)), rows)
            print(flush=True)
        if out is not None:
            write_csv(out / "errors.csv", lines)


def error_lines(scenario: str, forecaster: str, errors: ForecastErrors) -> list[dict[str, Any]]:
    """Return one line of the CSV file per lead and episode."""
    return [
        {
            "scenario": scenario,
            "forecaster": forecaster,
            "lead": lead,
            "seed": seed,
            "absolute": float(errors.absolute[seed, i]),
            "share": float(errors.share[seed, i]),
        }
        for i, lead in enumerate(errors.lead)
        for seed in range(len(errors.share))
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckForecastsCommand, words, "python -m experiments.check_forecasts")


if __name__ == "__main__":
    main()
