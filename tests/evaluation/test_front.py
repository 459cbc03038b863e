"""Reference fronts: what ships is what its placements earn, exact on `tiny`, and where users look for it."""

import gymnasium as gym
import numpy as np
import pytest

from experiments.make_fronts import EXACT, SEARCHED, SPLIT, search_front
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.front import play_front, static_front
from idn_gym.optimum.schedule import all_placements
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS
from idn_gym.scenarios.reference_fronts import FRONTS, discounted_front, read_front

TINY = PRESETS["tiny"]


def utilities(scenario, front):
    """(K,) mean scalar reward per slot, up to what the error of no answer at all costs."""
    scales = compile_scenario(scenario).scales
    return np.einsum("ki,ki->k", front.weights / scales, front.means.mean(axis=1))


@pytest.mark.parametrize("name", EXACT + SEARCHED)
def test_what_ships_is_what_its_placements_earn(name):
    """Fails when the environment or the catalogue has moved: `python -m experiments.make_fronts` then."""
    front = read_front(PRESETS[name])
    some = slice(None, None, 7)
    means = play_front(PRESETS[name], front.weights[some], front.seeds, SPLIT, front.placements[some])
    np.testing.assert_allclose(front.means[some], means, rtol=1e-9)
    assert np.array_equal(front.weights, preference_lattice(3))


def test_tiny_is_rebuilt_from_all_placements():
    front, rows, few = read_front(TINY), [0, 6, 19], 2
    everything = all_placements(compile_scenario(TINY))
    again = static_front(TINY, front.weights[rows], front.seeds[:few], SPLIT, everything)
    assert np.array_equal(again.placements, front.placements[rows, :few])


def test_searches_come_within_a_thousandth_of_the_exact_front_of_tiny():
    """Where fronts are searched and not listed, this is how much to trust them; alone, searches miss more."""
    weights, seeds = preference_lattice(2), range(3)
    exact = static_front(TINY, weights, seeds, SPLIT, all_placements(compile_scenario(TINY)))
    found = static_front(TINY, weights, seeds, SPLIT, search_front(TINY, weights, seeds, SPLIT))
    reached, best = (utilities(TINY, front) for front in (found, exact))
    assert (reached <= best + 1e-12).all()
    np.testing.assert_allclose(reached, best, rtol=1e-3)


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1])
def test_the_environment_offers_discounted_non_dominated_returns(gamma):
    env = gym.make("IDN-v0", scenario="tiny").unwrapped
    points = np.stack(env.pareto_front(gamma))
    means = read_front(TINY).means
    returns = np.array([sum(gamma**t * row[t] for t in range(len(row))) for row in means])
    for point in points:
        assert np.isclose(returns, point, rtol=1e-9).all(axis=1).any()
        assert not ((returns >= point + 1e-12).all(axis=1)).any()
        assert point.shape == (env.reward_dim,)
    vector = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny").unwrapped
    np.testing.assert_array_equal(points, vector.pareto_front(gamma))


@pytest.mark.parametrize(
    "options",
    [{"scenario": "isp-hierarchy"}, {"scenario": "tiny", "overrides": {"workload.rate": 26.0}}],
    ids=["no front", "changed"],
)
def test_other_scenarios_have_no_front(options):
    with pytest.raises(ConfigError, match=r"^pareto_front: no front ships .* fashion-edge, tiny$"):
        gym.make("IDN-v0", **options).unwrapped.pareto_front(0.9)


@pytest.mark.parametrize("gamma", [-0.1, 1.5, "one", True, float("nan")])
def test_bad_discounts_are_named(gamma):
    with pytest.raises(ConfigError, match=r"^gamma: .* from 0 to 1"):
        discounted_front(read_front(TINY), gamma)


def test_every_front_belongs_to_a_preset():
    assert {path.stem for path in FRONTS.iterdir()} == {*EXACT, *SEARCHED} <= set(PRESETS)
