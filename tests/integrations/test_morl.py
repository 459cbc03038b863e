"""Vector-reward algorithms of morl-baselines run on `IDN-v0` as it is; skipped where the extra is missing.

These are runs of a few episodes: they show that spaces, rewards and fronts are what the algorithms expect,
not that anything is learnt.
"""

import importlib

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 12
SMALL = {"net_arch": [16, 16], "batch_size": 16, "learning_starts": 20}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make an environment as docs/morl.md says; skips without the packages, which write where they run."""
    pytest.importorskip("morl_baselines.common.morl_algorithm", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    wrappers = importlib.import_module("mo_gymnasium.wrappers")

    def build(action, split="train"):
        options = {"overrides": {"horizon": SLOTS}, "action": action, "split": split}
        env = gym.make("IDN-v0", scenario="tiny", reward_scale="scenario", **options)
        return wrappers.MORecordEpisodeStatistics(env, gamma=0.9)

    return build


def algorithm(path, name):
    return getattr(importlib.import_module(f"morl_baselines.multi_policy.{path}"), name)


def train_pcn(make, action):
    factors = np.array([0.1, 0.1, 0.1, 0.1, 1.0, 0.1], np.float32)
    agent = algorithm("pcn.pcn", "PCN")(
        make(action), factors, batch_size=16, hidden_dim=16, log=False, seed=1
    )
    best = np.array([2.0 * SLOTS, 0, 0, 0, 0], np.float32)
    agent.train(8 * SLOTS, make(action), None, num_er_episodes=3, num_step_episodes=2, max_return=best)
    return agent.evaluate(make(action), best, n=3)[0]


def train_capql(make, action):
    agent = algorithm("capql.capql", "CAPQL")(make(action), log=False, seed=1, **SMALL)
    agent.train(5 * SLOTS, None, None)
    return [agent.policy_eval(make(action), 2, weights=weights)[2] for weights in np.eye(5)]


def train_morld(make, action):
    policy = "MOSAC" if action == "scores" else "MOSACDiscrete"
    # pymoo spreads no fewer weights than there are objectives.
    agent = algorithm("morld.morld", "MORLD")(
        make(action), policy_name=policy, policy_args=SMALL, pop_size=5, exchange_every=2 * SLOTS, log=False
    )
    agent.train(4 * SLOTS, make(action), np.zeros(5), num_eval_episodes_for_front=1, checkpoints=False)
    return agent.archive.evaluations


def train_gpi_ls(make, action):
    pytest.importorskip("cdd")
    pytest.importorskip("cvxpy")
    agent = algorithm("gpi_pd.gpi_pd", "GPIPD")(
        make(action), gpi_pd=False, dyna=False, log=False, seed=1, **SMALL
    )
    agent.train(
        4 * SLOTS,
        make(action),
        np.zeros(5),
        timesteps_per_iter=2 * SLOTS,
        num_eval_weights_for_front=5,
        num_eval_episodes_for_front=1,
    )
    return [agent.policy_eval(make(action), 2, weights=weights)[2] for weights in np.eye(5)]


@pytest.mark.learning
@pytest.mark.parametrize(
    ("train", "action"),
    [
        (train_pcn, "change"),
        (train_pcn, "scores"),
        (train_capql, "scores"),
        (train_morld, "change"),
        pytest.param(train_morld, "scores", marks=pytest.mark.slow),
        pytest.param(train_gpi_ls, "change", marks=pytest.mark.slow),
    ],
)
def test_an_algorithm_trains_and_returns_a_front(train, action, make):
    returns = np.array(train(make, action))
    assert returns.shape[1:] == (5,) and len(returns)
    assert (returns[:, 0] > 0).all() and (returns[:, 1:] <= 0).all() and (returns[:, 1:4] < 0).all()
    assert np.isfinite(returns).all()


def test_its_indicators_take_the_front_of_the_environment(make):
    make("change")  # skips
    indicators = importlib.import_module("morl_baselines.common.performance_indicators")
    front = gym.make("IDN-v0", scenario="tiny").unwrapped.pareto_front(0.9)
    assert indicators.igd(front, front) == 0.0 < indicators.igd(front, front[:1])
