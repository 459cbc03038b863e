"""Policies on the same episodes: what scripts get, with SciPy and without."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation import comparison, tables
from idn_gym.evaluation.ceiling import static_ceiling
from idn_gym.evaluation.tables import comparison_table

SHORT = {"horizon": 5}


def test_every_policy_plays_the_same_episodes():
    found = idn_gym.compare("tiny", ["cloud-only", "infida", "clairvoyant-search"], [4, 2], overrides=SHORT)
    costs = {name: -played.scalar.mean(axis=1) for name, played in found.episodes.items()}
    assert list(costs) == ["cloud-only", "infida", "clairvoyant-search"]
    for name, played in found.episodes.items():
        assert played.seeds == (4, 2)
        assert (played.metrics[:, :, 0] == found.episodes["infida"].metrics[:, :, 0]).all(), name
    assert [row.cost.estimate for row in found.rows] == sorted(cost.mean() for cost in costs.values())
    for row in found.rows:
        difference = (costs[row.agent] - costs["cloud-only"]).mean()
        assert row.difference.estimate == pytest.approx(difference, abs=1e-15)


def test_a_policy_plays_as_it_does_by_hand():
    scenario = idn_gym.load_scenario("tiny", SHORT)
    env = gym.make_vec(
        "IDN-v0", num_envs=3, scenario=scenario, preference="latency", action="segments", split="train"
    )
    played = idn_gym.rollout(idn_gym.make_policy("lfu", env), env, range(3))
    found = idn_gym.compare(scenario, ["lfu"], np.int64(3), split="train", preference="latency")
    assert (found.episodes["lfu"].scalar == played.scalar).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"policies": []}, "policies: no policy is named"),
        ({"policies": ["infda"]}, r"policy: 'infda' is unknown; .*did you mean 'infida'"),
        ({"policies": ["lfu", "lfu"]}, "policies: 'lfu' is given twice"),
        ({"reference": "lru"}, "reference: 'lru' is not among the policies"),
        ({"seeds": 0}, "seeds: 0 is not allowed"),
        ({"seeds": []}, r"seeds: \[\] is not allowed"),
        ({"seeds": [-1]}, r"seeds\.0: -1 is not allowed"),
        ({"split": "tst"}, "split: 'tst' is not allowed"),
        ({"preference": None}, "preference: None is not allowed"),
        ({"scenario": "tinny"}, "did you mean 'tiny'"),
    ],
)
def test_mistakes_end_in_one_sentence(given, said):
    with pytest.raises(ConfigError, match=said):
        idn_gym.compare(**{"scenario": "tiny", "policies": ["lfu"], "seeds": 1, "overrides": SHORT} | given)


def test_without_scipy_there_are_estimates_alone(monkeypatch):
    with_scipy = idn_gym.compare("tiny", ["nothing", "lfu"], 2, overrides=SHORT)
    assert np.isfinite(with_scipy.rows[0].cost.low)
    for module in (comparison, tables):
        monkeypatch.setattr(module, "HAS_INTERVALS", False)
    without = idn_gym.compare("tiny", ["nothing", "lfu"], 2, overrides=SHORT)
    for one, other in zip(without.rows, with_scipy.rows, strict=True):
        for name in ("cost", "difference", "relative"):
            assert getattr(one, name).estimate == pytest.approx(getattr(other, name).estimate, rel=1e-12)
            assert np.isnan(getattr(one, name).low)
    assert "no intervals without SciPy (extra solve)" in comparison_table(without.rows, "2 seeds")


@pytest.mark.parametrize("changes", [{}, {"serving.capacity": "exogenous", "serving.loading": "instant"}])
def test_no_static_placement_passes_the_ceiling(changes):
    scenario = idn_gym.load_scenario("tiny", {**SHORT, **changes})
    found = idn_gym.compare(scenario, ["static-greedy", "clairvoyant-search", "nothing"], 3)
    costs = {
        name: np.mean([row["tariff_cost"] for row in played.records()])
        for name, played in found.episodes.items()
    }
    ceiling = static_ceiling(scenario, range(3))
    assert ceiling.bound <= ceiling.reached <= ceiling.alone
    assert ceiling.alone == pytest.approx(costs["nothing"], rel=1e-12)
    assert ceiling.bound <= min(costs.values()) + 1e-12
