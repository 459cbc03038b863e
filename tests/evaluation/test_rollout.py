"""A rollout is the loop one would write by hand around the single environment."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.metrics import METRICS
from idn_gym.objective_records import OBJECTIVES

OPTIONS = {
    "scenario": "tiny",
    "overrides": {"horizon": 7, "workload.arrivals": "poisson"},
    "preference": "balanced",
    "split": "test",
}
SEEDS = (3, 11, 4)


class Scripted:
    """Samples that depend on seed and slot alone, and a diary of the calls."""

    def __init__(self, space, rows):
        self.space, self.rows, self.calls, self.heard = space, rows, [], []

    def action(self, row, slot):
        self.space.seed(1000 * row + slot)
        return self.space.sample()

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        slot = 0 if state is None else state
        self.calls.append((slot, episode_start.tolist(), deterministic))
        return np.stack([self.action(row, slot) for row in range(self.rows)]), slot + 1


class Listening(Scripted):
    def update(self, feedback):
        self.heard.append((feedback.outcome.arrived.copy(), feedback.revealed.draw.demand[:, 0].copy()))


def make_env(**changes):
    return gym.make_vec("IDN-v0", num_envs=len(SEEDS), **{**OPTIONS, **changes})


def test_it_equals_a_loop_over_single_environments():
    env = make_env()
    policy = Scripted(env.single_action_space, len(SEEDS))
    played = rollout(policy, env, SEEDS)
    single = gym.make("IDN-v0", **OPTIONS)
    for row, seed in enumerate(SEEDS):
        single.reset(seed=seed)
        for slot in range(7):
            _, reward, _, truncated, info = single.step(policy.action(row, slot))
            assert played.scalar[row, slot] == reward
            np.testing.assert_array_equal(played.vector[row, slot], info["vector_reward"])
            assert played.metrics[row, slot].tolist() == [info[name] for name in METRICS]
        assert truncated
    assert played.seeds == SEEDS


def test_each_episode_is_played_once_from_its_start_to_the_horizon():
    env = make_env()
    policy = Scripted(env.single_action_space, len(SEEDS))
    rollout(policy, env, SEEDS)
    assert [slot for slot, _, _ in policy.calls] == list(range(7))
    assert [start for _, start, _ in policy.calls] == [[True] * 3, *[[False] * 3] * 6]
    assert all(deterministic for _, _, deterministic in policy.calls)


def test_policies_that_learn_online_hear_of_every_slot():
    env = make_env()
    policy = Listening(env.single_action_space, len(SEEDS))
    played = rollout(policy, env, SEEDS)
    arrived, revealed = (np.stack(field, axis=1) for field in zip(*policy.heard, strict=True))
    np.testing.assert_array_equal(arrived, revealed)
    requests = played.metrics[:, :, METRICS.index("requests")]
    np.testing.assert_allclose(arrived.sum(axis=2), requests, rtol=1e-12)


def test_all_policies_meet_the_same_demand_and_other_seeds_another():
    env = make_env()
    demand = METRICS.index("requests")
    one = rollout(Scripted(env.single_action_space, 3), env, SEEDS).metrics[:, :, demand]
    other = make_env(action="scores")
    two = rollout(Scripted(other.single_action_space, 3), other, SEEDS).metrics[:, :, demand]
    np.testing.assert_array_equal(one, two)
    assert len({tuple(row) for row in one.tolist()}) == 3
    env = make_env(split="validation")
    assert not np.allclose(
        one, rollout(Scripted(env.single_action_space, 3), env, SEEDS).metrics[:, :, demand]
    )


def test_records_weigh_metrics_by_requests_and_the_rest_by_slots():
    metrics = np.zeros((1, 2, len(METRICS)))
    metrics[0, :, METRICS.index("requests")] = 1.0, 3.0
    metrics[0, :, METRICS.index("latency")] = 1.0, 2.0
    metrics[0, :, METRICS.index("update")] = 1.0, 0.0
    metrics[0, :, METRICS.index("early_rate")] = 0.0, 1.0
    vector = np.zeros((1, 2, len(OBJECTIVES)))
    vector[0, :, OBJECTIVES.index("energy")] = -1.0, -2.0
    (row,) = Episodes((5,), np.array([[-1.0, -3.0]]), vector, metrics).records()
    assert row["seed"] == 5 and row["reward"] == -2.0 and row["reward_energy"] == -1.5
    assert (row["requests"], row["latency"], row["update"], row["early_rate"]) == (2.0, 1.75, 0.5, 0.75)


def test_an_episode_without_requests_has_metrics_of_zero():
    empty = Episodes((0,), np.zeros((1, 2)), np.zeros((1, 2, 5)), np.zeros((1, 2, len(METRICS))))
    assert all(np.isfinite(value) and value == pytest.approx(0.0) for value in empty.records()[0].values())


@pytest.mark.parametrize("kind", [Scripted, Listening])
def test_every_slot_is_told_once_the_policy_has_learnt_from_it(kind):
    env, told = make_env(), []
    policy = kind(env.single_action_space, len(SEEDS))
    played = rollout(
        policy, env, SEEDS, on_slot=lambda slot: told.append((len(policy.heard), slot.resident.copy()))
    )
    learnt = [0] * 7 if kind is Scripted else list(range(1, 8))
    assert [number for number, _ in told] == learnt
    assert played.scalar.shape == (len(SEEDS), 7) and all(len(resident) == len(SEEDS) for _, resident in told)


@pytest.mark.parametrize(("rate", "shown"), [(7e-19, 0.0), (-3e-17, 0.0), (1e-6, 1e-6), (0.0, 0.0)])
def test_what_rounding_leaves_of_drops_is_none(rate, shown):
    metrics = np.ones((1, 4, len(METRICS)))
    metrics[..., [METRICS.index("drop_rate"), METRICS.index("late_rate")]] = rate
    played = Episodes((0,), np.zeros((1, 4)), np.zeros((1, 4, len(OBJECTIVES))), metrics, tuple(OBJECTIVES))
    (record,) = played.records()
    assert record["drop_rate"] == pytest.approx(shown, rel=1e-9, abs=0.0)
    assert record["late_rate"] == pytest.approx(shown, rel=1e-9, abs=0.0)
    assert record["early_rate"] == 1.0
