"""Scale: trees of the family of isp-hierarchy, 20 tasks of 10 models each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from experiments.benchmarks.bench import Bench, BenchWork, Entrant
from experiments.benchmarks.measured import LIMITS, MEASURED, NOT_DONE, BenchNumber
from experiments.benchmarks.processes import LimitError
from experiments.benchmarks.rows import BenchRow
from experiments.benchmarks.speed_rows import bench_file

TREE_ROWS = 8
"""environments of the batch whose slots are timed"""

TREE_REPEATS = 2


class TreeSize(NamedTuple):
    """Children per main office, office and station."""

    fan_out: tuple[int, int, int]

    @property
    def classes(self) -> int:
        """Request classes: tasks times access nodes."""
        main, office, station = self.fan_out
        return 20 * main * office * station

    @property
    def nodes(self) -> int:
        """All of them, with the two above."""
        main, office, station = self.fan_out
        return 2 + main * (1 + office * (1 + station))

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of ``gym.make``."""
        tiers = zip((2, 3, 4), self.fan_out, strict=True)
        return {
            "scenario": str(bench_file("isp-hierarchy")),
            "overrides": {f"topology.tiers.{tier}.fan_out": children for tier, children in tiers},
        }


SCALE_TREES = tuple(map(TreeSize, ((1, 2, 3), (3, 3, 2), (4, 4, 6), (6, 6, 8), (6, 6, 12), (6, 6, 27))))
MEDIUM, LARGE = SCALE_TREES[-2:]


def _make_rate(bench: Bench, size: TreeSize, version: str, repeats: int) -> float:
    """Environments made per CPU second; `NOT_DONE` if one takes longer than the limit."""
    work = BenchWork("make", options=size.options)
    try:
        rates = bench.rates(
            {"one": Entrant(version, work)}, seconds=0.0, repeats=repeats, warm=False, limit=bench.limit
        )
    except LimitError:
        return NOT_DONE
    return rates.of("one")


def _make_seconds(bench: Bench, size: TreeSize) -> float:
    """CPU seconds that this version takes."""
    return bench.once(
        ("make", size), lambda: 1.0 / _make_rate(bench, size, "now", min(TREE_REPEATS, bench.repeats))
    )


def _slot_microseconds(bench: Bench, size: TreeSize) -> float:
    """CPU microseconds of a slot per class and environment, resets left out."""
    return bench.once(("slot", size), lambda: _time_slots(bench, size))


def _time_slots(bench: Bench, size: TreeSize) -> float:
    work = BenchWork("slots", size=TREE_ROWS, options=size.options)
    if math.isnan(_make_seconds(bench, size)):
        return NOT_DONE
    rates = bench.rates({"one": Entrant("now", work)}, repeats=min(TREE_REPEATS, bench.repeats))
    return 1e6 / rates.of("one") / size.classes


def _tree(size: TreeSize, bench: Bench) -> list[BenchNumber]:
    return [
        BenchNumber("classes", size.classes),
        BenchNumber("gym.make [CPU s]", _make_seconds(bench, size)),
        BenchNumber("slot [CPU us per class]", _slot_microseconds(bench, size)),
    ]


def _make_against(bench: Bench) -> list[BenchNumber]:
    before, now = 1.0 / _make_rate(bench, MEDIUM, "0.1", 1), _make_seconds(bench, MEDIUM)
    return [
        BenchNumber("0.1 [CPU s]", before),
        BenchNumber("now [CPU s]", now),
        BenchNumber("0.1 / now", before / now, "higher", 10.0),
    ]


def _make_larger(bench: Bench) -> list[BenchNumber]:
    ratio = _make_seconds(bench, LARGE) / _make_seconds(bench, MEDIUM)
    return [BenchNumber(MEASURED, ratio, "lower", 3.0)]


def _slot_spread(bench: Bench) -> list[BenchNumber]:
    costs = [_slot_microseconds(bench, size) for size in SCALE_TREES]
    spread = NOT_DONE if any(map(math.isnan, costs)) else max(costs) / min(costs)
    return [BenchNumber(MEASURED, spread, "lower", 1.5)]


def tree_rows() -> Iterator[BenchRow]:
    """Making environments, and what a class costs in a slot."""
    yield BenchRow("making", f"tree of {MEDIUM.nodes} nodes", _make_against)
    for size in SCALE_TREES:
        yield BenchRow("scale", f"tree of {size.nodes:,} nodes", partial(_tree, size))
    larger = f"gym.make of {LARGE.nodes:,} nodes over that of {MEDIUM.nodes}"
    yield BenchRow(LIMITS, larger, _make_larger)
    classes = f"{SCALE_TREES[0].classes} to {SCALE_TREES[-1].classes:,}"
    yield BenchRow(LIMITS, f"slot per class, {classes} classes, largest over smallest", _slot_spread)
