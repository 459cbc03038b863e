"""The program of one battery against all sequences of modes, one by one, and what it learns of weather."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.policies.batteries.charge_programme import BatteryLimits, ChargeProgramme, Modes
from idn_gym.policies.batteries.weather import Weather, learn_weather

SLOTS, CAPACITY = 5, 10


def total(sequence, level, battery, modes, harvest):
    """What a sequence of modes costs from slot 0 on, with nothing hosted and the battery on."""
    off, hosted, cost = False, modes.cost.shape[1], 0.0
    for t, k in enumerate(sequence):
        level += harvest[t]
        if off and level < battery.restart:
            cost, level = cost + modes.drop[t], min(level, battery.capacity)
            continue
        level -= min(level, battery.drain)
        need = modes.joules[t, k] + modes.fetch[hosted, k]
        spare = max(0.0, level - battery.least)
        drawn = min(need, spare)
        share = drawn / need if need else float(spare > 0.0)  # without charge nothing goes on
        cost += modes.switch[hosted, k] + share * modes.cost[t, k] + (1.0 - share) * modes.drop[t]
        level, hosted = min(level - drawn, battery.capacity), k
        off = level <= battery.least
    return cost


def whole(most):
    return st.integers(0, most).map(float)


@st.composite
def worlds(draw):
    """Whole joules, so that all levels lie on a grid of eleven points."""
    kinds = draw(st.integers(1, 3))
    table = st.lists(st.lists(whole(6), min_size=kinds, max_size=kinds), min_size=SLOTS, max_size=SLOTS)
    switch = st.lists(
        st.lists(whole(2), min_size=kinds, max_size=kinds), min_size=kinds + 1, max_size=kinds + 1
    )
    modes = Modes(
        cost=np.array(draw(table)),
        joules=np.array(draw(table)),
        drop=np.full(SLOTS, 9.0),
        switch=np.array(draw(switch)),
        fetch=np.array(draw(switch)),
    )
    battery = BatteryLimits(CAPACITY, 0.0, draw(st.sampled_from([5.0, 10.0])), draw(whole(2)))
    harvest = np.array(draw(st.lists(whole(6), min_size=SLOTS, max_size=SLOTS)))
    return battery, modes, harvest, draw(whole(CAPACITY))


@given(worlds())
def test_no_sequence_of_modes_costs_less(world):
    """With one sky the program is exact: the best of all sequences costs what it says."""
    battery, modes, harvest, level = world
    weather = Weather(harvest, harvest > 0.0, np.zeros(0), np.ones(1), np.ones(1), np.ones((1, 1)))
    programme = ChargeProgramme(battery, modes, weather, CAPACITY + 1)
    after = programme.values(0, SLOTS)[0]
    count = modes.cost.shape[1]
    found = programme.prices(0, level, False, count, None, after)
    for k in range(count):
        tried = [
            total((k, *rest), level, battery, modes, harvest)
            for rest in product(range(count), repeat=SLOTS - 1)
        ]
        assert found[k] == pytest.approx(min(tried), abs=1e-9)


def test_a_chain_of_two_skies_is_found_again():
    """Half of what is there or all of it, as before with probability 0.9, in seven slots of ten."""
    rng = np.random.default_rng(0)
    episodes, day = 400, 7
    clouded = np.zeros((episodes, 2 * 10), int)
    clouded[:, 0] = rng.integers(0, 2, episodes)
    for t in range(1, clouded.shape[1]):
        clouded[:, t] = clouded[:, t - 1] ^ (rng.random(episodes) < 0.1)
    bright = np.tile(np.arange(10) < day, 2) * 4.0
    weather = learn_weather(bright * np.where(clouded, 0.5, 1.0), 4)
    assert weather.lit.tolist() == (bright > 0.0).tolist()
    assert weather.share.tolist() == [pytest.approx(0.5), pytest.approx(1.0)]
    np.testing.assert_allclose(weather.follows, [[0.9, 0.1], [0.1, 0.9]], atol=0.03)
    np.testing.assert_allclose(weather.chances(10), np.linalg.matrix_power(weather.follows, 4))
    np.testing.assert_array_equal(weather.chances(8), np.eye(2))
    assert [weather.sky(t, h, 1) for t, h in ((0, 2.0), (0, 4.0), (8, 0.0))] == [0, 1, 1]


@pytest.mark.parametrize("joules", [0.0, 3.0])
def test_the_same_at_all_times_is_one_sky(joules):
    weather = learn_weather(np.full((5, 4), joules), 16)
    assert weather.share.shape == (1,) and weather.follows.tolist() == [[1.0]]
    assert [weather.harvest(t).tolist() for t in range(4)] == [[joules]] * 4
