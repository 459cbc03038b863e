"""Curves from gains per slot, on numbers that can be followed by hand."""

import numpy as np
import pytest

from idn_gym.evaluation.regret import (
    ROUNDING_FACTOR,
    competitive_ratio,
    dynamic_regret,
    entropy_bound,
    gain_per_request,
    gain_share,
    last_slots,
    path_lengths,
    regret,
    steepest_slopes,
    updates_per_slot,
)

GAINS = np.array([1.0, 2.0, 6.0])
REFERENCE = np.array([3.0, 3.0, 3.0])


def test_regret_adds_up_what_is_missing():
    np.testing.assert_allclose(regret(GAINS, REFERENCE), [2.0, 3.0, 0.0])
    np.testing.assert_allclose(
        regret(GAINS, REFERENCE, ROUNDING_FACTOR), 3 * ROUNDING_FACTOR * np.arange(1, 4) - [1, 3, 9]
    )
    assert pytest.approx(0.6321205588) == ROUNDING_FACTOR


def test_regret_takes_seeds_side_by_side():
    both = regret(np.stack([GAINS, REFERENCE]), REFERENCE)
    np.testing.assert_allclose(both, [[2.0, 3.0, 0.0], [0.0, 0.0, 0.0]])


def test_what_is_measured_against_the_best_sequence_lies_between_two_ends():
    assert dynamic_regret(12.0, 10.0, 8.0) == (2.0, 4.0)
    assert competitive_ratio(12.0, 10.0, 8.0) == pytest.approx((1.2, 1.5))
    assert dynamic_regret(10.0, 10.0, 8.0)[0] == 0.0
    low, high = competitive_ratio(1.0, 0.5, 0.0)
    assert low == 2.0 and np.isnan(high)


def test_share_of_a_gain():
    assert gain_share(GAINS, REFERENCE)[..., -1] == pytest.approx(1.0)
    np.testing.assert_allclose(gain_share(REFERENCE / 2, REFERENCE), 0.5)
    assert np.isnan(gain_share(GAINS, 0 * REFERENCE)).all()


def test_gain_per_request_is_a_mean_over_slots_with_requests():
    curve = gain_per_request(np.array([0.0, 4.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.0, 1.0]))
    np.testing.assert_allclose(curve, [np.nan, 2.0, 2.0, 1.5])


def test_updates_per_slot():
    np.testing.assert_allclose(updates_per_slot(np.array([4.0, 0.0, 2.0])), [4.0, 2.0, 2.0])


def test_the_last_slots_add_up_and_the_first_ones_are_fewer():
    values = np.array([[1.0, 2.0, 4.0, 8.0]])
    assert last_slots(values, 2).tolist() == [[1.0, 3.0, 6.0, 12.0]]
    assert last_slots(values, 4).tolist() == last_slots(values, 9).tolist() == [[1.0, 3.0, 7.0, 15.0]]


def test_entropy_bound_by_hand():
    """Nodes of 2 bytes out of 8, of 2 out of 3 and of 50 for 5: in the last two nothing is as far as 0."""
    slopes = np.array([3.0, 4.0])[:, None]
    bound = entropy_bound(slopes, np.array([2.0]), np.array([8.0]))
    np.testing.assert_allclose(bound, 2 * np.sqrt(2 * np.log(4) * np.array([9.0, 25.0])))
    bound = entropy_bound(slopes, np.array([2.0]), np.array([3.0]))
    np.testing.assert_allclose(bound, 2 * np.sqrt(2 * np.array([9.0, 25.0])))
    bound = entropy_bound(np.hstack([slopes, slopes]), np.array([2.0, 50.0]), np.array([3.0, 5.0]))
    np.testing.assert_allclose(bound, 7 * np.sqrt(2 * np.array([9.0, 25.0])))
    assert entropy_bound(np.ones((2, 1)), np.zeros(1), np.ones(1)).tolist() == [0.0, 0.0]


def test_the_bound_holds_for_mirror_ascent_on_an_adversary():
    """Four unit columns, budget 1, a gain that alternates between two of them: measured below the bound."""
    slots, size, budget = 400, np.ones(4), np.array([1.0])
    gradients = np.zeros((slots, 4))
    gradients[np.arange(slots), np.arange(slots) // 7 % 2] = 1.0
    steepest = steepest_slopes(gradients, size, np.array([0, 4]))
    bound = entropy_bound(steepest, budget, np.array([4.0]))
    step = np.sqrt(2 * np.log(4) / slots)
    z, gains = np.full(4, 0.25), []
    for g in gradients:
        gains.append(g @ z)
        z = z * np.exp(step * g)
        z /= z.sum()
    lost = regret(np.array(gains), gradients[:, gradients.sum(0).argmax()])[-1]
    assert 0.0 < lost <= bound[-1]


def test_steepest_slopes_of_nodes_without_columns_are_zero():
    slopes = steepest_slopes(np.array([[2.0, -9.0, 4.0]]), np.array([1.0, 3.0, 1.0]), np.array([0, 2, 2, 3]))
    np.testing.assert_allclose(slopes, [[3.0, 0.0, 4.0]])


def test_path_lengths_by_hand():
    fractions = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5], [1.0, 0.0, 1.0]])
    lengths = path_lengths(fractions, np.array([4.0, 5.0, 16.0]), np.array([0, 2, 2, 3]))
    assert lengths.tolist() == [3.0, 0.0, 2.0]
