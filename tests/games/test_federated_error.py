"""Expected errors of coalitions against draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.games.federated_error import FederatedError
from idn_gym.games.partitions import ALONE
from idn_gym.messages import ConfigError


def drawn_errors(error, partition, draws, rng):
    """Squared errors (draws, P) of a coalition's average, from samples of every device."""
    known = np.zeros((len(partition), 1)) if error.means is None else error.means
    truth = known + np.sqrt(error.spread) * rng.normal(size=(draws, *known.shape[:1], 1))
    # The average of n samples of variance `noise`, drawn as one number; unknown parts are per device.
    noise = np.sqrt(error.noise / error.samples)[:, None] * rng.normal(size=(draws, len(partition), 1))
    average = truth + noise
    squared = np.empty((draws, len(partition)))
    for player, site in enumerate(partition):
        inside = partition == site if site != ALONE else np.arange(len(partition)) == player
        weight = error.samples[inside] / error.samples[inside].sum()
        estimate = np.tensordot(average[:, inside], weight, axes=(1, 0))
        squared[:, player] = ((estimate - truth[:, player]) ** 2).sum(axis=1)
    return squared


def expected(error, partition):
    together = error.together(partition, np.array([0, 1]))
    return np.where(partition == ALONE, error.alone(), together[np.arange(len(partition)), partition])


@pytest.mark.parametrize("means", [None, [[0.0], [1.0], [-0.5], [2.0], [0.3]]])
@pytest.mark.parametrize("partition", [[0, 0, 0, 0, 0], [0, 1, 0, 1, ALONE], [1, ALONE, 1, 1, 0]])
def test_the_formula_is_what_draws_give(means, partition):
    error, partition = (
        FederatedError(samples=[3, 8, 20, 1, 5], noise=4.0, spread=0.5, means=means),
        np.array(partition),
    )
    squared = drawn_errors(error, partition, 60_000, np.random.default_rng(1))
    off = squared.mean(axis=0) - expected(error, partition)
    assert np.all(np.abs(off) < 4.0 * squared.std(axis=0) / np.sqrt(len(squared)))


def test_a_known_case_in_which_only_the_smallest_gains():
    error = FederatedError(samples=[3, 8, 20], noise=4.0, spread=0.5)
    together = error.together(np.zeros(3, int), np.array([0]))[:, 0]
    assert together == pytest.approx([0.7784, 0.6171, 0.2300], abs=5e-5)
    assert (together < error.alone()).tolist() == [True, False, False]


@given(st.lists(st.integers(1, 50), min_size=2, max_size=8), st.floats(0.0, 10.0))
def test_alike_data_only_help_and_unlike_data_harm_in_proportion(samples, spread):
    sites, grand = np.array([0]), np.zeros(len(samples), int)
    alike = FederatedError(samples=samples, noise=2.0).together(grand, sites)
    unlike = FederatedError(samples=samples, noise=2.0, spread=spread).together(grand, sites)
    twice = FederatedError(samples=samples, noise=2.0, spread=2.0 * spread).together(grand, sites)
    assert np.all(alike < 2.0 / np.array(samples)[:, None])
    assert np.all(unlike >= alike) and twice - unlike == pytest.approx(unlike - alike)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"samples": [3, 0]}, "samples: 0.0 is not allowed; must be above 0"),
        ({"samples": []}, "samples: [] is not allowed; must be finite numbers of shape (any)"),
        ({"samples": [1, np.nan]}, "must be finite numbers"),
        ({"samples": "many"}, "must be finite numbers"),
        ({"noise": -1.0}, "noise: -1.0 is not allowed; must be at least 0"),
        ({"spread": float("inf")}, "spread: inf is not allowed; must be finite"),
        ({"means": [1.0, 2.0]}, "means: [1.0, 2.0] is not allowed; must be finite numbers of shape (2, any)"),
    ],
)
def test_what_is_refused(wrong, said):
    with pytest.raises(ConfigError) as caught:
        FederatedError(**{"samples": [1, 2], "noise": 1.0} | wrong)
    assert said in str(caught.value)
