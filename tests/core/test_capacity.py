"""How many requests fit into what is left of a resource."""

import numpy as np

from idn_gym.core.capacity import fitting, most_requests
from idn_gym.core.kernel import kernel


@kernel
def fit_one(amount, need, left):
    return fitting(amount, need, left)


def test_what_fits_is_what_is_left_over_what_one_needs():
    assert fit_one(6.0, 2.0, 8.0) == 4.0
    assert fit_one(4.0, 2.0, 8.0) == 4.0
    assert fit_one(3.0, 2.0, 8.0) == 3.0
    assert fit_one(6.0, 2.0, 0.0) == 0.0


def test_nothing_fits_where_nothing_is_left_however_little_is_asked():
    assert fit_one(5e-324, 0.1, 0.0) == 0.0
    assert fit_one(5e-324, 0.0, 0.0) == 5e-324


def test_what_needs_nothing_always_fits():
    assert fit_one(6.0, 0.0, 0.0) == 6.0
    assert fit_one(np.inf, 0.0, 8.0) == np.inf
    assert fit_one(np.inf, 2.0, np.inf) == np.inf


def test_whole_arrays_row_by_row():
    need, left = np.array([2.0, 0.0]), np.array([[8.0, 8.0], [0.0, 0.0], [np.inf, np.inf]])
    expected = [[4.0, np.inf], [0.0, np.inf], [np.inf, np.inf]]
    np.testing.assert_array_equal(most_requests(need, left), expected)
