"""Shares of PPO's CPU time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from experiments.benchmarks.bench import Bench
from experiments.benchmarks.measured import LIMITS, MEASURED, BenchNumber
from experiments.benchmarks.rows import BenchRow
from experiments.training import run_config

PPO_TARGETS = {"edge-small": (0.09, 32), "isp-hierarchy": (0.15, 8)}
"""by scenario: the largest share of the environment, and how many rollouts are timed"""

PPO_ROLLOUTS = {name: rollouts for name, (_, rollouts) in PPO_TARGETS.items()} | {"tinyml-million": 2}
"""by scenario, those without a target among them"""


def training_shares(scenario: str, rollouts: int) -> dict[str, float]:
    """Shares of the CPU time of PPO with the shipped hyper-parameters, and its steps per CPU second.

    Args:
        scenario: a preset.
        rollouts: how many are played and learned from; one more comes before, to compile.
    """
    config = run_config.load_run_config(scenario=scenario)
    from agents.rl.build import build_algorithm  # torch takes seconds: not for --help
    from experiments.training.train_run import make_env
    from idn_gym.integrations.sb3 import use_one_thread

    use_one_thread()
    env = make_env(config)
    algorithm: Any = build_algorithm(config.agent, env, config.seed)  # methods of which are replaced
    algorithm.learn(1)
    steps = rollouts * algorithm.n_steps * config.envs
    clock = dict.fromkeys(("environment", "rollouts", "updates"), 0.0)
    env.step_wait = _timed(clock, "environment", env.step_wait)  # type: ignore[method-assign]
    algorithm.collect_rollouts = _timed(clock, "rollouts", algorithm.collect_rollouts)
    algorithm.train = _timed(clock, "updates", algorithm.train)
    start = time.process_time()
    algorithm.learn(steps)
    total = time.process_time() - start
    return {
        "environment": clock["environment"] / total,
        "choosing and storing actions": (clock["rollouts"] - clock["environment"]) / total,
        "gradient updates": clock["updates"] / total,
        "steps per CPU second": steps / total,
    }


def _timed(clock: dict[str, float], what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, with its CPU time added to an entry of `clock`."""

    def timed(*words: Any, **options: Any) -> Any:
        start = time.process_time()
        result = call(*words, **options)
        clock[what] += time.process_time() - start
        return result

    return timed


def _ppo_shares(scenario: str, bench: Bench) -> dict[str, float]:
    rollouts = max(1, round(PPO_ROLLOUTS[scenario] * min(1.0, bench.seconds)))
    return bench.once(("PPO", scenario), lambda: training_shares(scenario, rollouts))


def _training(scenario: str, bench: Bench) -> list[BenchNumber]:
    return [BenchNumber(name, value) for name, value in _ppo_shares(scenario, bench).items()]


def _environment(scenario: str, bench: Bench) -> list[BenchNumber]:
    share = _ppo_shares(scenario, bench)["environment"]
    return [BenchNumber(MEASURED, share, "lower", PPO_TARGETS[scenario][0])]


def training_rows() -> Iterator[BenchRow]:
    """Shares of PPO's time, and what the environment's may be at most."""
    for scenario in PPO_ROLLOUTS:
        yield BenchRow("PPO, shares of time", scenario, partial(_training, scenario))
    for scenario in PPO_TARGETS:
        name = f"PPO, share of time in the environment, {scenario}"
        yield BenchRow(LIMITS, name, partial(_environment, scenario))
