"""Play work for some CPU seconds and say how much was done: the other end of `processes.VersionProcess`.

A script that runs with this version of the package and with earlier ones, so it uses nothing but what users
do. It reads one JSON object a line from its standard input and answers each with one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import idn_gym  # registers the environments

ACTIONS = 16
"""sampled beforehand, played in turn"""

TURN = 64
"""[steps] of a single environment between two looks at the clock"""

BATCH_TURN = 8
"""[slots] of a batch between two looks at the clock"""

LONGEST = 4.0
"""factor on the requested seconds, within which play may continue to the end of an episode"""

Turn = Callable[[], tuple[int, bool]]
"""Plays on; returns how much was done, and whether an episode ended."""


class NoObservation:
    """An observation codec that looks at nothing, to tell what the others take."""

    view = "vector"

    def __init__(self, compiled: Any, preference: bool) -> None:
        self.space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)

    def encode(self, instance: Any, state: Any, outcome: Any) -> tuple[Any, Any]:
        """Zeros."""
        rows = len(state.slot)
        return np.zeros((rows, 1), np.float32), np.zeros(rows, np.int64)

    def describe(self) -> list[dict[str, str]]:
        """The one entry."""
        return [{"name": "nothing"}]


def bench_env(work: dict[str, Any]) -> Any:
    """The environment of some work; see `bench.BenchWork` for its fields."""
    name, size, options = work["env"], work["size"], work["options"]
    if size:
        return gym.make_vec(name, num_envs=size, **{"vectorization_mode": "vector_entry_point", **options})
    return gym.make(name, disable_env_checker=True, **options)


def set_up(work: dict[str, Any]) -> tuple[Callable[[], object], Turn]:
    """Untimed preparation of each turn, and the timed turn."""
    if work["kind"] == "make":
        gym.make("IDN-Scalar-v0", scenario="tiny", disable_env_checker=True)  # what the first one imports
        return _nothing, lambda: (int(bench_env(work) is not None), True)
    env = bench_env(work)
    env.reset(seed=0)
    if work["kind"] == "resets":
        return _nothing, lambda: (_reset(env, work["size"]), True)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(ACTIONS if work["hold"] else 1)]
    held = cycle([action for action in actions for _ in range(work["hold"] or 1)])
    if work["kind"] == "slots":
        return _slots(env, work["size"], held)
    return _nothing, _batch_turn(env, work["size"], held) if work["size"] else _single_turn(env, work, held)


def _nothing() -> None:
    pass


def _reset(env: Any, size: int) -> int:
    env.reset(seed=0)
    return size or 1


def _single_turn(env: Any, work: dict[str, Any], actions: Any) -> Turn:
    masked = work["kind"] == "masks"

    def turn() -> tuple[int, bool]:
        ended = False
        for action in islice(actions, TURN):
            if masked:
                env.unwrapped.action_masks()
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
                ended = True
        return TURN, ended

    return turn


def _batch_turn(env: Any, size: int, actions: Any) -> Turn:
    def turn() -> tuple[int, bool]:
        ended = False
        for action in islice(actions, BATCH_TURN):
            ended |= bool(env.step(action)[3].any())
        return size * BATCH_TURN, ended

    return turn


def _slots(env: Any, size: int, actions: Any) -> tuple[Callable[[], object], Turn]:
    """Turns of a batch that contain no reset."""
    horizon = env.unwrapped.scenario.horizon
    left = [0]

    def before() -> None:
        if left[0] < BATCH_TURN:
            env.reset(seed=0)
            left[0] = horizon - 1

    def turn() -> tuple[int, bool]:
        for action in islice(actions, BATCH_TURN):
            env.step(action)
        left[0] -= BATCH_TURN
        return size * BATCH_TURN, True

    return before, turn


def play(before: Callable[[], object], turn: Turn, seconds: float) -> dict[str, float]:
    """Play for some CPU seconds, one turn at least, and on to the end of an episode if it is near.

    Resets come at the end of an episode: so each play has its share of them.
    """
    done, spent, ended = 0, 0.0, False
    while not done or spent < seconds or (not ended and spent < LONGEST * seconds):
        before()
        start = time.process_time()
        count, ended = turn()
        spent += time.process_time() - start
        done += count
    return {"done": done, "spent": spent}


def resident_bytes() -> float:
    """Memory of this process now; where the system does not say, the most that it took so far."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return float(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource  # which Windows does not have

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def answer_message(
    message: dict[str, Any], ready: dict[str, tuple[Callable[[], object], Turn]]
) -> dict[str, Any]:
    """Do what a message asks for: ``hello``, ``set up``, ``play`` or ``drop``."""
    if message["do"] == "set up":
        ready[message["name"]] = set_up(message["work"])
    elif message["do"] == "play":
        return {**play(*ready[message["name"]], message["seconds"]), "memory": resident_bytes()}
    elif message["do"] == "drop":
        ready.clear()
    return {"package": str(idn_gym.__file__)}


def serve_messages() -> None:
    """Answer messages until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what else is printed must not look like an answer
    if hasattr(idn_gym, "register_observation"):
        idn_gym.register_observation("nothing", NoObservation)
    ready: dict[str, tuple[Callable[[], object], Turn]] = {}
    for line in sys.stdin:
        try:
            said = answer_message(json.loads(line), ready)
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=out, flush=True)


if __name__ == "__main__":
    serve_messages()
