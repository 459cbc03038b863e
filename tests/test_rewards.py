"""What `describe()` says of rewards is what `step` returns; a last resort that can be full says so."""

import json
import warnings

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)
from idn_gym.env import IDNEnv
from idn_gym.objective_records import OBJECTIVES
from idn_gym.vector import IDNVectorEnv

FIELDS = {"name", "unit", "sense", "scale", "formula", "weight"}
SCALES = {"scales.error": 0.5, "scales.latency": 3.0, "scales.energy": 7.0, "scales.update": 0.1}


@pytest.mark.parametrize("preference", ["balanced", [1, 2, 3, 4, 5]])
def test_the_scalar_reward_is_what_weights_and_scales_say(preference):
    env = IDNEnv("tiny", "scores", preference=preference, overrides=SCALES)
    described = env.describe()["reward"]
    assert [set(line) for line in described] == [FIELDS] * 5
    assert sum(line["weight"] for line in described) == pytest.approx(1.0)
    env.reset(seed=2)
    for share in (0.2, 0.9):
        _, reward, _, _, info = env.step(np.full(env.action_space.shape, share, np.float32))
        components = dict(zip(OBJECTIVES, info["vector_reward"].tolist(), strict=True))
        components["accuracy"] -= info["requests"] / env.scenario.nominal_requests
        terms = [line["weight"] * components[line["name"]] / line["scale"] for line in described]
        assert sum(terms) == pytest.approx(reward, rel=1e-5) and all(term <= 0 for term in terms)


def test_senses_are_those_of_the_reward_space():
    env = IDNEnv("tiny")
    senses = [line["sense"] for line in env.describe()["reward"]]
    assert senses == ["maximise" if low == 0 else "minimise" for low in env.reward_space.low]
    signs = [line["formula"].startswith("-") for line in env.describe()["reward"]]
    assert signs == [sense == "minimise" for sense in senses]


def test_drawn_weights_are_not_described_and_all_is_plain_data():
    described = IDNVectorEnv(2, "tiny", preference="random").describe()
    assert [line["weight"] for line in described["reward"]] == [None] * 5
    assert json.loads(json.dumps(described["reward"])) == described["reward"]


CAMERA = {"name": "camera", "device": "sbc_rpi4", "tier": "device", "memory": 50e6, "demand": 1}
CLOUD = {"name": "cloud", "device": "gpu_t4_trt_int8", "tier": "cloud", "pins": ["all"]}
WIFI = {"source": "camera", "target": "cloud", "link": "wifi_iot"}


@pytest.mark.parametrize(
    ("servers", "told"), [({}, 1), ({"servers": 3.0}, 1), ({"servers": float("inf")}, 0)]
)
def test_a_repository_that_can_be_full_is_told_once(servers, told):
    topology = {"kind": "explicit", "nodes": [CAMERA, {**CLOUD, **servers}], "links": [WIFI]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        env = gym.make("IDN-Scalar-v0", scenario={"preset": "tiny", "topology": topology}, action="scores")
        env.reset(seed=0)
        env.step(env.action_space.sample())
    full = [str(w.message) for w in caught if "has finite compute" in str(w.message)]
    assert len(full) == told
    assert all("topology: 'cloud' pins models" in line and "servers: .inf" in line for line in full)
