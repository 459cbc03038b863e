"""Measure speed against version 0.1 and CartPole: ``python -m experiments.bench_speed``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from experiments.benchmarks.bench import Bench
from experiments.benchmarks.every_row import every_row
from experiments.benchmarks.measured import MeasuredRow, plain_numbers, tables_as_text
from experiments.benchmarks.processes import WorkError
from experiments.benchmarks.rows import BenchRow, choose_rows
from experiments.benchmarks.stored_ratios import fallen, read_ratios, store_ratios
from experiments.benchmarks.versions import commit_of_checkout, version_01, working_tree
from idn_gym.commands import grammar
from idn_gym.commands.endings import FAILURE, fail
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import bounded
from idn_gym.evaluation.tables import known, write_csv
from idn_gym.files import writable_folder, write_text


@dataclass(kw_only=True)
class BenchSpeedCommand:
    """Measure speed against version 0.1 and against a single CartPole.

    CPU seconds of one thread, medians of runs that alternate between this version, version 0.1 and CartPole.
    Both versions play the scenarios of version 0.1 (configs/bench), this one with queues and transfers where
    capacity is shared, and hold each action for 8 slots. A batch has 64 environments. All rows take about 15
    minutes on two cores that run nothing else.
    """

    renamed: ClassVar[dict[str, str]] = {
        "--scenario": "--only, such as --only edge-small",
        "--batch": "--only batch",
        "--training-steps": "--only to choose what is measured",
        "--skip-first-step": "--only to choose what is measured",
    }

    only: tuple[str, ...] = ()
    """patterns of rows, such as edge-small or "limits*PPO" (default: all)"""
    rows: bool = False
    """print the names of the rows without measuring"""
    seconds: float = bounded(0.5, least=0.0)
    """[s] CPU time of each run"""
    repeats: int = bounded(5, least=1, most=9_999_999)
    """runs of each program, of which the median is taken"""
    limit: float = bounded(120.0, above=0.0)
    """[s] wall time within which a large environment must be built"""
    baseline: Path | None = None
    """Python interpreter of an environment with version 0.1 (default: extracted from the repository into
    --out)"""
    check: bool = False
    """compare with stored ratios, name those that fell by more than 20 %, and exit with 1 if there are any"""
    store: bool = False
    """store the ratios for --check"""
    out: Path = Path("runs/bench")
    """folder to write into"""

    def run(self) -> None:
        """Measure, print, write, and compare."""
        rows = choose_rows(every_row(), self.only)
        if self.rows:
            print(*(f"{row.group}: {row.name}" for row in rows), sep="\n")
            return
        stored = read_ratios() if self.check else {}
        writable_folder(self.out)
        measured, failed = self._measure(rows)
        if measured:
            self._write(measured)
        if self.store and measured:
            print(f"{store_ratios(measured, commit_of_checkout())} ratios stored")
        falls = fallen(measured, stored)
        for name, before, now in falls:
            print(f"fell: {name}: {before:.3g} before, {now:.3g} now")
        if failed or falls:
            fail(f"{len(failed)} rows failed, {len(falls)} ratios fell by more than 20 %", FAILURE)

    def _measure(self, rows: Sequence[BenchRow]) -> tuple[list[MeasuredRow], list[str]]:
        """Print the results table by table; return them with the rows that could not be measured."""
        measured: list[MeasuredRow] = []
        failed: list[str] = []
        versions = {"now": working_tree, "0.1": lambda: version_01(self.baseline, self.out)}
        with (
            Bench(versions, self.seconds, self.repeats, self.limit) as bench,
            ProgressBar("rows measured", len(rows)) as bar,
        ):
            for group, members in groupby(rows, lambda row: row.group):
                for row in members:
                    try:
                        measured.append(MeasuredRow(group, row.name, row.measure(bench)))
                    except WorkError as error:
                        failed.append(row.name)
                        print(f"{group}: {row.name}: {error}", file=sys.stderr)
                    bar.advance()
                table = [row for row in measured if row.group == group]
                if table:
                    print(tables_as_text(table), end="\n\n", flush=True)
        return measured, failed

    def _write(self, rows: Sequence[MeasuredRow]) -> None:
        numbers = plain_numbers(rows)
        plain = {"commit": commit_of_checkout(), "numbers": known(numbers)}
        write_text(self.out / "speed.txt", tables_as_text(rows) + "\n")
        write_text(self.out / "speed.json", json.dumps(plain, indent=2) + "\n")
        write_csv(self.out / "speed.csv", numbers)
        print(f"written to {self.out}: speed.txt, speed.csv, speed.json")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(BenchSpeedCommand, words, "python -m experiments.bench_speed")


if __name__ == "__main__":
    main()
