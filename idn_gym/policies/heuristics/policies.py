"""Policies that learn nothing, from doing nothing to a searched placement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Instance, Residents
from idn_gym.core.geometry import nominal_free_bytes, whole_models
from idn_gym.core.nominal import passing_requests
from idn_gym.optimum.search.greedy import greedy_placement
from idn_gym.optimum.search.local import best_placement
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.policy import Choice, Policy
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import build_instance
from idn_gym.seeds import read_seed

Env = VectorEnv[Any, Any, Any]


class Constant(Policy):
    """The same action in every slot and environment."""

    def __init__(self, action: npt.NDArray[Any]) -> None:
        self.action = action

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        return np.repeat(self.action[None], len(observation), axis=0), state


class Random(Policy):
    """Uniform samples of an action space; the same ones whenever a batch of episodes starts again."""

    def __init__(self, space: gym.Space[Any], seed: int) -> None:
        self.space, self.seed = space, seed

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        if state is None:
            self.space.seed(self.seed)
        return np.stack([self.space.sample() for _ in range(len(observation))]), True


def hold_placement(env: Env, placement: Residents) -> Constant:
    """The policy that always asks for a placement (N, M), through the codec "scores".

    Where memory shrinks, segments worth more per byte at nominal demand stay longer.
    """
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    if simulation.action != "scores":
        raise ConfigError("action", f"{simulation.action!r} cannot keep a placement; allowed: scores")
    codec, tables = simulation.codec, _compiled(env).tables
    wanted = placement[codec.node, tables.segment_model[codec.segment]] == codec.segment
    value = tables.segment_value[codec.node, codec.segment]
    rank = np.argsort(np.argsort(value)) + 1.0
    return Constant(np.where(wanted, rank / len(rank), -1.0).astype(np.float32))


def nothing(env: Env) -> Constant:
    """Never change the placement; codec "change"."""
    return Constant(np.asarray(0, np.int64))


def cloud_only(env: Env) -> Constant:
    """Load nothing anywhere, so that repositories serve all requests."""
    return hold_placement(env, _compiled(env).tables.pinned)


def random(env: Env, seed: int = 0) -> Random:
    """A uniformly random action of the scenario's default codec in every slot."""
    return Random(env.single_action_space, read_seed(seed))


def popularity(env: Env) -> Constant:
    """Rule of thumb: each node serves the most popular tasks first, as accurately as memory allows.

    For each task in falling order of the nominal demand that passes a node, the node gets the whole
    model of best accuracy that still fits. Neither speed nor splitting is looked at.
    """
    compiled = _compiled(env)
    tables = compiled.tables
    placement = tables.pinned.copy()
    accuracy, free = _accuracies(compiled), nominal_free_bytes(tables)
    passing = passing_requests(tables)
    whole = whole_models(tables)
    for v in np.flatnonzero(tables.node_movable):
        room = float(free[v])
        for k in _by_demand(passing[v]):
            mine = whole & (tables.model_task[tables.segment_model] == k) & compiled.placeable[v]
            fitting = np.flatnonzero(mine & (tables.segment_bytes <= room))
            if len(fitting):
                s = max(fitting, key=lambda s: accuracy[tables.segment_model[s]])
                placement[v, tables.segment_model[s]] = s
                room -= float(tables.segment_bytes[s])
    return hold_placement(env, placement)


def static_greedy(env: Env, **options: Any) -> Constant:
    """The greedy placement by saving per byte, measured on validation seeds."""
    return hold_placement(env, static_greedy_placement(env, **options))


def static_greedy_placement(env: Env, **options: Any) -> Residents:
    """The placement (N, M) of `static_greedy`, whatever the environment's codec."""
    config = SearchConfig(**options)
    return greedy_placement(_compiled(env), _validation(env, config), config)


def local_search(env: Env, **options: Any) -> Constant:
    """The best placement that local search finds on validation seeds."""
    config = SearchConfig(**options)
    return hold_placement(env, best_placement(_compiled(env), _validation(env, config), config))


def clairvoyant_search(env: Env, seeds: Sequence[int], **options: Any) -> Constant:
    """One placement for the evaluation episodes: informed, without a bound on its distance to the optimum.

    All of their slots are looked at, with as many looks as the search on validation episodes may take, unless
    options say otherwise. The placement of static greedy on validation episodes is among the candidates.
    """
    compiled = _compiled(env)
    split = env.unwrapped.simulation.split  # type: ignore[attr-defined]
    instance = build_instance(compiled.scenario, seeds, split, _preference(env))
    batches = instance.draw.demand.size
    everything = {
        "slots": instance.draw.demand.shape[1],
        "budget": SearchConfig.budget * max(1.0, batches / SearchConfig.sample),
    }
    config = SearchConfig(**{**everything, **options})
    plain = SearchConfig(**{**options, "slots": SearchConfig.slots})
    uninformed = greedy_placement(compiled, _validation(env, plain), plain)
    return hold_placement(env, best_placement(compiled, instance, config, [uninformed]))


def _validation(env: Env, config: SearchConfig) -> Instance:
    compiled = _compiled(env)
    seeds = config.seeds(len(compiled.tables.class_task))
    return build_instance(compiled.scenario, seeds, "validation", _preference(env))


def _compiled(env: Env) -> Compiled:
    compiled: Compiled = env.unwrapped.simulation.compiled  # type: ignore[attr-defined]
    return compiled


def _preference(env: Env) -> Any:
    weights = env.unwrapped.simulation.weights  # type: ignore[attr-defined]
    return "random" if weights is None else weights.tolist()


def _accuracies(compiled: Compiled) -> npt.NDArray[np.float64]:
    """Best accuracy of each model over its operating points in use, (M,)."""
    tables = compiled.tables
    best = np.zeros(len(tables.model_task))
    np.maximum.at(best, tables.option_model, 1.0 - tables.option_error)
    return best


def _by_demand(passing: Floats) -> list[int]:
    """Tasks in falling order of the nominal requests (K,) that pass a node, but for those without any."""
    return [int(k) for k in np.argsort(-passing, kind="stable") if passing[k] > 0.0]
