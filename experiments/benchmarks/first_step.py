"""Time that a fresh process needs until its first step is done."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial

from experiments.benchmarks.bench import CARTPOLE, Bench, Entrant
from experiments.benchmarks.measured import LIMITS, MEASURED, BenchNumber
from experiments.benchmarks.rows import BenchRow
from experiments.benchmarks.versions import CHECKOUT

FIRST_STEP_TARGET = 20.0
"""[s] of CPU time, of a machine on which a CartPole takes `CARTPOLE_STEP`"""

CARTPOLE_STEP = 6.4e-6
"""[s]"""

PROGRAM = """
import time
start = time.perf_counter()
import gymnasium, idn_gym
env = gymnasium.make("IDN-Scalar-v0", scenario={scenario!r})
env.reset(seed=0)
env.step(env.action_space.sample())
print(time.perf_counter() - start, time.process_time())
"""


def seconds_to_first_step(scenario: str) -> Iterator[tuple[str, str, float]]:
    """Seconds from ``import idn_gym`` on, in a process that compiles and in one that need not.

    Yields:
        whether kernels were compiled before, wall or CPU, and the time [s].
    """
    code = [sys.executable, "-c", PROGRAM.format(scenario=scenario)]
    with tempfile.TemporaryDirectory() as folder:
        surroundings = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(CHECKOUT)}
        for mode in ("nothing compiled", "compiled before"):
            said = subprocess.check_output(code, env=surroundings, stderr=subprocess.DEVNULL, text=True)
            for clock, seconds in zip(("wall", "CPU"), said.split(), strict=True):
                yield mode, clock, float(seconds)


def _first_steps(scenario: str, bench: Bench) -> Sequence[BenchNumber]:
    """All times as they were, and that of the empty cache as it would be on another machine."""
    times = list(seconds_to_first_step(scenario))
    step = 1.0 / bench.rates({"CartPole": Entrant("now", CARTPOLE)}).of("CartPole")
    [compiling] = [seconds for mode, clock, seconds in times if (mode, clock) == ("nothing compiled", "CPU")]
    as_if = BenchNumber(MEASURED, compiling * CARTPOLE_STEP / step, "lower", FIRST_STEP_TARGET)
    return [as_if, *(BenchNumber(f"{mode} [{clock} s]", seconds) for mode, clock, seconds in times)]


def _start(scenario: str, bench: Bench) -> list[BenchNumber]:
    return list(bench.once("first step", lambda: _first_steps(scenario, bench)))[1:]


def _limit(scenario: str, bench: Bench) -> list[BenchNumber]:
    return list(bench.once("first step", lambda: _first_steps(scenario, bench)))[:1]


def first_step_rows(scenario: str = "edge-small") -> Iterator[BenchRow]:
    """The time as measured, and on a machine of known speed."""
    yield BenchRow("first step", f"{scenario}, single", partial(_start, scenario))
    name = f"first step, empty cache, CPU s where CartPole takes {CARTPOLE_STEP * 1e6:g} us"
    yield BenchRow(LIMITS, name, partial(_limit, scenario))
