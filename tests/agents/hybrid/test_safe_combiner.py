"""The promise of Rule S as a combiner, on fuzzed paths of costs and in the environment."""

import numpy as np
import pytest

from experiments.training.play import open_agent, play_agent
from idn_gym.evaluation.rollout import rollout
from idn_gym.scenarios.presets import load_scenario
from tests.agents.hybrid.test_combiners import ADVERSARY, SEEDS


def test_moves_that_take_time_raise_the_threshold():
    """Who loads nothing is sent off; what popularity has by then comes over links."""
    world = load_scenario("edge-drift", {"horizon": 60})
    env, policy = open_agent("hybrid-safe", world, SEEDS, experts=["cloud-only", "popularity"], reload=0.0)
    rollout(policy, env, SEEDS)
    course = policy.course()
    assert (course.switches()[-1] > 0).any() and (policy.reload >= 1).any()
    grown = course.threshold[-1] - course.threshold[0]
    np.testing.assert_allclose(grown, policy.reload * 0.9 * policy.largest)


def safe_paths(seed, rows, slots=40):
    """Rule S with a reckless policy on `rows` paths of a drawn world; checks promise and assumption."""
    rng = np.random.default_rng([18, seed])
    kinds = [
        {"kind": "uniform", "hold": int(rng.integers(1, 6))},
        {"kind": "round_robin"},
        {"kind": "alternating"},
        {"kind": "lfu_killer"},
        {"kind": "sliding", "shift": 1, "every": 4},
    ]
    changes = {
        "horizon": slots,
        "workload.popularity": kinds[seed % len(kinds)],
        "workload.arrivals": str(rng.choice(["fluid", "poisson"])),
        "scales.update": float(rng.choice([0.2, 1.0, 5.0])),
    }
    rho, debt = float(rng.choice([0.5, 0.9, 1.0])), rng.choice([0.0, 1.0])
    prior = {"agent": "thrifty", "options": {"experts": ["lru"], **({} if debt else {"debt": 0.0})}}
    seeds = list(range(1000 * seed, 1000 * seed + rows))
    world = load_scenario("adversary", changes)
    # No more than it takes to play at all, so that the learnt policy is sent off and let back in.
    env, policy = open_agent("hybrid-safe", world, seeds, experts=["random", prior], rho=rho)
    rollout(policy, env, seeds)
    course = policy.course()
    assert policy.assumed.all()
    assert (course.slack >= policy.diameter - 1e-9).all()
    alone = play_agent("cloud-only", world, seeds).scalar.T
    net, other = -course.cost - alone, -course.virtual[:, :, 1] - alone
    promised = rho * np.cumsum(other, axis=0) - policy.notes["allowance"]
    assert (np.cumsum(net, axis=0) >= promised - 1e-9).all()
    return course


def test_the_promise_of_rule_s_holds_on_every_path():
    """60 paths, with Poisson demand and loads of all prices among them; both experts play."""
    played = np.concatenate([safe_paths(seed, 12).played.ravel() for seed in range(5)])
    assert 0.02 < played.mean() < 0.98


@pytest.mark.long
def test_the_promise_of_rule_s_holds_on_ten_thousand_paths():
    for seed in range(100):
        safe_paths(seed, 100)


def test_a_prior_that_pays_for_every_load_breaks_the_assumption():
    """INFIDA with fresh uniforms on the round robin: its account falls, and the readout says so."""
    changes = {"horizon": 60, "workload.popularity": {"kind": "round_robin"}, "scales.update": 0.05}
    world = load_scenario("adversary", changes)
    env, policy = open_agent(
        "hybrid-safe", world, SEEDS, experts=["cloud-only", "infida"], rho=0.5, allowance=0.0
    )
    rollout(policy, env, SEEDS)
    course = policy.course()
    assert not policy.assumed.any() and policy.notes["assumed"] is False
    assert (policy.book.drawdown > 0).all() and (course.slack.min(axis=0) < 0.0).all()


def test_without_credit_nothing_is_loaded_and_the_account_never_falls_by_more():
    env, policy = open_agent("thrifty", ADVERSARY, SEEDS, experts=["lru"], debt=0.0)
    rollout(policy, env, SEEDS)
    assert policy.course().loaded.sum() == 0.0 and (policy.course().played == -1).any()
    env, policy = open_agent("thrifty", ADVERSARY, SEEDS, experts=["lru"])
    rollout(policy, env, SEEDS)
    course = policy.course()
    account = np.cumsum(-course.cost - play_agent("cloud-only", ADVERSARY, SEEDS).scalar.T, axis=0)
    top = np.maximum(0.0, np.maximum.accumulate(account, axis=0))
    assert course.loaded.sum() > 0.0 and ((top - account) <= policy.drawdown + 1e-12).all()
