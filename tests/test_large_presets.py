"""The presets that loops over all of them leave out, each played once."""

import time

import gymnasium as gym
import numba
import numpy as np
import pytest

from idn_gym.preset_ids import LARGE_PRESETS, PRESET_NAMES
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import QUICK_PRESETS

SECONDS = 20.0
"""[CPU s] within which a large preset must be made."""

GIB = 2**30


def arrays(*records):
    return [field for record in records for field in record if isinstance(field, np.ndarray)]


@pytest.mark.parametrize("name", LARGE_PRESETS)
def test_a_large_preset_is_made_in_time_and_plays(name):
    gym.make("IDN-v0", scenario="tiny").reset(seed=0)  # what any first one imports and compiles
    begin = time.process_time()
    env = gym.make("IDN-v0", scenario=name, preference="balanced").unwrapped
    assert numba.config.DISABLE_JIT or time.process_time() - begin < SECONDS
    env.reset(seed=0)
    env.action_space.seed(0)
    observation, reward, *_, info = env.step(env.action_space.sample())
    assert observation in env.observation_space and np.isfinite(reward)
    assert 0.0 < info["drop_rate"] < 0.9 and info["requests"] > 1e6
    held = arrays(env.simulation.compiled.tables, env.simulation.instance.draw)
    assert sum(array.nbytes for array in held) < GIB


def test_the_million_has_a_million_devices_in_a_thousand_cohorts():
    compiled = compile_scenario(load_scenario("tinyml-million"))
    sensors = np.array([name.startswith("sensor") for name in compiled.names.nodes])
    assert compiled.tables.node_count[sensors].sum() == 1e6 and sensors.sum() >= 1000


def test_all_others_are_gone_through():
    assert {*QUICK_PRESETS, *LARGE_PRESETS} == set(PRESET_NAMES)
