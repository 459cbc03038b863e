import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.scenarios.config import Ar1, Background, ConstantRate, GilbertElliott, MemoryPressure, Outages
from idn_gym.scenarios.processes import resources
from idn_gym.scenarios.processes.resources import draw_slowdown
from tests.end_to_end import whole

draw_rates, draw_seconds = whole(resources.draw_rates), whole(resources.draw_seconds)
draw_memory = whole(resources.draw_memory)

ALL = np.ones(100, np.bool_)
NOMINAL = np.linspace(1.0, 5.0, 100)
SLOTS = 4000


def rng(seed=0):
    return np.random.default_rng(seed)


def mean_error(deviation, memory, n):
    """Standard error of the mean of n slots of a chain with autocorrelation memory^h."""
    return deviation * math.sqrt((1 + memory) / (1 - memory) / n)


def mean_run(on):
    """Mean length of the runs, and how many of them ended."""
    ended = (on[:-1] & ~on[1:]).sum()
    return on[:-1].sum() / ended, ended


def test_with_nothing_on_resources_are_nominal():
    nominal = np.array([1.0, math.inf])
    moving = np.array([True, True])
    still = np.tile(nominal, (5, 1))
    assert np.array_equal(draw_rates(ConstantRate(), nominal, moving, 5, rng()), still)
    assert np.array_equal(draw_seconds(None, None, nominal, moving, 5, rng()), still)
    assert np.array_equal(draw_memory(None, nominal, moving, 5, rng()), still)
    assert np.array_equal(draw_slowdown(0.0, 3, rng()), np.ones(3))


def test_gilbert_elliott_links_have_their_levels_shares_and_runs():
    rate = draw_rates(GilbertElliott(fail=0.02, heal=0.1, bad=0.25), NOMINAL, ALL, SLOTS, rng(1)) / NOMINAL
    assert np.unique(rate.round(12)).tolist() == [0.25, 1.0]
    bad = rate < 0.5
    good_share = 0.1 / 0.12
    error = mean_error(math.sqrt(good_share * (1 - good_share)), 0.88, rate.size)
    assert 1 - bad.mean() == pytest.approx(good_share, abs=5 * error)
    length, ended = mean_run(bad)
    assert length == pytest.approx(1 / 0.1, rel=5 / math.sqrt(ended))
    length, ended = mean_run(~bad)
    assert length == pytest.approx(1 / 0.02, rel=5 / math.sqrt(ended))


@pytest.mark.parametrize(("memory", "sigma"), [(0.95, 0.3), (0.5, 0.8), (0.0, 0.1)])
def test_ar1_links_keep_their_mean_and_memory(memory, sigma):
    rate = draw_rates(Ar1(memory=memory, sigma=sigma), NOMINAL, ALL, SLOTS, rng(2)) / NOMINAL
    # the exponential of a normal of variance sigma^2 has variance exp(sigma^2) - 1 and forgets faster than it
    deviation = math.sqrt(math.exp(sigma**2) - 1)
    assert rate.mean() == pytest.approx(1, abs=5 * mean_error(deviation, memory, rate.size))
    log_rate = np.log(rate) + sigma**2 / 2
    assert log_rate.mean() == pytest.approx(0, abs=5 * mean_error(sigma, memory, rate.size))
    assert log_rate.std() == pytest.approx(sigma, rel=5 * mean_error(math.sqrt(0.5), memory**2, rate.size))
    lag1 = (log_rate[1:] * log_rate[:-1]).mean() / log_rate.var()
    assert lag1 == pytest.approx(memory, abs=5 * math.sqrt(1 - memory**2) / math.sqrt(rate.size))


@pytest.mark.parametrize("process", [GilbertElliott(), Ar1()])
def test_only_moving_links_move_and_the_others_draws_stay(process):
    some = np.arange(100) % 3 == 0
    everywhere = draw_rates(process, NOMINAL, ALL, 200, rng())
    there = draw_rates(process, NOMINAL, some, 200, rng())
    assert np.array_equal(there[:, some], everywhere[:, some])
    assert np.array_equal(there[:, ~some], np.tile(NOMINAL[~some], (200, 1)))


def test_background_work_takes_its_share():
    process = Background(mean=0.4, sigma=0.05, memory=0.9)  # eight deviations away from being clipped
    taken = 1 - draw_seconds(process, None, NOMINAL, ALL, SLOTS, rng(3)) / NOMINAL
    assert taken.mean() == pytest.approx(0.4, abs=5 * mean_error(0.05, 0.9, taken.size))
    assert taken.std() == pytest.approx(0.05, rel=5 * mean_error(math.sqrt(0.5), 0.81, taken.size))
    x = taken - 0.4
    lag1 = (x[1:] * x[:-1]).mean() / x.var()
    assert lag1 == pytest.approx(0.9, abs=5 * math.sqrt(1 - 0.81) / math.sqrt(x.size))


