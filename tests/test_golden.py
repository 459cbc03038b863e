"""Recorded episodes, readable, that may only change with a line in the changelog.

`pytest tests/test_golden.py --update-golden` records them again.
"""

import json
import math
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.env import IDNEnv
from idn_gym.metrics import METRICS

FOLDER = Path(__file__).resolve().parent / "golden"
SLOTS = 6
SEED = 2024
EPISODES = {
    "tiny-placement": {"scenario": "tiny", "action": "placement", "preference": "balanced"},
    "tiny-fractional-all-dynamics": {
        "scenario": "tiny",
        "action": "fractional",
        "preference": "random",
        "split": "test",
        "overrides": {
            "workload.diurnal": {"random_start": True},
            "workload.bursts": {"start": 0.5, "stop": 0.5},
            "workload.arrivals": "poisson",
            "dynamics.link": {"kind": "ar1"},
            "dynamics.background": {},
            "dynamics.outages": {"mean_up": 4, "mean_down": 2},
            "dynamics.memory": {"mean_full": 4, "mean_shrunk": 2},
            "dynamics.device_error": 0.15,
            "serving.max_parts": 3,
            "idle_energy": True,
        },
    },
    "edge-small-change": {"scenario": "edge-small", "action": "change"},
    "isp-hierarchy-scores-task": {
        "scenario": "isp-hierarchy",
        "preference": "latency",
        "split": "validation",
    },
    "fashion-edge-placement": {"scenario": "fashion-edge", "action": "placement", "preference": "balanced"},
    "metro-split-scores": {"scenario": "metro-split", "action": "scores", "preference": [4, 3, 2, 1, 0.5]},
}


def choose(space, t):
    """An action of slot t that is different in every slot and needs no generator."""
    if isinstance(space, gym.spaces.Discrete):
        return (1 + 37 * t) % int(space.n)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return (t + np.arange(len(space.nvec))) % space.nvec
    share = (31 * t + 17 * np.arange(space.shape[0])) % 23 / 22
    return (space.low + (space.high - space.low) * share).astype(np.float32)


def play(kwargs):
    """The first slots of an episode as plain data."""
    env = IDNEnv(**kwargs)
    observation, _ = env.reset(seed=SEED)
    slots = []
    for t in range(SLOTS):
        observation, reward, _, _, info = env.step(choose(env.action_space, t))
        figures = {name: info[name] for name in METRICS}
        vector = info.get("vector_reward", reward).tolist()
        weights = {"reward_weights": info["reward_weights"].tolist()} if env.scalar else {}
        scalar = {"reward": reward} if env.scalar else {}
        placement = env.describe_placement()
        if len(placement) > 10:
            placement = {node: len(held) for node, held in placement.items()}
        seen = {"observation_sum": float(np.sum(observation, dtype=np.float64))}
        slots.append(
            {**figures, **scalar, "vector_reward": vector, **weights, **seen, "placement": placement}
        )
    return {"kwargs": kwargs, "seed": SEED, "slots": slots}


def differences(recorded, played, where=""):
    """Paths at which two nested records differ by more than rounding."""
    if isinstance(recorded, dict) and isinstance(played, dict):
        keys = recorded.keys() | played.keys()
        return [d for k in keys for d in differences(recorded.get(k), played.get(k), f"{where}.{k}")]
    if isinstance(recorded, list) and isinstance(played, list) and len(recorded) == len(played):
        pairs = enumerate(zip(recorded, played, strict=True))
        return [d for i, pair in pairs for d in differences(*pair, f"{where}.{i}")]
    numbers = all(isinstance(x, (int, float)) for x in (recorded, played))
    same = math.isclose(recorded, played, rel_tol=1e-9, abs_tol=1e-12) if numbers else recorded == played
    return [] if same else [f"{where[1:]}: {recorded} recorded, {played} played"]


@pytest.mark.parametrize("name", EPISODES)
def test_episodes_are_as_recorded(name, request):
    path = FOLDER / f"{name}.json"
    played = json.loads(json.dumps(play(EPISODES[name])))
    if request.config.getoption("--update-golden"):
        path.write_text(json.dumps(played, indent=1) + "\n", encoding="utf-8")
    recorded = json.loads(path.read_text(encoding="utf-8"))
    found = differences(recorded, played)
    assert not found, "\n".join(found[:20])


def test_every_record_is_played():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EPISODES)


def test_records_tell_something():
    """Each has requests, placements that change, and numbers that are not all the same."""
    for path in FOLDER.glob("*.json"):
        slots = json.loads(path.read_text(encoding="utf-8"))["slots"]
        assert len(slots) == SLOTS and all(slot["requests"] > 0 for slot in slots)
        assert len({json.dumps(slot["placement"]) for slot in slots}) > 1
        assert len({slot["latency"] for slot in slots}) > 1


def test_differences_are_found():
    one = {"a": [1.0, {"b": "x"}], "c": 2}
    assert differences(one, {"a": [1.0 + 1e-12, {"b": "x"}], "c": 2}) == []
    assert differences(one, {"a": [1.0 + 1e-6, {"b": "x"}], "c": 2}) == ["a.0: 1.0 recorded, 1.000001 played"]
    assert differences(one, {"a": [1.0, {"b": "y"}], "c": 2}) == ["a.1.b: x recorded, y played"]
    assert differences(one, {"a": [1.0], "c": 2}) != [] != differences(one, {"a": one["a"]})
