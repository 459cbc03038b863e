"""A log of changes stands for what was asked for in every slot: asking again gives the same episode."""

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.wishes import wishes
from idn_gym.policies.registry import make_policy

SLOTS = 12


class Replay:
    """Asks in every row for wishes (B, T, N, M) in their order."""

    def __init__(self, asked):
        self.asked, self.slot = asked, 0

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        self.slot += 1
        return self.asked[:, self.slot - 1], None


@pytest.mark.parametrize(("scenario", "seconds"), [("edge-small", 20), ("tiny", 600), ("isp-hierarchy", 60)])
def test_what_was_asked_for_can_be_asked_again(scenario, seconds):
    overrides = {"horizon": SLOTS, "slot_seconds": seconds}
    env = gym.make_vec("IDN-Scalar-v0", num_envs=2, scenario=scenario, overrides=overrides, action="segments")
    first = rollout(make_policy("lru", env), env, [3, 4], wishes=True)
    shape = env.unwrapped.simulation.compiled.tables.pinned.shape
    asked = np.stack([wishes(changes, SLOTS, shape) for changes in first.wishes])
    assert (asked[:, 1:] != asked[:, :-1]).any()  # lru moves
    np.testing.assert_array_equal(rollout(Replay(asked), env, [3, 4]).scalar, first.scalar)
