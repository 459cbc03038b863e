"""Fuzzed actions of every codec: in the space or not, and then nothing may change."""

from __future__ import annotations

import functools
import random

import gymnasium as gym
import numpy as np

from idn_gym.env import IDNEnv
from idn_gym.vector import IDNVectorEnv
from tests.fuzz.judge import check_finite
from tests.fuzz.values import any_value

PLACES = [
    ("tiny", codec) for codec in ("placement", "change", "scores", "scores-task", "fractional", "segments")
]
PLACES += [("fashion-edge", "scores"), ("edge-small", "placement"), ("edge-small", "segments")]
TYPES = [
    "bool",
    "int8",
    "uint8",
    "int32",
    ">i4",
    "int64",
    ">i8",
    "uint64",
    "float16",
    "float32",
    ">f4",
    "float64",
]
TYPES += ["float128", "complex64", "object", "U4", "S2", "datetime64[s]"]


@functools.cache
def _env(place, native):
    scenario, codec = PLACES[place]
    keywords = {"scenario": scenario, "action": codec, "preference": "balanced", "overrides": {"horizon": 8}}
    return IDNVectorEnv(num_envs=2, **keywords) if native else IDNEnv(**keywords)


def _sound(rng, env):
    env.action_space.seed(rng.randrange(2**31))
    return env.action_space.sample()


def _action(rng, env):
    """A sampled action that is spoiled in its numbers, its type or its shape; at times not at all."""
    action = np.asarray(_sound(rng, env))
    change = rng.randrange(8)
    if change == 0:
        return any_value(rng)
    if change == 1:
        return action
    if change in (2, 3, 4):
        wide = np.atleast_1d(action).astype(rng.choice(["float64", "float32", "int64", "object"]))
        extremes = [-1, 0, 1, 2, 10**3, 2**31, 2**32, -(2**63), 2**63 - 1]
        extremes += [0.5, 1 + 1e-7, 1e39, 1e308, 5e-324, np.nan, np.inf, -np.inf]
        for _ in range(rng.choice([1, 1, 3])):
            value = rng.choice(extremes)
            try:
                wide.flat[rng.randrange(max(1, wide.size))] = value
            except (OverflowError, ValueError):  # does not fit the type
                continue
        return wide.reshape(action.shape)
    if change == 5:
        with np.errstate(all="ignore"):
            try:
                return action.astype(rng.choice(TYPES))
            except (TypeError, ValueError):
                return action.tolist()
    if change == 6:
        wide = np.atleast_1d(action)
        return rng.choice(
            [action[..., None], wide.ravel(), wide[:0], wide.T, np.stack([action] * 2), wide[::-1]]
        )
    return rng.choice([action.tolist(), np.asfortranarray(action), np.ma.masked_array(action), str(action)])


def action(index):
    """Case number `index`: what is tried, in words, and a function that tries it."""
    rng = random.Random(f"action {index}")
    place, native = rng.randrange(len(PLACES)), rng.random() < 0.5
    seed = rng.randrange(2**31)

    def run():
        env, draw = _env(place, native), random.Random(seed)
        env.reset(seed=seed)
        env.step(_sound(draw, env))
        given = _action(draw, env)
        state = env.simulation.state
        before = [np.copy(field) for field in state]
        try:
            observation, reward, *_, info = env.step(given)
        except gym.error.InvalidAction as error:
            after = env.simulation.state
            assert all(map(np.array_equal, before, after)), f"the state moved although {error}"
            env.step(_sound(draw, env))
            raise
        check_finite(observation, "observation")
        check_finite(reward, "reward")
        check_finite(info, "info")
        if isinstance(given, np.ndarray) and given.dtype.kind == "f":
            assert np.isfinite(given).all(), f"{given} was played"

    return f"{'native ' if native else ''}{PLACES[place]}, seed {seed}", run
