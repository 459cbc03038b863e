"""Recorded episodes, readable, that may only change with a line in the changelog.

`pytest tests/test_golden.py --update-golden` records them again.
"""

import json
import math
import re
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.env import IDNEnv
from idn_gym.metrics import METRICS
from idn_gym.objective_records import OBJECTIVES

FOLDER = Path(__file__).resolve().parent / "golden"
SLOTS = 6
SEED = 2024
MOST_FEATURES = 300
"""Longer observations are recorded as one number per kind of feature and place."""

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
    "edge-drift-scores-task": {"scenario": "edge-drift", "preference": "balanced"},
    "adversary-scores-task": {"scenario": "adversary", "preference": "balanced"},
    "metro-day-scores-task": {"scenario": "metro-day", "preference": "balanced", "split": "validation"},
    "solar-field-scores-task": {"scenario": "solar-field", "preference": "balanced"},
    "lorawan-field-association": {"scenario": "lorawan-field", "preference": "balanced"},
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


def place(name):
    """What a feature is about: its kind, and the node or link that it is at."""
    kind, what = name.split()[0], re.split("@| at ", name)[-1]
    return name if what == name else f"{kind} at {what}"


def by_feature(lines, observation):
    """Features by name; of a long observation a sum per kind and place, in which the k-th counts k times."""
    values = {line["name"]: value for line, value in zip(lines, observation, strict=True)}
    if len(values) <= MOST_FEATURES:
        return {name: float(str(value)) for name, value in values.items()}  # the digits that float32 has
    places = {}
    for name, value in values.items():
        places.setdefault(place(name), []).append(float(value))
    return {
        name: math.fsum(k * value for k, value in enumerate(members, 1)) for name, members in places.items()
    }


def play(kwargs):
    """The first slots of an episode as plain data, every number under its name."""
    env = IDNEnv(**kwargs)
    lines = env.describe()["observation"]
    observation, _ = env.reset(seed=SEED)
    slots = []
    for t in range(SLOTS):
        observation, reward, _, _, info = env.step(choose(env.action_space, t))
        vector = info.get("vector_reward", reward).tolist()
        rewards = {"vector": dict(zip(OBJECTIVES, vector, strict=True))}
        if env.scalar:
            weights = info["reward_weights"].tolist()
            rewards |= {"scalar": reward, "weights": dict(zip(OBJECTIVES, weights, strict=True))}
        placement = env.describe_placement()
        if len(placement) > 10:
            placement = {node: len(held) for node, held in placement.items()}
        slots.append(
            {
                "metrics": {name: info[name] for name in METRICS},
                "reward": rewards,
                "features": by_feature(lines, observation),
                "placement": placement,
            }
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
        assert len(slots) == SLOTS and all(slot["metrics"]["requests"] > 0 for slot in slots)
        assert len({json.dumps(slot["placement"]) for slot in slots}) > 1
        assert len({slot["metrics"]["latency"] for slot in slots}) > 1
        assert len({json.dumps(slot["features"]) for slot in slots}) == SLOTS


@pytest.mark.parametrize("name", EPISODES)
def test_a_feature_that_moves_is_named(name):
    """Alone where features are recorded one by one, else by its kind and place."""
    env = IDNEnv(**EPISODES[name])
    observation, _ = env.reset(seed=0)
    lines = env.describe()["observation"]
    before = by_feature(lines, observation)
    for line in lines[:: max(1, len(lines) // 7)]:
        moved = observation.copy()
        moved[line["index"]] += 1
        (found,) = differences(before, by_feature(lines, moved))
        named = line["name"] if len(lines) <= MOST_FEATURES else place(line["name"])
        assert found.rsplit(": ", 1)[0] == named
    assert len(before) >= min(len(lines), 60)


def test_features_that_change_places_are_noticed():
    lines = [{"name": f"end m{i} at edge"} for i in range(MOST_FEATURES + 1)]
    values = np.zeros(len(lines), np.float32)
    values[3:5] = 0.5, 1.0
    before = by_feature(lines, values)
    values[3:5] = 1.0, 0.5
    assert [line.split(":")[0] for line in differences(before, by_feature(lines, values))] == ["end at edge"]


def test_differences_are_found():
    one = {"a": [1.0, {"b": "x"}], "c": 2}
    assert differences(one, {"a": [1.0 + 1e-12, {"b": "x"}], "c": 2}) == []
    assert differences(one, {"a": [1.0 + 1e-6, {"b": "x"}], "c": 2}) == ["a.0: 1.0 recorded, 1.000001 played"]
    assert differences(one, {"a": [1.0, {"b": "y"}], "c": 2}) == ["a.1.b: x recorded, y played"]
    assert differences(one, {"a": [1.0], "c": 2}) != [] != differences(one, {"a": one["a"]})
