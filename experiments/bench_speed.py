"""Measure speed: ``python -m experiments.bench_speed``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.rl.build import build_algorithm
from experiments.benchmarks.first_step import seconds_to_first_step
from experiments.training import run_config
from experiments.training.training_run import make_env
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import bounded
from idn_gym.core.transition import step
from idn_gym.core.workspace import make_scratch
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_file
from idn_gym.integrations.sb3 import use_one_thread
from idn_gym.metrics import METRICS, compute_metrics
from idn_gym.objectives import compute_rewards
from idn_gym.scenarios.presets import load_scenario
from idn_gym.simulation import Simulation

ACTIONS = 64
"""Actions sampled beforehand, played in turn."""


class Line(NamedTuple):
    """One measured number."""

    what: str
    mode: str
    quantity: str
    value: float
    of_cartpole: float | None = None
    """over the speed of a single CartPole"""


def rate(play: Callable[[], int], seconds: float, repeats: int) -> float:
    """Median steps per CPU second; `play` plays some steps and says how many."""
    play()
    rates = []
    for _ in range(repeats):
        steps, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            steps += play()
        rates.append(steps / (time.process_time() - start))
    return median(rates)


def single(name: str, **options: Any) -> Callable[[], int]:
    """Plays one environment, episode after episode."""
    env = gym.make(name, disable_env_checker=True, **options)
    actions = [env.action_space.sample() for _ in range(ACTIONS)]
    env.reset(seed=0)

    def play() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions)

    return play


def batch(name: str, size: int, **options: Any) -> Callable[[], int]:
    """Plays a native vector environment, which resets by itself."""
    env = gym.make_vec(name, num_envs=size, vectorization_mode="vector_entry_point", **options)
    actions = [env.action_space.sample() for _ in range(ACTIONS)]
    env.reset(seed=0)

    def play() -> int:
        for action in actions:
            env.step(action)
        return size * len(actions)

    return play


def speeds(scenarios: Sequence[str], size: int, seconds: float, repeats: int) -> list[Line]:
    """Steps per CPU second of CartPole and of each scenario, alone and as a batch."""
    played: list[tuple[str, str, dict[str, str]]] = [("CartPole-v1", "CartPole-v1", {})]
    played += [(scenario, "IDN-Scalar-v0", {"scenario": scenario}) for scenario in scenarios]
    lines: list[Line] = []
    yardstick = 0.0
    for what, name, options in played:
        for mode, play in (
            ("single", single(name, **options)),
            (f"batch of {size}", batch(name, size, **options)),
        ):
            value = rate(play, seconds, repeats)
            yardstick = yardstick or value
            lines.append(Line(what, mode, "steps per CPU second", value, value / yardstick))
    return lines


def parts(scenario: str, size: int, seconds: float, repeats: int) -> list[Line]:
    """Where the time of a step goes, in microseconds per environment."""
    env: Any = gym.make_vec("IDN-Scalar-v0", num_envs=size, scenario=scenario)
    env.reset(seed=0)
    action = env.action_space.sample()
    env.step(action)
    simulation: Simulation = env.unwrapped.simulation
    instance, state, outcome = simulation.instance, simulation.state, simulation.outcome
    tables, scales = instance.tables, simulation.compiled.scales
    chosen = simulation.codec.decode(instance, state, action)
    scratch = make_scratch(tables)
    clipped = simulation.observe()[1]

    def infos() -> object:
        metrics = compute_metrics(tables, outcome, clipped)
        return {name: metrics[:, i].copy() for i, name in enumerate(METRICS)}

    calls: dict[str, Callable[[], object]] = {
        "codec": lambda: simulation.codec.decode(instance, state, action),
        "placement and serving": lambda: step(instance, state, chosen, scratch),
        "observation": simulation.observe,
        "reward": lambda: compute_rewards(tables, outcome, instance.draw.weights, scales),
        "info": infos,
    }
    if simulation.codec.masked:
        calls["mask (when asked for)"] = simulation.masks

    def played(call: Callable[[], object]) -> Callable[[], int]:
        def play() -> int:
            for _ in range(16):
                call()
            return 16 * size

        return play

    lines = []
    for name, call in calls.items():
        microseconds = 1e6 / rate(played(call), seconds, repeats)
        lines.append(Line(scenario, f"batch of {size}", f"us per step: {name}", microseconds))
    return lines


def extras(scenario: str, seconds: float, repeats: int) -> list[Line]:
    """What mask and full info cost, as shares of a single environment's step without them."""
    env: Any = gym.make("IDN-Scalar-v0", scenario=scenario, disable_env_checker=True)
    env.reset(seed=0)
    simulation: Simulation = env.unwrapped.simulation
    action = np.asarray(env.action_space.sample())
    masked = simulation.codec.masked
    env.step(action)
    clipped = simulation.observe()[1]

    def whole() -> int:
        for _ in range(32):
            env.step(action)
            if masked:
                env.unwrapped.action_masks()
        simulation.rewind([0])
        return 32

    def extra() -> int:
        for _ in range(32):
            metrics = compute_metrics(simulation.compiled.tables, simulation.outcome, clipped)
            dict(zip(METRICS, metrics[0].tolist(), strict=True))
            if masked:
                env.unwrapped.action_masks()
        return 32

    per_step, per_extra = 1.0 / rate(whole, seconds, repeats), 1.0 / rate(extra, seconds, repeats)
    share = per_extra / (per_step - per_extra)
    what = "mask and full info" if masked else "full info"
    return [Line(scenario, "single", f"{what}, share of a step without", share)]


