"""``idn play POLICY``: one policy on held-out episodes, every metric with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from idn_gym.commands.compare import PlayOptions, print_plain
from idn_gym.commands.grammar import Positional, run_command
from idn_gym.commands.tables import print_rows
from idn_gym.evaluation.comparison import HAS_INTERVALS, ComparisonRow, summarise
from idn_gym.evaluation.intervals import alone, mean_interval
from idn_gym.evaluation.latencies import LATENCY_COLUMNS
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.tables import comparison_table, further_columns, write_table
from idn_gym.metrics import METRIC_RECORDS, METRICS
from idn_gym.policies.compare import check_policies, informed_policies
from idn_gym.text_tables import significant


@dataclass(kw_only=True)
class PlayCommand(PlayOptions):
    """Play a policy on held-out episodes, and show every metric with its interval.

    Intervals have 95 % confidence and need SciPy. idn list policies lists the policies. A policy that
    Stable-Baselines3 saved, and that you trust, is named CLASS:CODEC:FILE, such as ppo:placement:mine.zip; it
    needs the extra rl.
    """

    policy: Positional[str]
    """name of a policy, or CLASS:CODEC:FILE"""

    def run(self) -> None:
        """Print the metrics, and write the files."""
        check_policies([self.policy])
        scenarios = self.scenarios()
        self.check(scenarios)
        rows: list[ComparisonRow] = []
        ceilings = {}
        for scenario in scenarios:
            played = self.play({self.policy: self.policy}, scenario)
            rows += summarise(scenario, played, self.policy, self.weighing(), informed_policies(played))
            if not self.csv:
                print(f"\n{self.policy} on {scenario.name}, {self.said()}\n")
                print_rows(("metric", "unit", "mean", "low", "high"), metric_rows(played[self.policy]))
                ceilings[scenario.name] = self.print_ceilings(scenario, played)
        self.write_ceilings(ceilings)
        if self.out is not None:
            write_table(self.out, rows, comparison_table(rows, self.said()))
        if self.csv:
            print_plain(rows)
        elif self.out is not None:
            print(f"\ntable and episodes: {self.out}")


def metric_rows(played: Episodes) -> list[tuple[str, str, str, str, str]]:
    """Mean scalar cost per slot and every metric, with the bounds of their intervals over seeds."""
    records = played.records()
    columns = {"cost per slot": np.array([-row["reward"] for row in records])}
    names = [*METRICS, *(LATENCY_COLUMNS if played.latencies else ())]
    names += ["fairness"] if played.fairness else []
    names += ["lifetime"] if played.lifetimes else []
    names += ["airtime"] if played.airtimes else []
    names += ["message_bytes"] if played.message_bytes else []
    names += ["fractional_update"] if played.fractional_update else []
    columns |= {name: np.array([row[name] for row in records]) for name in names}
    further = further_columns(records[0])
    columns |= {
        record.name: sign * np.array([row[name] for row in records])
        for name, (record, sign) in further.items()
    }
    units = {metric.name: metric.unit for metric in METRIC_RECORDS if metric.unit != "1"}
    units |= dict.fromkeys((*LATENCY_COLUMNS, "lifetime", "airtime"), "s") | {"message_bytes": "B"}
    units |= {record.name: record.unit for record, _ in further.values()}
    rows = []
    for name, values in columns.items():
        interval = mean_interval(values) if HAS_INTERVALS else alone(float(values.mean()))
        shown = ("-" if np.isnan(value) else significant(value, 4) for value in interval)
        rows.append((name.replace("_", " "), units.get(name, ""), *shown))
    return rows  # type: ignore[return-value]  # three of them


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn play``."""
    run_command(PlayCommand, words, "idn play")
