"""Weights of an index policy by the cross-entropy method: draw, play, keep the best, draw around them.

Every generation plays all its candidates side by side, on training episodes that are its own and the same
for all of them. The mean of a generation is evaluated on validation episodes at intervals, and the best
mean is returned.

Source: Rubinstein and Kroese, "The Cross-Entropy Method", 2004; noise that fades, after Szita and
Lorincz, "Learning Tetris using the noisy cross-entropy method", 2006.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.rollout import rollout
from idn_gym.files import write_text
from idn_gym.policies.index.features import INDEX_FEATURES
from idn_gym.policies.index.policy import IndexPolicy

ELITE = 0.25
"""Share of a generation that the next one is drawn around."""

NOISE = 0.3
"""Variance that is added in the first generation; it falls to 0 in the last one."""

ELITE_WEIGHT = 0.7
"""Weight of the elite in the new mean and variance."""


@dataclass(frozen=True, kw_only=True)
class WeightSearch:
    """Search for weights; subclasses define the episodes."""

    preference: Any = "balanced"
    generations: int = 40
    population: int = 32
    """candidates of a generation"""
    episodes: int = 2
    """training episodes that each of them plays"""
    judged: int = 8
    """number of validation episodes for the evaluation of means"""
    every: int = 5
    """generations between two of these"""
    seed: int = 0
    start: tuple[float, ...] | None = None
    """initial weights, kept if the search finds nothing better; None: all equal"""
    spread: float = 1.0
    """variance of the first generation around them; noise is a share of it"""

    def costs(self, weights: Floats, split: str, seeds: range) -> Floats:
        """Mean cost (C,) of candidates with weights (C, features), all on the same episodes."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class IndexSearch(WeightSearch):
    """A search on one scenario."""

    scenario: Any = "edge-drift"
    """preset, YAML file, or a `Scenario`"""
    overrides: Mapping[str, Any]
    """changes of the scenario, by dotted key"""

    def costs(self, weights: Floats, split: str, seeds: range) -> Floats:
        return mean_costs(self, weights, split, seeds)


class IndexState:
    """State of a search; everything on which the next generation depends."""

    def __init__(self, mean: Floats, variance: Floats) -> None:
        self.mean, self.variance = mean, variance
        self.best, self.best_cost = mean, float("inf")
        self.curve: list[dict[str, float]] = []
        """one row per generation: costs of its elite and of all, and of its mean where it was evaluated"""


def search_weights(
    search: WeightSearch, record: Path, progress: Callable[[int, IndexState], None]
) -> IndexState:
    """Run the generations that are missing.

    Args:
        search: see there.
        record: JSON file that is written after every generation, and that a search goes on from.
        progress: called after every generation with its number and where the search stands.

    Raises:
        ConfigError: the record is of another search, or the scenario has no pairs to place.
    """
    state = _read(search, record)
    for generation in range(len(state.curve), search.generations):
        _advance(search, generation, state)
        write_text(record, json.dumps(_plain(search, state), indent=1) + "\n")
        progress(generation, state)
    return state


def mean_costs(search: IndexSearch, weights: Floats, split: str, seeds: range) -> Floats:
    """Mean cost per slot (C,) of candidates with weights (C, features), all on the same episodes."""
    rows = len(weights) * len(seeds)
    options = {
        "scenario": search.scenario,
        "overrides": dict(search.overrides),
        "preference": search.preference,
    }
    env = gym.make_vec("IDN-v0", num_envs=rows, action="scores", observation="graph", split=split, **options)
    native: Any = env.unwrapped
    policy = IndexPolicy(native.describe()["observation"], np.repeat(weights, len(seeds), axis=0))
    played = rollout(policy, env, [*seeds] * len(weights))
    env.close()
    costs: Floats = -played.scalar.reshape(len(weights), -1).mean(axis=1)
    return costs


def _advance(search: WeightSearch, generation: int, state: IndexState) -> None:
    rng = np.random.default_rng((search.seed, generation))
    noise = NOISE * search.spread * (1.0 - generation / max(1, search.generations - 1))
    spread = np.sqrt(state.variance + noise)
    drawn = state.mean + spread * rng.standard_normal((search.population, len(INDEX_FEATURES)))
    drawn[0] = state.mean
    first = generation * search.episodes
    costs = search.costs(drawn, "train", range(first, first + search.episodes))
    elite = drawn[np.argsort(costs, kind="stable")[: max(2, round(ELITE * search.population))]]
    state.mean = ELITE_WEIGHT * elite.mean(0) + (1.0 - ELITE_WEIGHT) * state.mean
    state.variance = ELITE_WEIGHT * elite.var(0) + (1.0 - ELITE_WEIGHT) * state.variance
    row = {"elite": float(np.sort(costs)[: len(elite)].mean()), "all": float(costs.mean())}
    if generation == 0 and search.start is not None:
        row["start"] = state.best_cost = _judge(search, state.best)
    if (generation + 1) % search.every == 0 or generation + 1 == search.generations:
        row["judged"] = _judge(search, state.mean)
        if row["judged"] < state.best_cost:
            state.best, state.best_cost = state.mean, row["judged"]
    state.curve.append(row)


def _judge(search: WeightSearch, weights: Floats) -> float:
    return float(search.costs(weights[None], "validation", range(search.judged))[0])


def _plain(search: WeightSearch, state: IndexState) -> dict[str, Any]:
    """Content of the record."""
    return {
        "search": asdict(search),
        "mean": state.mean.tolist(),
        "variance": state.variance.tolist(),
        "best": state.best.tolist(),
        "curve": state.curve,
    }


def _read(search: WeightSearch, record: Path) -> IndexState:
    """Read the state from the record if it exists; otherwise start with equal weights."""
    count = len(INDEX_FEATURES)
    begun = np.zeros(count) if search.start is None else np.array(search.start, float)
    state = IndexState(begun, np.full(count, search.spread))
    if record.is_file():
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
            asked = content["search"]
            state = IndexState(np.array(content["mean"], float), np.array(content["variance"], float))
            state.best, state.curve = np.array(content["best"], float), list(content["curve"])
            if {state.mean.shape, state.variance.shape, state.best.shape} != {(count,)}:
                raise ValueError(f"it is not about {count} weights")
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError("out", f"{record} is damaged ({error}); name another folder") from None
        if asked != json.loads(json.dumps(asdict(search))):
            raise ConfigError("out", f"{record} is of another search; name another folder")
        state.best_cost = min(
            (row[name] for row in state.curve for name in ("start", "judged") if name in row),
            default=float("inf"),
        )
    return state