def training(scenario: str, steps: int) -> list[Line]:
    """How PPO with the shipped hyper-parameters spends its CPU time."""
    config = run_config.load_run_config(scenario=scenario, changes={"steps": steps})
    use_one_thread()
    env = make_env(config)
    algorithm: Any = build_algorithm(config.agent, env, config.seed)  # methods of which are replaced
    algorithm.learn(1)  # one rollout and update, to compile and to warm up
    clock = dict.fromkeys(("environment", "rollouts", "updates"), 0.0)
    env.step_wait = _timed(clock, "environment", env.step_wait)  # type: ignore[method-assign]
    algorithm.collect_rollouts = _timed(clock, "rollouts", algorithm.collect_rollouts)
    algorithm.train = _timed(clock, "updates", algorithm.train)
    start = time.process_time()
    algorithm.learn(steps)
    total = time.process_time() - start
    shares = {
        "environment": clock["environment"],
        "choosing and storing actions": clock["rollouts"] - clock["environment"],
        "gradient updates": clock["updates"],
    }
    lines = [Line(scenario, "PPO", f"share of training: {what}", t / total) for what, t in shares.items()]
    return [*lines, Line(scenario, "PPO", "steps per CPU second", steps / total)]


def _timed(clock: dict[str, float], what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, with its CPU time added to an entry of `clock`."""

    def timed(*words: Any, **options: Any) -> Any:
        start = time.process_time()
        result = call(*words, **options)
        clock[what] += time.process_time() - start
        return result

    return timed


def first_steps(scenario: str) -> list[Line]:
    """Time from ``import idn_gym`` to the first step: compiling, and with what was compiled before."""
    return [
        Line(scenario, mode, f"{clock} seconds to the first step", seconds)
        for mode, clock, seconds in seconds_to_first_step(scenario)
    ]


def sizes(scenario: str) -> list[Line]:
    """How large the scenario is."""
    env: Any = gym.make("IDN-Scalar-v0", scenario=scenario)
    simulation: Simulation = env.unwrapped.simulation
    tables = simulation.compiled.tables
    counts = {
        "nodes": len(tables.node_memory),
        "request classes": len(tables.class_task),
        "options": len(tables.option_model),
        "items that can be placed": int(simulation.compiled.placeable.sum()),
    }
    return [Line(scenario, "", name, count) for name, count in counts.items()]


_HEAD = ("what", "mode", "quantity", "value", "of a single CartPole")


def _cells(line: Line) -> list[str]:
    digits = 0 if line.value >= 100.0 or isinstance(line.value, int) else 3
    ratio = "" if line.of_cartpole is None else f"{line.of_cartpole:.3f}"
    return [line.what, line.mode, line.quantity, f"{line.value:,.{digits}f}", ratio]


@dataclass(kw_only=True)
class BenchSpeedCommand:
    """Measure speed.

    Steps per second of CPU time of one thread, the median of several repeats, through gym.make and
    gym.make_vec, with resets and observations; sampling actions does not count. A single CartPole in the same
    run is the yardstick that makes machines, and loads of one machine, comparable.
    """

    scenario: tuple[str, ...] = ("edge-small", "isp-hierarchy")
    """presets or YAML files"""
    batch: int = bounded(64, least=1, most=9_999_999)
    """environments of the vector environment"""
    seconds: float = bounded(1.0, above=0.0)
    """[s] of CPU time of each repeat"""
    repeats: int = bounded(5, least=1, most=9_999_999)
    """of which the median is taken"""
    training_steps: int = bounded(50_000, least=0)
    """of PPO; 0 leaves it out"""
    skip_first_step: bool = False
    """do not compile everything anew"""
    out: Path = Path("runs/bench_speed.csv")
    """CSV file to write"""

    def run(self) -> None:
        """Measure, print and write what was asked for."""
        writable_file(self.out)
        list(map(load_scenario, self.scenario))  # what is wrong with them is said before minutes are spent
        lines = speeds(self.scenario, self.batch, self.seconds, self.repeats)
        for scenario in self.scenario:
            lines += sizes(scenario) + parts(scenario, self.batch, self.seconds / 5, self.repeats)
            lines += extras(scenario, self.seconds / 5, self.repeats)
        if self.training_steps:
            lines += training(self.scenario[0], self.training_steps)
        if not self.skip_first_step:
            lines += first_steps(self.scenario[0])
        print_rows(_HEAD, map(_cells, lines))
        write_csv(self.out, [line._asdict() for line in lines])
        print(f"written to {self.out}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(BenchSpeedCommand, words, "python -m experiments.bench_speed")


if __name__ == "__main__":
    main()