def test_background_work_is_clipped():
    taken = 1 - draw_seconds(Background(mean=0.5, sigma=1.0), None, NOMINAL, ALL, SLOTS, rng(4)) / NOMINAL
    assert taken.min() == 0
    assert taken.max() == pytest.approx(0.95)
    # a normal of mean 0.5 and deviation 1 is below 0 with probability 0.3085, above 0.95 with 0.3264
    assert (taken == 0).mean() == pytest.approx(0.3085, abs=5 * mean_error(0.46, 0.9, taken.size))
    assert (taken > 0.949999).mean() == pytest.approx(0.3264, abs=5 * mean_error(0.47, 0.9, taken.size))


def test_outages_last_and_come_as_stated():
    seconds = draw_seconds(None, Outages(mean_up=50, mean_down=8), NOMINAL, ALL, SLOTS, rng(5))
    down = seconds == 0
    assert np.array_equal(seconds[~down], np.tile(NOMINAL, (SLOTS, 1))[~down])
    share, memory = 8 / 58, 1 - 1 / 50 - 1 / 8
    error = mean_error(math.sqrt(share * (1 - share)), memory, down.size)
    assert down.mean() == pytest.approx(share, abs=5 * error)
    for state, length in ((down, 8), (~down, 50)):
        found, ended = mean_run(state)
        assert found == pytest.approx(length, rel=5 / math.sqrt(ended))


def test_background_and_outages_do_not_disturb_each_other():
    background, outages = Background(), Outages(mean_up=20)
    busy = draw_seconds(background, None, NOMINAL, ALL, 300, rng())
    failing = draw_seconds(None, outages, NOMINAL, ALL, 300, rng())
    both = draw_seconds(background, outages, NOMINAL, ALL, 300, rng())
    assert np.array_equal(both, np.where(failing == 0, 0, busy))
    assert (both == 0).any()


def test_memory_shrinks_as_stated():
    process = MemoryPressure(left=0.25, mean_full=40, mean_shrunk=5)
    memory = draw_memory(process, NOMINAL, ALL, SLOTS, rng(6)) / NOMINAL
    assert np.unique(memory.round(12)).tolist() == [0.25, 1.0]
    shrunk = memory < 0.5
    share = 5 / 45
    error = mean_error(math.sqrt(share * (1 - share)), 1 - 1 / 40 - 1 / 5, memory.size)
    assert shrunk.mean() == pytest.approx(share, abs=5 * error)
    for state, length in ((shrunk, 5), (~shrunk, 40)):
        found, ended = mean_run(state)
        assert found == pytest.approx(length, rel=5 / math.sqrt(ended))


def test_repositories_never_fail_nor_shrink():
    movable = np.arange(100) > 0
    repository = np.full(300, NOMINAL[0])
    process = Outages(mean_up=2), MemoryPressure(mean_full=2)
    assert np.array_equal(
        draw_seconds(Background(), process[0], NOMINAL, movable, 300, rng())[:, 0], repository
    )
    assert np.array_equal(draw_memory(process[1], NOMINAL, movable, 300, rng())[:, 0], repository)


def test_elastic_nodes_stay_elastic_until_they_fail():
    elastic, movable = np.array([math.inf, math.inf]), np.array([True, False])
    assert np.all(np.isinf(draw_seconds(Background(), None, elastic, movable, 500, rng())))
    seconds = draw_seconds(Background(), Outages(mean_up=5), elastic, movable, 500, rng())
    assert set(seconds[:, 0].tolist()) == {0.0, math.inf}
    assert np.all(np.isinf(seconds[:, 1]))


def test_the_error_of_devices_is_log_normal_with_median_1():
    n = 100_000
    log_factor = np.log(draw_slowdown(0.15, n, rng(7)))
    assert log_factor.mean() == pytest.approx(0, abs=5 * 0.15 / math.sqrt(n))
    assert log_factor.std() == pytest.approx(0.15, rel=5 / math.sqrt(2 * n))


@given(
    link=st.sampled_from((ConstantRate(), GilbertElliott(), Ar1())),
    background=st.sampled_from((None, Background())),
    outages=st.sampled_from((None, Outages())),
    memory=st.sampled_from((None, MemoryPressure())),
    columns=st.integers(1, 8),
    horizon=st.integers(1, 40),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150, deadline=None)
def test_any_mix_of_processes_draws_resources(link, background, outages, memory, columns, horizon, seed):
    nominal, moving = rng(seed).random(columns) + 0.1, rng(seed).random(columns) < 0.5
    rate = draw_rates(link, nominal, moving, horizon, rng(seed))
    seconds = draw_seconds(background, outages, nominal, moving, horizon, rng(seed))
    size = draw_memory(memory, nominal, moving, horizon, rng(seed))
    for drawn in (rate, seconds, size):
        assert drawn.shape == (horizon, columns)
        assert np.all(np.isfinite(drawn))
        assert np.all(drawn >= 0)
        assert np.all(drawn[:, ~moving] == nominal[~moving])
        drawn[0] = -1  # the caller's own array, not a view of the nominal values
    assert np.all(nominal > 0)
    assert np.all(rate[1:] > 0)
    assert np.all(np.maximum(seconds[1:], size[1:]) <= nominal)
