"""Compare the fluid slot with an event simulation: ``python -m experiments.check_fluid``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.reports.fluid_plots import draw_checks
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments, spell_command
from idn_gym.commands.progress import ProgressBar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import EMPTY, EXOGENOUS, Instance, Residents
from idn_gym.evaluation.event_queues import Discipline
from idn_gym.evaluation.events import LEAST_REQUESTS
from idn_gym.evaluation.fluid_check import DISPATCHES, FluidCheck, check_loads
from idn_gym.evaluation.fluid_ranking import RankedPlacement, list_placements, rank_placements
from idn_gym.evaluation.fluid_tables import (
    FluidReport,
    arrival_table,
    check_table,
    fluid_page,
    ranking_lines,
)
from idn_gym.evaluation.loading_check import (
    Arrival,
    LoadingCheck,
    check_arrival,
    find_arrival,
    refuse_instant,
)
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import file_name, writable_folder, write_text
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.policies.heuristics.nominal_search import best_at_nominal
from idn_gym.preset_ids import LARGE_PRESETS
from idn_gym.rendering.labels import si
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario

PROG = "python -m experiments.check_fluid"
LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
FEWER = 5
"""Factor by which rankings use fewer requests; the requests are the same for all placements."""
FEW_SEGMENTS = 12
"""Maximum number of segments that are named."""


def describe_segments(compiled: Compiled, placement: Residents) -> str:
    """Describe which segments are placed on which nodes, pinned ones left out."""
    names, pinned = compiled.names, compiled.tables.pinned
    return "; ".join(
        f"{node}: {', '.join(names.segments[s] for s in row[(row != EMPTY) & (row != held)])}"
        for node, row, held in zip(names.nodes, placement, pinned, strict=True)
        if ((row != EMPTY) & (row != held)).any()
    )


@dataclass(kw_only=True)
class CheckFluidCommand:
    """Compare the fluid slot with an event simulation, at its best static placement.

    One slot at nominal rates, speeds and memories is served by the fluid, and simulated request by request:
    once dispatched in the fluid's proportions, and once with each request choosing for itself. Load 1 is the
    demand at which filling with limits of 1 first drops requests. Settling is the length of the slot over the
    longest relaxation time of a queue: the slot is stationary where this is well above 1.

    Example: tiny --ranking 60 workload.rate=20
    """

    scenario: Positional[tuple[str, ...]] = tuple(name for name in PRESETS if name not in LARGE_PRESETS)
    """presets or YAML files"""
    loads: tuple[float, ...] = LOADS
    """loads at which to compare"""
    nominal: bool = False
    """define load 1 as the nominal demand, for example where some requests are dropped at any load"""
    requests: int = bounded(100_000, least=LEAST_REQUESTS, most=9_999_999)
    """number of requests of each simulation; more are simulated where queues take longer to settle"""
    seed: int = bounded(0, least=0, most=9_999_999)
    """seed of the simulations"""
    discipline: Discipline = "fifo"
    """service order at nodes: first come, first served, or processor sharing"""
    restarts: int = bounded(20, least=1, most=9_999_999)
    """restarts of the local search for the best static placement"""
    budget: float = bounded(1e6, least=0.0)
    """batches served per restart"""
    ranking: int = bounded(0, least=0, most=9_999)
    """number of the cheapest placements to rank at the nominal demand; 0: none"""
    arrival: bool = False
    """also compare a slot in which the most valuable segment arrives halfway through"""
    out: Path | None = None
    """folder for tables (CSV), figures, and a page with all of them"""
    changes: Changes = ()
    """changes to the scenarios, such as workload.rate=120"""

    def run(self) -> None:
        """Compare, print and write, scenario by scenario."""
        if not self.loads or not all(0.0 < load <= 100.0 for load in self.loads):
            raise ConfigError(
                "--loads", f"{list(self.loads)} is not allowed; each must be above 0 and at most 100"
            )
        if len(set(self.loads)) < len(self.loads):
            raise ConfigError("--loads", f"{list(self.loads)} is not allowed; each may be given once")
        changes = assignments(self.changes)
        scenarios = [compile_scenario(load_scenario(name, changes)) for name in self.scenario]
        if self.arrival:
            for compiled in scenarios:
                refuse_instant(compiled.tables)
        out = None if self.out is None else writable_folder(self.out, "--out")
        reports = []
        for compiled in scenarios:
            name = compiled.scenario.name
            folder = None if out is None else writable_folder(out / file_name(name), "--out")
            reports.append(self._check(compiled, folder))
            print(f"{name}: {reports[-1].about}\n")
            print_rows(*check_table(reports[-1].checks))
            print("", *reports[-1].ranking, sep="\n", flush=True)
            if self.arrival:
                print(f"{reports[-1].arriving}\n")
                print_rows(*arrival_table(reports[-1].arrival))
                print(flush=True)
            if out is not None:
                command = spell_command(replace(self, out=None), PROG)
                write_text(out / "fluid.md", fluid_page(reports, command))

    def _check(self, compiled: Compiled, folder: Path | None) -> FluidReport:
        """Search, compare and rank on one scenario."""
        name, checks, ranked = compiled.scenario.name, list[FluidCheck](), list[RankedPlacement]()
        instance, placement = best_at_nominal(
            compiled, SearchConfig(restarts=self.restarts, budget=self.budget)
        )
        arrival = find_arrival(instance, placement) if self.arrival else None
        choices = list(list_placements(instance, compiled.placeable, placement)) if self.ranking else []
        total = len(self.loads) * (1 + len(DISPATCHES)) + min(self.ranking, len(choices))
        with ProgressBar(f"checks of {name}", total) as bar:
            for check in check_loads(
                instance,
                placement,
                self.loads,
                0,
                self.requests,
                self.seed,
                self.discipline,
                nominal=self.nominal,
            ):
                checks.append(check)
                bar.advance()
            few = max(LEAST_REQUESTS, self.requests // FEWER)
            for item in rank_placements(instance, choices, self.ranking, 0, few, self.seed):
                ranked.append(item)
                bar.advance()
        if folder is not None:
            write_csv(folder / "loads.csv", [check._asdict() for check in checks])
            draw_checks(folder / "loads.png", checks, name)
            if ranked:
                write_csv(folder / "ranking.csv", [_ranking_row(compiled, item) for item in ranked])
        lines = ranking_lines(ranked, f"{len(choices)} placements") if ranked else ()
        about, arriving = _about(compiled, placement, instance, checks), ""
        found: tuple[LoadingCheck, ...] = ()
        if arrival is not None:
            found = tuple(check_arrival(instance, arrival, self.loads, self.requests, self.seed))
            arriving = _about_arrival(compiled, arrival, found[0].rate / found[0].load)
        return FluidReport(name, about, tuple(checks), lines, arriving, found)


def _about_arrival(compiled: Compiled, arrival: Arrival, full: float) -> str:
    names, (v, m) = compiled.names, (arrival.node, arrival.model)
    return (
        f"{names.segments[arrival.wanted[v, m]]} arrives at {names.nodes[v]} halfway through the slot "
        f"of {compiled.tables.slot_seconds:g} s: {si(arrival.before.bytes_to_come[0, v, m], 'B')}, then "
        f"{arrival.before.seconds_to_come[0, v, m]:.3g} s of start-up. Load 1 is {full:.4g} requests/s."
    )


def _about(compiled: Compiled, placement: Residents, instance: Instance, checks: Sequence[FluidCheck]) -> str:
    nominal = float(instance.draw.demand[0, 0].sum()) / compiled.tables.slot_seconds
    full = checks[0].rate / checks[0].load
    private = " Capacity is private in the fluid and shared in events." * (
        compiled.tables.capacity == EXOGENOUS
    )
    placed = (placement != EMPTY) & (placement != compiled.tables.pinned)
    what = f"{placed.sum()} segments on {placed.any(axis=1).sum()} nodes"
    if placed.sum() <= FEW_SEGMENTS:
        what = describe_segments(compiled, placement) or "nothing"
    return (
        f"Placed: {what}. Load 1 is {full:.4g} requests/s, "
        f"the nominal demand is load {nominal / full:.2f}.{private}"
    )


def _ranking_row(compiled: Compiled, item: RankedPlacement) -> dict[str, object]:
    costs = {name: getattr(item, name) for name in ("fluid", *DISPATCHES)}
    return {"placement": describe_segments(compiled, item.placement), **costs}


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckFluidCommand, words, PROG)


if __name__ == "__main__":
    main()
