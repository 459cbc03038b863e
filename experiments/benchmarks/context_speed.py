"""Rows of a context per CPU second: the native vector environment beside Gymnasium's, of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from experiments.benchmarks.bench import Bench, BenchWork, Entrant
from experiments.benchmarks.measured import BenchNumber
from experiments.benchmarks.rows import BenchRow
from idn_gym.config_reader import to_plain
from idn_gym.scenarios.contexts import load_context

CONTEXT_ROWS = 16
"""rows of a batch: few enough that a play comes to the end of an episode, whose resets count"""


def _entrant(name: str, **options: Any) -> Entrant:
    """An entrant whose scenarios have names of their own, or one would find what the other has compiled."""
    context = {**to_plain(load_context("trees")), "name": name}
    work = BenchWork(size=CONTEXT_ROWS, env="IDN-Context-v0", options={"context": context, **options})
    return Entrant("now", work)


def _measure(each: int, bench: Bench) -> list[BenchNumber]:
    entrants = {
        "sync": _entrant("sync", vectorization_mode="sync"),
        "native": _entrant("native", rows_per_scenario=each),
    }
    rates = bench.rates(entrants)
    return [
        BenchNumber("SyncVectorEnv [1/CPU s]", rates.of("sync")),
        BenchNumber("native [1/CPU s]", rates.of("native")),
        BenchNumber("native / SyncVectorEnv", rates.ratio("native", "sync"), "higher"),
    ]


def context_speed_rows() -> Iterator[BenchRow]:
    """A scenario for each row, and for several."""
    for each in (1, 4, CONTEXT_ROWS):
        count = f"{CONTEXT_ROWS // each} scenario{'s' if each < CONTEXT_ROWS else ''}"
        yield BenchRow("contexts", f"trees, {CONTEXT_ROWS} rows, {count}", partial(_measure, each))
