"""Hold the fluid slot against an event simulation: ``python -m experiments.check_fluid``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.tables import Quantity, print_rows
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import EMPTY, Instance, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation.event_queues import Discipline
from idn_gym.evaluation.events import LEAST_REQUESTS
from idn_gym.evaluation.fluid_check import (
    DISPATCHES,
    FluidCheck,
    RankedPlacement,
    check_loads,
    count_placements,
    rank_placements,
)
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import atomically, writable_folder
from idn_gym.objectives import known_tariff
from idn_gym.optimum.hindsight import best_static
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.presets import load_scenario

LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
MOST_PLACEMENTS = 100_000
"""Up to which all placements are looked at for a ranking."""

CHECK_UNITS = {
    "rate": "1/s",
    "latency": "s",
    "latency_error": "s",
    "p95": "s",
    "p99": "s",
    "late": "share",
    "dropped": "share",
    "node_load": "share",
    "link_load": "share",
}
HIDDEN = ("rate", "latency_error")
"""Columns for programs alone."""


def check_table(checks: Sequence[FluidCheck]) -> tuple[list[str], list[list[object]]]:
    """Head and rows for people."""
    names = [name for name in FluidCheck._fields if name not in HIDDEN]
    rows = [[_cell(name, getattr(check, name)) for name in names] for check in checks]
    return [name.replace("_", " ") for name in names], rows


def _cell(name: str, value: object) -> object:
    if not isinstance(value, float):
        return value
    if name in CHECK_UNITS:
        return Quantity(value, CHECK_UNITS[name])
    return f"{value:.3g}"


def draw_checks(path: Path, checks: Sequence[FluidCheck], title: str) -> None:
    """Mean latency, late share and drops over the load, one line per model."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 2.8), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    figure.suptitle(title)
    for name, label, axis in zip(
        ("latency", "late", "dropped"), ("mean latency [s]", "late share", "drop share"), axes, strict=True
    ):
        for model, marker in zip(("fluid", *DISPATCHES), ("o", "s", "^"), strict=True):
            points = [(check.load, getattr(check, name)) for check in checks if check.model == model]
            axis.plot(*zip(*points, strict=True), marker=marker, markersize=3, linewidth=1, label=model)
        axis.set(xlabel="load", ylabel=label, ylim=(0.0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    atomically(path, lambda file: figure.savefig(file, format="png"))


def rank_correlations(ranked: Sequence[RankedPlacement]) -> dict[str, float]:
    """Kendall's tau between the fluid's cost and that of events, by dispatch."""
    from scipy.stats import kendalltau

    fluid = [item.fluid for item in ranked]
    return {
        name: float(kendalltau(fluid, [getattr(item, name) for item in ranked]).statistic)
        for name in DISPATCHES
    }


def describe_segments(compiled: Compiled, placement: Residents) -> str:
    """What is placed where, what is pinned left out."""
    names, pinned = compiled.names, compiled.tables.pinned
    return "; ".join(
        f"{node}: {', '.join(names.segments[s] for s in row[(row != EMPTY) & (row != held)])}"
        for node, row, held in zip(names.nodes, placement, pinned, strict=True)
        if ((row != EMPTY) & (row != held)).any()
    )


@dataclass(kw_only=True)
class CheckFluidCommand:
    """Hold the fluid slot against an event simulation, at its best static placement.

    One slot at nominal rates, speeds and memories is served by the fluid, and simulated request by request:
    sent in the fluid's proportions, and with each request choosing for itself. Load 1 is the demand at which
    the fluid first drops. Settling is the length of the slot over the longest relaxation time of a queue: the
    slot is stationary where it is well above 1.

    Example: tiny --ranking 60 workload.rate=20
    """

    scenario: Positional[str]
    """a preset or a YAML file"""
    loads: tuple[float, ...] = LOADS
    """at which to compare"""
    requests: int = bounded(20_000, least=LEAST_REQUESTS, most=9_999_999)
    """of each simulation"""
    seed: int = bounded(0, least=0, most=9_999_999)
    """of the simulations"""
    discipline: Discipline = "fifo"
    """at nodes: first come, first served, or processor sharing"""
    seconds: float = bounded(20.0, above=0.0)
    """time to look for the best static placement"""
    ranking: int = bounded(0, least=0, most=9_999)
    """how many of the cheapest placements to rank at the nominal demand; 0: none"""
    out: Path | None = None
    """folder for the tables as CSV and a figure"""
    changes: Changes = ()
    """to the scenario, such as workload.rate=120"""

    def run(self) -> None:
        """Search, compare, print and write."""
        if not self.loads or not all(0.0 < load <= 100.0 for load in self.loads):
            raise ConfigError("--loads", f"{list(self.loads)} is not allowed; each above 0, up to 100")
        compiled = compile_scenario(load_scenario(self.scenario, assignments(self.changes)))
        tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        instance = Instance(compiled.tables, nominal_draw(compiled.tables, tariff))
        if self.ranking and count_placements(instance) > MOST_PLACEMENTS:
            allowed = f"0 where more than {MOST_PLACEMENTS} placements fit into the nodes"
            raise ConfigError("--ranking", f"{self.ranking} is not allowed; {allowed}")
        out = None if self.out is None else writable_folder(self.out, "--out")
        placement = best_static(compiled, instance, seconds=self.seconds).placement
        print(f"{compiled.scenario.name}: {describe_segments(compiled, placement) or 'nothing placed'}\n")
        checks = list(
            check_loads(instance, placement, self.loads, 0, self.requests, self.seed, self.discipline)
        )
        print_rows(*check_table(checks))
        if out is not None:
            write_csv(out / "loads.csv", [check._asdict() for check in checks])
            draw_checks(out / "loads.png", checks, compiled.scenario.name)
        if self.ranking:
            self._rank(compiled, instance, out)

    def _rank(self, compiled: Compiled, instance: Instance, out: Path | None) -> None:
        ranked = rank_placements(instance, self.ranking, 0, self.requests, self.seed)
        tau = rank_correlations(ranked)
        print(f"\n{len(ranked)} cheapest placements at the nominal demand, Kendall's tau with the fluid:")
        for name in DISPATCHES:
            best = min(getattr(item, name) for item in ranked)
            own = getattr(ranked[0], name)
            print(f"  {name}: {tau[name]:.2f}; the fluid's best costs {own:.3g}, the best {best:.3g}")
        if out is not None:
            rows = [
                {"placement": describe_segments(compiled, item.placement), **_costs(item)} for item in ranked
            ]
            write_csv(out / "ranking.csv", rows)


def _costs(item: RankedPlacement) -> dict[str, object]:
    return {name: getattr(item, name) for name in ("fluid", *DISPATCHES)}


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckFluidCommand, words, "python -m experiments.check_fluid")


if __name__ == "__main__":
    main()
