"""Algorithms for two objectives run on the ids `-2obj`; skipped where morl-baselines is not installed."""

import importlib
import re
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers the ids)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "morl.md"
SLOTS = 12
SHORT = {"overrides": {"horizon": SLOTS}, "reward_scale": "scenario"}
SMALL = {"net_arch": [16, 16], "batch_size": 16, "log": False, "seed": 1}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """An environment of two objectives; skips without the packages, which write where they run."""
    pytest.importorskip("morl_baselines.common.morl_algorithm", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    wrappers = importlib.import_module("mo_gymnasium.wrappers")

    def build(action):
        env = gym.make("IDN-Tiny-2obj-v0", action=action, **SHORT)
        return wrappers.MORecordEpisodeStatistics(env, gamma=0.9)

    return build


def algorithm(path, name):
    return getattr(importlib.import_module(f"morl_baselines.multi_policy.{path}"), name)


def check(returns):
    returns = np.array(returns)
    assert returns.ndim == 2 and returns.shape[1] == 2 and len(returns)
    assert (returns[:, 0] > 0).all() and (returns[:, 1] < 0).all()


@pytest.mark.learning
def test_envelope(make):
    agent = algorithm("envelope.envelope", "Envelope")(
        make("change"), learning_starts=20, gradient_updates=1, num_sample_w=2, **SMALL
    )
    agent.train(4 * SLOTS, make("change"), np.zeros(2))
    check([agent.policy_eval(make("change"), 1, weights=weights)[2] for weights in np.eye(2)])


@pytest.mark.learning
@pytest.mark.slow
def test_gpi_pd(make):
    """Without dyna: its models of the world know the ends of a few environments by name, and no others."""
    pytest.importorskip("cdd")
    pytest.importorskip("cvxpy")
    agent = algorithm("gpi_pd.gpi_pd", "GPIPD")(
        make("change"), gpi_pd=True, dyna=False, learning_starts=20, **SMALL
    )
    agent.train(
        4 * SLOTS,
        make("change"),
        np.zeros(2),
        timesteps_per_iter=2 * SLOTS,
        num_eval_weights_for_front=3,
        num_eval_episodes_for_front=1,
    )
    check([agent.policy_eval(make("change"), 1, weights=weights)[2] for weights in np.eye(2)])


@pytest.fixture
def pgmorl(make):
    """What the code of the page comes to with a population."""
    code = re.search(r"## PGMORL\n.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]

    def run(population):
        there = {"__name__": "page"}
        exec(compile(code.replace("pop_size=4", f"pop_size={population}"), "morl.md", "exec"), there)
        return there["agent"].archive.evaluations

    yield run
    del gym.registry["TinyScores-v0"]


@pytest.mark.learning
@pytest.mark.slow
def test_pgmorl(pgmorl):
    check(pgmorl(4))


@pytest.mark.learning
def test_pgmorl_predicts_from_four_policies_at_least(pgmorl):
    """Before it first selects, it has as many evaluations as policies, and its predictor needs four."""
    with pytest.raises(ValueError, match="Cannot find at least 4 neighbors by enlarging the neighborhood"):
        pgmorl(3)
