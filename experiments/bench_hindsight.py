"""Time and gap of the bounds on the best static placement, against the size of the network.

``python -m experiments.bench_hindsight --out runs/hindsight``
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Instance
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.slots import one_slot
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder
from idn_gym.objectives import known_tariff
from idn_gym.optimum.certificate import certificate
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.lp_oracle import LpOracle
from idn_gym.optimum.prefix_program import LayerProgram
from idn_gym.optimum.prefixes import list_prefixes, serves_alone
from idn_gym.optimum.solver import Program, SolverError, solve_integers, solve_relaxed
from idn_gym.optimum.warm import warm_up
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

TREES: dict[str, tuple[int, int, int]] = {
    "isp-hierarchy": (3, 3, 2),
    "tree-120": (4, 4, 6),
    "tree-480": (6, 6, 12),
    "tree-1016": (6, 6, 27),
}
"""Fan-outs below the isp node; the networks have 32, 118, 476 and 1,016 nodes with the cloud."""

BOUNDED_TREES = ("isp-hierarchy", "tree-120", "tree-480")
"""Trees that are measured by default; the programs of larger ones are not solved in time."""

COMPARED_PRESETS = ("tiny", "edge-small", "metro-split")

HindsightRow = dict[str, Any]


def time_hindsight(
    name: str, changes: dict[str, Any], limit: float, gap: float, iterations: int, nominal: bool = False
) -> HindsightRow:
    """Measure one line of the table, in CPU seconds of one thread; kernels are compiled beforehand.

    Args:
        name: a tree above or a preset.
        changes: changes to the scenario.
        limit: wall time in seconds that each of the programs and the bracket may take.
        gap: relative gap at which the mixed-integer program and the bracket stop.
        iterations: iterations of mirror ascent; 0 leaves the certificate out.
        nominal: use one slot with nominal demand and resources instead of episode 0.
    """
    overrides: dict[str, Any] = dict(changes)
    if name in TREES:
        overrides |= {
            f"topology.tiers.{tier}.fan_out": n for tier, n in zip((2, 3, 4), TREES[name], strict=True)
        }
    compile_kernels()
    begin = time.process_time()
    compiled = compile_scenario(load_scenario("isp-hierarchy" if name in TREES else name, overrides))
    tables = compiled.tables
    row: HindsightRow = {
        "scenario": name,
        "nodes": len(tables.node_memory),
        "classes": len(tables.class_task),
        "options": len(tables.option_model),
        "slots": compiled.scenario.horizon,
        "compile_s": time.process_time() - begin,
    }
    instance, items = build_instance(compiled.scenario, 0), list_prefixes(compiled)
    if nominal:
        tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        instance, row["slots"] = Instance(tables, nominal_draw(tables, tariff)), 1
    row["columns"] = len(items.node)
    if not serves_alone(tables, items):
        return row | bracket(compiled, instance, limit, gap)
    begin = time.process_time()
    program = LayerProgram(instance, items).program
    row |= {"build_s": time.process_time() - begin, "lp_rows": program.rows.shape[0]}
    row |= programs(program, limit, gap) | ask(compiled, instance) | bracket(compiled, instance, limit, gap)
    if iterations:
        begin = time.process_time()
        row["certificate"] = certificate(compiled, instance, iterations=iterations).upper
        row["certificate_s"] = time.process_time() - begin
        row["certificate_over_lp"] = row["certificate"] / row.get("lp", math.nan) - 1.0
    return row


def compile_kernels() -> None:
    """Compile the measured kernels, on one slot with shared capacity and one with private capacity."""
    for name in ("tiny", "isp-hierarchy"):
        compiled = compile_scenario(load_scenario(name, {"horizon": 1}))  # the timed one is built again
        first = one_slot(build_instance(compiled.scenario, 0), np.zeros(1, np.int64))
        warm_up(first, list_prefixes(compiled))
        best_static(compiled, first, seconds=1.0)


def programs(program: Program, limit: float, gap: float) -> HindsightRow:
    """Solve the linear and the mixed-integer program separately: seconds, bounds, and their distance.

    `milp_gap` is the gap that the mixed-integer program left open; nan where it found no placement.
    """
    row: HindsightRow = {}
    begin = time.process_time()
    try:
        row = {"lp": solve_relaxed(program, limit).bound}
    except SolverError as error:
        row = {"lp_status": str(error)}
    row["lp_s"], begin = time.process_time() - begin, time.process_time()
    try:
        found = solve_integers(program, limit, gap)
        reached = math.nan if found.x is None else float(program.gain @ found.x)
        row |= {"milp": found.bound, "milp_gap": (found.bound - reached) / found.bound}
    except SolverError as error:
        row["milp_status"] = str(error)
    return row | {"milp_s": time.process_time() - begin}


def ask(compiled: Compiled, instance: Instance) -> HindsightRow:
    """Return the seconds of one call of the planners' oracle, which is built before the measurement."""
    oracle = LpOracle(compiled)
    oracle(instance.draw.demand[0, 0])
    begin = time.process_time()
    oracle(instance.draw.demand[0, 1])
    return {"oracle_s": time.process_time() - begin}


def bracket(compiled: Compiled, instance: Instance, limit: float, gap: float) -> HindsightRow:
    """Measure `best_static`, which builds its programs itself."""
    begin = time.process_time()
    try:
        found = best_static(compiled, instance, seconds=limit, gap=gap)
    except SolverError as error:
        return {"status": str(error)}
    spent = time.process_time() - begin
    row = {"bracket_s": spent, "status": found.status, "alone": found.alone, "played": found.played}
    row |= {"bound": found.least, "gap": found.gap}
    if found.routed is not None:
        row |= {"routed": found.routed_cost, "gap_routed": found.routed_gap}
    if found.shares is not None:
        row |= {f"gap_{name}": share for name, share in found.shares._asdict().items()}
    return row


def print_columns(rows: Sequence[HindsightRow]) -> None:
    """Print the table with one column per scenario."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[key, *(_cell(row.get(key, "")) for row in rows)] for key in keys if key != "scenario"]
    print_rows(["scenario", *(row["scenario"] for row in rows)], cells)


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(kw_only=True)
class BenchHindsightCommand:
    """Measure time and gap of the bounds on the best static placement as the network grows."""

    scenario: tuple[str, ...] = (*BOUNDED_TREES, *COMPARED_PRESETS)
    """trees of isp-hierarchy, by number of nodes, or presets"""
    limit: float = bounded(60.0, above=0.0)
    """[s] of wall time per program and bracket"""
    gap: float = bounded(0.01, least=0.0)
    """relative gap at which programs and brackets stop"""
    nominal: bool = False
    """use one slot with nominal demand and resources instead of an episode"""
    iterations: int = bounded(100, least=0)
    """iterations of mirror ascent for the certificate; 0 leaves it out"""
    out: Path = Path("runs/hindsight")
    """folder to write into"""
    changes: Changes = ()
    """changes to the scenarios, such as horizon=48"""

    def run(self) -> None:
        """Measure, print and write the table."""
        rows = []
        writable_folder(self.out)
        changes = assignments(self.changes)
        for name in self.scenario:
            settings = self.limit, self.gap, self.iterations, self.nominal
            rows.append(time_hindsight(name, changes, *settings))
            print_columns(rows[-1:])
            print()
        keys = dict.fromkeys(key for row in rows for key in row)
        write_csv(self.out / "hindsight.csv", [dict.fromkeys(keys, "") | row for row in rows])
        print_columns(rows)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(BenchHindsightCommand, words, "python -m experiments.bench_hindsight")


if __name__ == "__main__":
    main()
