"""Exit thresholds chosen online: bounds, and what they settle on."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.quality.exit_thresholds import CautiousExits, ThresholdBandit, exit_loss

GRID = np.array([0.5, 0.7, 0.9])


@pytest.mark.parametrize("best", range(3))
def test_the_bandit_keeps_its_bound_and_finds_the_best_threshold(best):
    rng = np.random.default_rng(best)
    means = np.where(np.arange(3) == best, 0.2, 0.7)
    losses = (rng.random((800, 3)) < means).astype(float)  # fixed beforehand
    bandit, lost = ThresholdBandit(40, 1, GRID), np.zeros((40, 1))
    for row in losses:
        chosen = row[bandit.choose(rng.random((40, 1)))]
        lost += chosen
        bandit.note(chosen)
    assert (lost - losses.sum(axis=0).min()).mean() <= bandit.bound()[0, 0]
    assert np.all(bandit.probabilities().mean(axis=(0, 1)).argmax() == best)
    assert bandit.bound()[0, 0] == pytest.approx(2 * np.sqrt(800 * 3 * np.log(3)))


def test_a_stream_without_requests_learns_nothing_and_states_go_on():
    rng = np.random.default_rng(0)
    bandit, again = ThresholdBandit(2, 2, GRID), ThresholdBandit(2, 2, GRID)
    active = np.array([[True, False], [True, False]])
    for slot in range(20):
        uniforms = rng.random((2, 2))
        if slot == 10:
            again.set_state(bandit.get_state())
        for each in (bandit, again):
            each.choose(uniforms)
            each.note(np.full((2, 2), 0.5), active)
    np.testing.assert_array_equal(bandit.probabilities(), again.probabilities())
    np.testing.assert_allclose(bandit.probabilities()[:, 1], 1 / 3)
    assert np.all(bandit.bound()[:, 1] == 0.0)
    bandit.reset()
    np.testing.assert_allclose(bandit.probabilities(), 1 / 3)


def test_losses_are_errors_and_costs_between_0_and_1():
    assert exit_loss(np.array(0.2), np.array(3.0), 0.1, 5.0) == pytest.approx((0.2 + 0.3) / 1.5)
    assert exit_loss(np.array(1.0), np.array(5.0), 0.1, 5.0) == 1.0


def test_cautious_exits_learn_from_what_they_pass_on():
    rng = np.random.default_rng(1)
    accuracy = np.linspace(0.1, 0.99, 10)
    exits = CautiousExits(3, 2, 10)
    assert np.all(exits.threshold(0.2) == 1.0)  # nothing is known: all is passed on
    passed = []
    for _ in range(300):
        threshold = exits.threshold(0.2)
        compared = 5.0 * (np.arange(10) / 10 < threshold[..., None])
        exits.note(rng.binomial(compared.astype(int), accuracy).astype(float), compared)
        passed.append(threshold.mean())
    # Bins from 0.8 on err less than 0.2; now and then one of them is passed on again, to make sure.
    assert np.all(exits.threshold(0.2) >= 0.7) and 0.8 <= np.mean(passed[200:]) <= 0.85
    assert np.all(np.diff(exits.sure(), axis=2) >= 0.0)
    again = CautiousExits(3, 2, 10)
    again.set_state(exits.get_state())
    np.testing.assert_array_equal(again.sure(), exits.sure())
    exits.reset(np.array([True, False, False]))
    assert np.all(exits.sure()[0] == 0.0)
    np.testing.assert_array_equal(exits.sure()[1:], again.sure()[1:])


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: ThresholdBandit(1, 1, np.array([0.5])), "grid"),
        (lambda: ThresholdBandit(1, 1, np.array([0.5, np.nan])), "grid"),
        (lambda: ThresholdBandit(0, 1, GRID), "rows"),
        (lambda: ThresholdBandit(1, 1, GRID).choose(np.ones((1, 1))), "uniforms"),
        (lambda: ThresholdBandit(1, 1, GRID).note(np.full((1, 1), 1.5)), "losses"),
        (lambda: ThresholdBandit(1, 1, GRID).note(np.ones((2, 1))), "losses"),
        (lambda: ThresholdBandit(1, 1, GRID).set_state({}), "state"),
        (lambda: exit_loss(np.array(0.5), np.array(1.0), -1.0, 1.0), "weight"),
        (lambda: exit_loss(np.array(0.5), np.array(2.0), 1.0, 1.0), "error"),
        (lambda: CautiousExits(1, 1, 4, breadth=0.0), "breadth"),
        (lambda: CautiousExits(1, 1, 0), "bins"),
        (lambda: CautiousExits(1, 1, 4).note(np.ones((1, 1, 4)), np.zeros((1, 1, 4))), "right"),
    ],
)
def test_bad_input_is_named(call, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        call()
