"""Compare the generator of `genai-shift` with its log: ``python -m experiments.hit_ratios``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.requests.hit_ratios import (
    FITTED,
    GENAI_RATIOS,
    HELD_OUT,
    Case,
    HitRatios,
    generator_ratios,
    ratios_by_case,
)
from experiments.requests.next_demand import what_moving_saves
from experiments.requests.request_rows import at_the_logs_rate, read_requests
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, show
from idn_gym.scenarios.presets import load_scenario
from idn_gym.text_tables import rounded

HIT_RATIO_HEAD = ("nodes", "room", "static", "LRU", "per hour", "per ten minutes")


def comparison_rows(log: Mapping[Case, HitRatios], drawn: Mapping[Case, HitRatios]) -> list[list[str]]:
    """One line per number of nodes and capacity: log, generator and their difference, by rule."""
    return [
        [
            *map(str, case),
            *(
                f"{there:.3f}, {here:.3f} ({rounded(here - there, '+.3f')})"
                for there, here in zip(log[case], drawn[case], strict=True)
            ),
        ]
        for case in log
    ]


def largest_difference(log: Mapping[Case, HitRatios], drawn: Mapping[Case, HitRatios]) -> float:
    """Return the largest absolute difference of two ratios with the same case and rule."""
    return max(abs(a - b) for case in log for a, b in zip(log[case], drawn[case], strict=True))


@dataclass(kw_only=True)
class HitRatiosCommand:
    """Compare the generator of genai-shift with its log: hit ratios of models at nodes, request by request.

    Users are assigned to nodes with room for a few models each. The rules are: the best models of a node in
    hindsight; least recently used (every miss is a load); and the best models per node and hour, and per ten
    minutes. Cells give the log, the generator and their difference. Without --log, the shipped ratios of the
    log are used.

    With --cost, prints the gain of moving models on test episodes of the preset itself, loading included: for
    policies that see the past, and for a rule that knows the demand of the next slots.

    Example: --log lora_request_trace.tar.gz --seeds 20
    """

    log: Path | None = None
    """request log of cluster-trace-v2026-GenAI; its days are also compared in two parts: those used for the
    fit of the generator, and the others"""
    seeds: int = bounded(20, least=1, most=9_999_999)
    """draws of the generator, whose ratios are averaged; with --cost, test episodes, at least 2"""
    cost: bool = False
    """print the gain of moving models instead"""

    def run(self) -> None:
        """Read, draw and print."""
        if self.cost:
            if self.log is not None:
                raise ConfigError(
                    "log", f"{show(str(self.log))} is not allowed with --cost; must be left out"
                )
            if self.seeds < 2:
                raise ConfigError("seeds", f"{self.seeds} is not allowed; must be at least 2 with --cost")
            self._print_costs()
            return
        if self.log is None:
            self._print("all days", GENAI_RATIOS, generator_ratios(at_the_logs_rate(), self.seeds))
            return
        for title, between in (("all days", (0.0, 1.0)), ("fitted", FITTED), ("held out", HELD_OUT)):
            rows = read_requests(str(self.log), between)
            drawn = generator_ratios(at_the_logs_rate(rows), self.seeds)
            self._print(f"{title}, {len(rows.time)} requests", ratios_by_case(rows), drawn)

    def _print_costs(self) -> None:
        rows, missed = what_moving_saves(load_scenario("genai-shift"), range(self.seeds))
        cells = [[row.name, f"{row.cost:.4f}", f"{row.against_static:+.1%}"] for row in rows]
        print_rows(("placed by", "cost per slot", "against the best static"), cells)
        print(f"\nthe best static placement misses {missed:.1%} of the requests")

    def _print(self, title: str, log: Mapping[Case, HitRatios], drawn: Mapping[Case, HitRatios]) -> None:
        print(f"{title}:\n")
        print_rows(HIT_RATIO_HEAD, comparison_rows(log, drawn))
        print(f"\nlargest difference {largest_difference(log, drawn):.3f}, {self.seeds} draws\n")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(HitRatiosCommand, words, "python -m experiments.hit_ratios")


if __name__ == "__main__":
    main()
