"""Shares of a step, from what it takes with a part of it and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from experiments.benchmarks.bench import BATCH, Bench, BenchWork, Entrant
from experiments.benchmarks.measured import LIMITS, MEASURED, BenchNumber
from experiments.benchmarks.rows import BenchRow
from experiments.benchmarks.speed_rows import bench_file, transfers

WAITING_TARGET = 0.40

OBSERVATION_TARGETS: dict[str, dict[str, float | None]] = {
    "graph": {"edge-small": 0.45, "isp-hierarchy": 0.55, "metro-split": None},
    "flat": {"edge-small": None, "isp-hierarchy": None, "metro-split": None},
}


def _share(bench: Bench, with_it: BenchWork, without: BenchWork) -> float:
    rates = bench.rates({"with": Entrant("now", with_it), "without": Entrant("now", without)})
    return 1.0 - rates.ratio("with", "without")


def _batch_of(scenario: str, size: int = BATCH, **options: Any) -> BenchWork:
    overrides: Mapping[str, Any] = {**transfers(scenario), **options.pop("overrides", {})}
    return BenchWork(
        size=size, options={"scenario": str(bench_file(scenario)), "overrides": overrides, **options}
    )


def _waiting(scenario: str, bench: Bench) -> list[BenchNumber]:
    off = {"serving.queueing": "none", "serving.loading": "instant"}
    share = _share(bench, _batch_of(scenario), _batch_of(scenario, overrides=off))
    return [BenchNumber(MEASURED, share, "lower", WAITING_TARGET)]


def _observation(scenario: str, name: str, target: float | None, bench: Bench) -> list[BenchNumber]:
    share = _share(bench, _batch_of(scenario, observation=name), _batch_of(scenario, observation="nothing"))
    return [BenchNumber(MEASURED, share, "lower", target)]


def _masks(scenario: str, codec: str, bench: Bench) -> list[BenchNumber]:
    steps = _batch_of(scenario, size=0, action=codec)
    return [BenchNumber(MEASURED, _share(bench, steps._replace(kind="masks"), steps), "lower")]


def share_rows() -> Iterator[BenchRow]:
    """Waiting and transfer, observations, masks."""
    for scenario in ("edge-small", "metro-split"):
        name = f"waiting and transfer, share of a step, {scenario}, batch"
        yield BenchRow(LIMITS, name, partial(_waiting, scenario))
    for observation, targets in OBSERVATION_TARGETS.items():
        for scenario, target in targets.items():
            name = f"observation {observation}, share of a step, {scenario}, batch"
            measure = partial(_observation, scenario, observation, target)
            yield BenchRow(LIMITS if target else "shares", name, measure)
    for codec in ("placement", "change"):
        name = f"mask of {codec}, share of a step, edge-small, single"
        yield BenchRow("shares", name, partial(_masks, "edge-small", codec))
