"""Measure whether scenarios are worth solving, and what splits and exits are worth in them.

``python -m experiments.measure_presets --scenario edge-small workload.rate=120``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from experiments.play import play
from experiments.run_config import assignments
from idn_gym.evaluation.intervals import Interval, mean_interval, paired_difference
from idn_gym.evaluation.rollout import Episodes
from idn_gym.metrics import METRICS
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS, resolve
from idn_gym.strict import ConfigError

AGENTS = ("cloud-only", "random", "popularity", "static-greedy", "local-search")
WITHOUT = {
    "without splits": {"serving.max_parts": 1},
    "without exits": {"serving.exits": False},
    "without both": {"serving.max_parts": 1, "serving.exits": False},
}
SHOWN = ("accuracy", "latency", "energy", "traffic", "update", "drop_rate", "late_rate", "split_rate", "early_rate")


def measure(scenario: Scenario, seeds: Sequence[int], options: dict[str, object]) -> None:
    """Print the table of a scenario."""
    names = "  ".join(f"{name:>10}" for name in SHOWN)
    print(f"\n{scenario.name}: mean cost per slot on {len(seeds)} test seeds, 95 % intervals\n{'':16}{'cost':>24}  {names}")
    played = {}
    for agent in AGENTS:
        searched = options if agent in ("static-greedy", "local-search") else {}
        played[agent] = play(agent, scenario, seeds, **searched)
        _print_row(agent, played[agent])
    means = {agent: float(-episodes.scalar.mean()) for agent, episodes in played.items()}
    worst, best = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    print(f"from {worst} to {best}: {1.0 - means[best] / means[worst]:.1%} of the cost of {worst}")
    print("The same search")
    free = -played["local-search"].scalar.mean(axis=1)
    for name, change in WITHOUT.items():
        try:
            without = play("local-search", resolve(scenario, change), seeds, **options)
        except ConfigError as error:
            print(f"{name:16} {error}")
            continue
        _print_row(name, without)
        lost = paired_difference(-without.scalar.mean(axis=1), free)
        shares = Interval(*(100.0 * value / free.mean() for value in lost))
        print(f"{'':16} costs {shares.estimate:.1f} % more [{shares.low:.1f}, {shares.high:.1f}]")
    with_all = played["local-search"].records()
    least = np.mean([max(row["split_rate"], row["early_rate"]) for row in with_all])
    print(f"in the best placement found, at least {least:.1%} of requests take a split or an exit")


def _print_row(name: str, episodes: Episodes) -> None:
    cost = mean_interval(-episodes.scalar.mean(axis=1))
    records = episodes.records()
    figures = "  ".join(f"{np.mean([row[key] for row in records]):10.4g}" for key in SHOWN if key in METRICS)
    print(f"{name:16}{cost.estimate:8.4f} [{cost.low:.4f}, {cost.high:.4f}]  {figures}", flush=True)


def main(words: list[str] | None = None) -> None:
    """Entry point of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.measure_presets", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--scenario", nargs="+", default=list(PRESETS), help="presets or YAML files")
    parser.add_argument("--seeds", type=int, default=30, help="test seeds")
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--budget", type=float, default=1e7, help="batches served per restart")
    parser.add_argument("changes", nargs="*", metavar="key=value", help="of the scenario, dotted")
    arguments = parser.parse_args(words)
    options = {"restarts": arguments.restarts, "budget": arguments.budget}
    try:
        for name in arguments.scenario:
            measure(resolve(name, assignments(arguments.changes)), range(arguments.seeds), options)
    except ConfigError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
