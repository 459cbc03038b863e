"""Wrappers of MO-Gymnasium take vectors and refuse scalars; skipped where it is not installed."""

import gymnasium as gym
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


def test_mo_gymnasium_refuses_scalars():
    wrappers = pytest.importorskip("mo_gymnasium.wrappers", exc_type=ImportError)
    for wrap in (wrappers.LinearReward, wrappers.MORecordEpisodeStatistics):
        env = wrap(gym.make("IDN-v0", **OPTIONS))
        env.reset(seed=0)
        env.step(env.action_space.sample())
        with pytest.raises(AttributeError, match="reward_space"):
            wrap(gym.make("IDN-Scalar-v0", **OPTIONS))
