"""How long a fresh process takes until its first step is done."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

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
        surroundings = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for mode in ("nothing compiled", "compiled before"):
            said = subprocess.check_output(code, env=surroundings, stderr=subprocess.DEVNULL, text=True)
            for clock, seconds in zip(("wall", "CPU"), said.split(), strict=True):
                yield mode, clock, float(seconds)
