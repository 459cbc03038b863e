"""Running means and their bands."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.quality.running import band, confidence_sequence, empty_memory, observe, sliding


def see(memory, values, keep):
    return observe(memory, values.sum(), len(values), keep)


def test_a_window_forgets_what_left_it():
    running = sliding(np.array([1.0, 0.0, 0.0, 0.0, 1.0]), window=2)
    np.testing.assert_allclose(running.estimate, [1.0, 0.5, 0.0, 0.0, 0.5])


def test_keeping_everything_is_the_plain_mean():
    values = np.random.default_rng(0).random(50)
    memory = empty_memory()
    for part in np.split(values, 5):
        memory = see(memory, part, keep=1.0)
    running, whole = band(memory), sliding(values, window=50)
    assert running.estimate == pytest.approx(values.mean())
    assert running.low == pytest.approx(whole.low[-1])
    assert running.high == pytest.approx(whole.high[-1])


def test_weights_by_hand():
    memory = see(see(empty_memory(), np.array([1.0, 1.0]), 0.5), np.array([0.0]), 0.5)
    assert memory == (1.0, 2.0, 1.5)
    running = band(memory, delta=0.1)
    assert running.estimate == 0.5
    half = np.sqrt(np.log(20.0) / (2 * 4.0 / 1.5))
    assert running.high == pytest.approx(min(1.0, 0.5 + half))


def test_a_slot_without_requests_ages_but_keeps_the_estimate():
    memory = see(empty_memory(), np.array([0.25, 0.75]), 0.5)
    later = see(memory, np.zeros(0), 0.5)
    assert band(later).estimate == band(memory).estimate
    # Nothing has been learned, and the effective sample size counts shares of weights, not their sum.
    assert band(later).low == pytest.approx(band(memory).low)


def test_before_the_first_value_everything_is_possible():
    running = band(empty_memory())
    assert np.isnan(running.estimate)
    assert (running.low, running.high) == (0.0, 1.0)


def test_the_effective_sample_size_of_a_long_memory():
    memory = empty_memory()
    for _ in range(500):
        memory = see(memory, np.full(5, 0.5), 0.9)
    # 5 values per slot, and a geometric series of weights is worth (1 + keep) / (1 - keep) equal ones.
    assert memory.weight**2 / memory.squares == pytest.approx(5 * 1.9 / 0.1)


def test_the_band_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        memory = empty_memory()
        for values in (rng.random((40, 5)) < 0.8).astype(float):
            memory = see(memory, values, 0.9)
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
        (lambda: observe(empty_memory(), 0.5, 1, 0.0), "keep"),
        (lambda: observe(empty_memory(), np.nan, 1, 0.5), "total"),
        (lambda: observe(empty_memory(), 1.5, 1, 0.5), "total"),
        (lambda: confidence_sequence(empty_memory(), 1.0), "delta"),
    ],
)
def test_bad_input_is_named(call, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        call()


@pytest.mark.parametrize("mean", [0.02, 0.5, 0.95])
def test_a_confidence_sequence_holds_at_all_times_together(mean):
    rng = np.random.default_rng(3)
    draws = (rng.random((300, 400)) < mean).astype(float)
    memory, held = empty_memory(300), np.ones(300, bool)
    for values in draws.T:
        memory = observe(memory, values, np.ones(300), 1.0)
        found = confidence_sequence(memory, 0.2)
        assert np.all((found.low <= found.estimate) & (found.estimate <= found.high))
        held &= (found.low <= mean) & (mean <= found.high)
    assert held.mean() >= 0.8
    # It is not empty talk: after 400 samples the bounds are near.
    assert (found.high - found.low).mean() < 5.5 * np.sqrt(mean * (1.0 - mean) / 400) + 0.03


def test_a_band_at_one_time_does_not_hold_at_all_times():
    rng = np.random.default_rng(4)
    memory, held = empty_memory(300), np.ones(300, bool)
    for values in (rng.random((300, 2_000)) < 0.5).astype(float).T:
        memory = observe(memory, values, np.ones(300), 1.0)
        found = band(memory, 0.2)
        held &= (found.low <= 0.5) & (found.high >= 0.5)
    assert held.mean() < 0.8


def test_the_average_of_drifting_means_is_what_a_sequence_holds():
    rng = np.random.default_rng(5)
    means = np.repeat([0.9, 0.3, 0.7], 100)
    memory, held = empty_memory(300), np.ones(300, bool)
    for slot, mean in enumerate(means, 1):
        memory = observe(memory, (rng.random(300) < mean).astype(float), np.ones(300), 1.0)
        found = confidence_sequence(memory, 0.1)
        held &= (found.low <= means[:slot].mean()) & (means[:slot].mean() <= found.high)
    assert held.mean() >= 0.9
