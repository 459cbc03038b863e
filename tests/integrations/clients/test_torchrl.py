"""TorchRL rolls out single and native vector environments; skipped where it is not installed."""

import importlib

import gymnasium as gym
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


@pytest.mark.parametrize(("name", "entries"), [("IDN-v0", 5), ("IDN-Scalar-v0", 1)])
@pytest.mark.parametrize("count", [None, 3])
def test_torchrl_rolls_out(name, entries, count):
    envs = pytest.importorskip("torchrl.envs", exc_type=ImportError)
    check = importlib.import_module("torchrl.envs.utils").check_env_specs
    made = (
        gym.make(name, **OPTIONS)
        if count is None
        else gym.make_vec(name, num_envs=count, autoreset_mode="SAME_STEP", **OPTIONS)
    )
    env = envs.GymWrapper(made)
    check(env)
    played = env.rollout(3 * SLOTS, break_when_any_done=False)
    assert played["next", "reward"].shape == (*(() if count is None else (count,)), 3 * SLOTS, entries)
    assert int(played["next", "done"].sum()) == 3 * (count or 1)
