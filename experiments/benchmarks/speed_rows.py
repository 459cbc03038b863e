"""Steps per CPU second, against version 0.1 and a CartPole: scenarios, codecs, observations, resets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from experiments.benchmarks.bench import BATCH, CARTPOLE, HELD, Bench, BenchWork, Entrant
from experiments.benchmarks.measured import BenchNumber
from experiments.benchmarks.rows import BenchRow
from experiments.benchmarks.versions import CHECKOUT
from idn_gym.actions import ACTION_CODECS
from idn_gym.actions.residual import nominal_filling
from idn_gym.config_reader import to_plain
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.placements import name_placement
from idn_gym.scenarios.presets import PRESETS, load_scenario

FEW = 3
"""repeats of rows without a target"""

CODECS_OF_01 = {"placement", "change", "scores", "scores-task", "fractional", "segments"}

NOT_HERE = {"association", "library"}
"""codecs that no preset of version 0.1 takes as it is"""

LARGEST_PLACEMENT = "edge-small"
"""of the scenarios below, the one whose placements are few enough for the codec ``placement``"""


class SpeedGoal(NamedTuple):
    """A row of the table of speeds."""

    name: str
    scenario: str
    work: BenchWork
    against: float | None = None
    """least ratio to version 0.1"""
    of_cartpole: float | None = None
    """least ratio to a single CartPole"""
    of_held: float | None = None
    """least ratio to the same with actions that change every `HELD` slots"""


GOALS = (
    SpeedGoal("tiny, single", "tiny", BenchWork(), 4.0, 0.35),
    SpeedGoal("edge-small, single", "edge-small", BenchWork(), 2.2, 0.22),
    SpeedGoal("edge-small, batch", "edge-small", BenchWork(size=BATCH), 1.4, 1.0),
    SpeedGoal("isp-hierarchy, batch", "isp-hierarchy", BenchWork(size=BATCH), 3.0, 0.10),
    SpeedGoal("metro-split, batch", "metro-split", BenchWork(size=BATCH), 2.0, 0.16),
    SpeedGoal("fashion-edge, single", "fashion-edge", BenchWork()),
    SpeedGoal("fashion-edge, batch", "fashion-edge", BenchWork(size=BATCH)),
    SpeedGoal("edge-small, batch, one action", "edge-small", BenchWork(size=BATCH, hold=0), of_held=1.3),
    SpeedGoal(
        "isp-hierarchy, batch, one action", "isp-hierarchy", BenchWork(size=BATCH, hold=0), of_held=1.3
    ),
    SpeedGoal("metro-split, batch, one action", "metro-split", BenchWork(size=BATCH, hold=0), of_held=1.5),
    SpeedGoal(
        "isp-hierarchy, batch, fractional",
        "isp-hierarchy",
        BenchWork(size=BATCH, options={"action": "fractional"}),
        4.0,
    ),
    SpeedGoal(
        "isp-hierarchy, batch, scores",
        "isp-hierarchy",
        BenchWork(size=BATCH, options={"action": "scores"}),
        3.0,
    ),
)


def bench_file(name: str) -> Path:
    """A scenario of version 0.1."""
    return CHECKOUT / "configs" / "bench" / f"{name}.yaml"


def transfers(name: str) -> dict[str, Any]:
    """Changes of this version to a scenario of version 0.1."""
    if load_scenario(bench_file(name)).serving.capacity == "exogenous":
        return {}
    return {"serving.queueing": "mgc", "serving.loading": "transfer"}


def bench_entrants(scenario: str, work: BenchWork, before: bool = True) -> dict[str, Entrant]:
    """This version, version 0.1 unless it does not know the work, and CartPole."""
    here = {"scenario": str(bench_file(scenario)), **work.options}
    changes = {**transfers(scenario), **here.get("overrides", {})}
    entrants = {
        "0.1": Entrant("0.1", work._replace(options=here)),
        "now": Entrant("now", work._replace(options={**here, "overrides": changes})),
        "CartPole": Entrant("now", CARTPOLE),
    }
    return entrants if before else {name: entrants[name] for name in ("now", "CartPole")}


def _measure_goal(goal: SpeedGoal, bench: Bench) -> list[BenchNumber]:
    entrants = bench_entrants(goal.scenario, goal.work)
    today = {"scenario": goal.scenario, **goal.work.options}
    entrants["today"] = Entrant("now", goal.work._replace(options=today))
    if goal.of_held is not None:
        entrants["held"] = Entrant("now", entrants["now"].work._replace(hold=HELD))
    rates = bench.rates(entrants)
    numbers = [
        BenchNumber("0.1 [1/CPU s]", rates.of("0.1")),
        BenchNumber("now [1/CPU s]", rates.of("now")),
        BenchNumber("now / 0.1", rates.ratio("now", "0.1"), "higher", goal.against),
        BenchNumber("now / CartPole", rates.ratio("now", "CartPole"), "higher", goal.of_cartpole),
        BenchNumber("today's preset [1/CPU s]", rates.of("today")),
    ]
    if goal.of_held is not None:
        numbers.append(
            BenchNumber("one action / held actions", rates.ratio("now", "held"), "higher", goal.of_held)
        )
    return numbers


def _measure_line(scenario: str, work: BenchWork, before: bool, bench: Bench) -> list[BenchNumber]:
    rates = bench.rates(bench_entrants(scenario, work, before), repeats=min(FEW, bench.repeats))
    numbers = [
        BenchNumber("now [1/CPU s]", rates.of("now")),
        BenchNumber("now / CartPole", rates.ratio("now", "CartPole"), "higher"),
    ]
    if before:
        numbers.insert(0, BenchNumber("0.1 [1/CPU s]", rates.of("0.1")))
        numbers.append(BenchNumber("now / 0.1", rates.ratio("now", "0.1"), "higher"))
    return numbers


def _measure_library(scenario: str, bench: Bench) -> list[BenchNumber]:
    """Choices between full nodes and empty ones."""
    compiled = compile_scenario(load_scenario(bench_file(scenario)))
    full = name_placement(nominal_filling(compiled), compiled.names, compiled.tables)
    options = {"action": "library", "overrides": {"placements": [to_plain(full), {}]}}
    return _measure_line(scenario, BenchWork(size=BATCH, options=options), False, bench)


def speed_rows() -> Iterator[BenchRow]:
    """Scenarios, those that have targets first; then what lets the next bottleneck be seen."""
    for goal in GOALS:
        yield BenchRow("steps", goal.name, partial(_measure_goal, goal))
    seen = {(goal.scenario, goal.work.options.get("action")) for goal in GOALS}
    seen |= {(name, preset.action) for name, preset in PRESETS.items()}
    for scenario in ("edge-small", "isp-hierarchy"):
        for codec in (name for name in ACTION_CODECS if name not in NOT_HERE):
            if (scenario, codec) in seen or (codec == "placement" and scenario != LARGEST_PLACEMENT):
                continue
            yield _line(
                "codecs", f"{scenario}, batch, {codec}", scenario, {"action": codec}, codec in CODECS_OF_01
            )
        yield BenchRow("codecs", f"{scenario}, batch, library", partial(_measure_library, scenario))
    for scenario in ("edge-small", "isp-hierarchy", "metro-split"):
        yield _line("observations", f"{scenario}, batch, graph", scenario, {"observation": "graph"})
    for scenario in dict.fromkeys(goal.scenario for goal in GOALS):  # version 0.1 has no others
        work = BenchWork("resets", size=BATCH)
        yield BenchRow("resets", f"{scenario}, batch", partial(_measure_line, scenario, work, True))
    yield BenchRow(
        "resets", "edge-small, single", partial(_measure_line, "edge-small", BenchWork("resets"), True)
    )


def _line(group: str, name: str, scenario: str, options: Mapping[str, Any], before: bool = True) -> BenchRow:
    work = BenchWork(size=BATCH, options=options)
    return BenchRow(group, name, partial(_measure_line, scenario, work, before))
