"""Policies where quality is hidden: all of them play, and learners are told what served."""

from itertools import pairwise

import numpy as np
import pytest

from idn_gym.core.arrays import SHARED
from idn_gym.core.slots import one_slot
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking, note_others
from idn_gym.policies.registry import POLICIES, make_policy
from idn_gym.policy import Feedback
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.hidden.test_book import make_env, with_another_truth
from tests.hidden_worlds import hidden_world


def test_learners_are_told_the_prices_of_the_slot_that_was_played():
    prices, errors = [], []

    class Listener:
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            prices.append(env.simulation.instance.draw.option_cost.copy())
            return np.zeros((2, *env.single_action_space.shape), np.float32), None

        def update(self, feedback):
            errors.append(np.abs(feedback.revealed.draw.option_cost - prices[-1]).max())

    env = make_env(2, accuracy="calibrated")
    rollout(Listener(), env, [0, 1])
    assert len(errors) == 40 and max(errors) == 0.0
    assert any((one != other).any() for one, other in pairwise(prices))


def test_rollouts_report_latencies():
    env = make_env(2, accuracy="calibrated")
    rows = rollout(make_policy("cloud-only", env), env, [0, 1], latencies=True).records()
    assert all(row["latency_p95"] > 0.0 for row in rows)


def test_rollouts_report_the_truth():
    env = make_env(2, accuracy="nominal")
    rows = rollout(make_policy("cloud-only", env), env, [0, 1]).records()
    best = 1.0 - env.simulation.compiled.tables.option_error.min()
    for row in rows:
        assert row["accuracy"] == pytest.approx(row["reward_accuracy"], rel=0.2)
        assert row["accuracy"] < best - 0.02


def test_masks_do_not_know_the_truth():
    one, other = (make_env(action="change") for _ in range(2))
    with_another_truth(other)
    for env in (one, other):
        env.reset(seed=3)
        env.action_space.seed(3)
    for _ in range(15):
        np.testing.assert_array_equal(one.action_masks(), other.action_masks())
        actions = one.action_space.sample()
        one.step(actions)
        other.step(actions)


def _plays_here(name):
    """Whether a policy needs no seeds, batteries or radios."""
    entry = POLICIES.find(name)
    return not entry.informed and name not in (
        "night-planner",
        "charge-rule",
        "hedonic",
        "association-random",
    )


@pytest.mark.parametrize("agent", ["olag", "infida-adahedge", "library-greedy", "index"])
def test_kernels_take_the_slots_that_learners_are_told(agent):
    for accuracy in ("nominal", "calibrated"):
        _play(agent, hidden_world(horizon=4, accuracy=accuracy))


def _play(agent, world):
    entry = POLICIES.find(agent)
    seen = entry.observation or "flat"
    env = IDNVectorEnv(2, scenario=world, action=entry.codec, observation=seen, preference="balanced")
    episodes = rollout(make_policy(agent, env), env, [0, 1], latencies=True, wishes=True)
    assert all(np.isfinite(list(row.values())).all() for row in episodes.records())


@pytest.mark.long
@pytest.mark.parametrize("agent", [name for name in POLICIES if _plays_here(name)])
def test_every_policy_plays(agent):
    for accuracy in ("nominal", "calibrated", "oracle"):
        _play(agent, hidden_world(horizon=4, accuracy=accuracy))


@pytest.mark.parametrize("capacity", ["shared", "exogenous"])
def test_gradients_are_those_of_the_accuracies_in_force(capacity):
    """What learners keep of a slot's ranking is not taken for that of the next one."""
    world = load_scenario(hidden_world(accuracy="oracle"), {"serving.capacity": capacity})
    env = IDNVectorEnv(1, scenario=world, action="segments", preference="balanced")
    policy, tables = make_policy("infida", env), env.simulation.compiled.tables
    observation, _ = env.reset(seed=0)
    state, start = None, np.ones(1, np.bool_)
    for _ in range(20):
        before = env.simulation.state
        revealed = one_slot(env.simulation.instance, before.slot)
        action, state = policy.predict(observation, state=state, episode_start=start)
        observation, start = env.step(action)[0], np.zeros(1, np.bool_)
        held, outcome = policy.fractional[0].copy(), env.simulation.outcome
        policy.update(Feedback(revealed, before, env.simulation.state, outcome))
        gradient, layers = np.zeros_like(policy.gradient[0]), allocate_ranking(tables, policy.items)
        if tables.capacity == SHARED:
            note_others(tables, outcome, 0, layers)
        gain_and_gradient(tables, revealed.draw, 0, 0, policy.items, held, gradient, layers)
        np.testing.assert_allclose(policy.gradient[0], gradient)
