"""Running means and their bands."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.quality.running import Memory, band, observe, sliding


def test_a_window_forgets_what_left_it():
    running = sliding(np.array([1.0, 0.0, 0.0, 0.0, 1.0]), window=2)
    np.testing.assert_allclose(running.estimate, [1.0, 0.5, 0.0, 0.0, 0.5])


def test_keeping_everything_is_the_plain_mean():
    values = np.random.default_rng(0).random(50)
    memory = Memory()
    for part in np.split(values, 5):
        memory = observe(memory, part, keep=1.0)
    running, whole = band(memory), sliding(values, window=50)
    assert running.estimate == pytest.approx(values.mean())
    assert running.low == pytest.approx(whole.low[-1])
    assert running.high == pytest.approx(whole.high[-1])


def test_weights_by_hand():
    memory = observe(observe(Memory(), np.array([1.0, 1.0]), 0.5), np.array([0.0]), 0.5)
    assert memory == Memory(total=1.0, weight=2.0, squares=1.5)
    running = band(memory, delta=0.1)
    assert running.estimate == 0.5
    half = np.sqrt(np.log(20.0) / (2 * 4.0 / 1.5))
    assert running.high == pytest.approx(min(1.0, 0.5 + half))


def test_a_slot_without_requests_ages_but_keeps_the_estimate():
    memory = observe(Memory(), np.array([0.25, 0.75]), 0.5)
    later = observe(memory, np.zeros(0), 0.5)
    assert band(later).estimate == band(memory).estimate
    # Nothing has been learned, and the effective sample size counts shares of weights, not their sum.
    assert band(later).low == pytest.approx(band(memory).low)


def test_before_the_first_value_everything_is_possible():
    running = band(Memory())
    assert np.isnan(running.estimate)
    assert (running.low, running.high) == (0.0, 1.0)


def test_the_effective_sample_size_of_a_long_memory():
    memory = Memory()
    for _ in range(500):
        memory = observe(memory, np.full(5, 0.5), 0.9)
    # 5 values per slot, and a geometric series of weights is worth (1 + keep) / (1 - keep) equal ones.
    assert memory.weight**2 / memory.squares == pytest.approx(5 * 1.9 / 0.1)


def test_the_band_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        memory = Memory()
        for values in (rng.random((40, 5)) < 0.8).astype(float):
            memory = observe(memory, values, 0.9)
        running = band(memory, delta=0.2)
        inside.append(running.low <= 0.8 <= running.high)
    assert np.mean(inside) >= 0.8


def test_estimates_follow_a_drift_where_a_constant_does_not():
    rng = np.random.default_rng(1)
    truth = np.repeat([0.9, 0.5, 0.9], 1_000)
    values = (rng.random(3_000) < truth).astype(float)
    error = np.abs(sliding(values, 128).estimate - truth).mean()
    assert error < 0.5 * np.abs(0.9 - truth).mean()


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: sliding(np.array([0.5]), 0), "window"),
        (lambda: sliding(np.array([1.5]), 3), "values"),
        (lambda: sliding(np.array([[0.5]]), 3), "values"),
        (lambda: sliding(np.array([0.5]), 3, delta=0.0), "delta"),
        (lambda: observe(Memory(), np.array([0.5]), 0.0), "keep"),
        (lambda: observe(Memory(), np.array([np.nan]), 0.5), "values"),
    ],
)
def test_bad_input_is_named(call, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        call()
