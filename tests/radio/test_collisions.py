"""Formulas for lost frames against sums over pairs, closed forms and limits."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.radio import collisions
from idn_gym.radio.cell import Cell, predict_cell
from idn_gym.radio.collisions import CAPTURE_DB, ISOLATION_DB, ORTHOGONAL_DB


def test_capture_is_the_sum_over_all_pairs():
    rng = np.random.default_rng(0)
    rate, airtime = rng.uniform(0.01, 0.1, 60), rng.uniform(0.05, 1.0, 60)
    power, factor = rng.integers(-130, -90, 60).astype(float), rng.integers(7, 13, 60)
    power[:4], factor[:4] = (-100.0, -106.0, -94.0, -100.0), 9  # ties at the threshold
    for threshold in (ISOLATION_DB, ORTHOGONAL_DB):
        expected = [
            sum(
                rate[j] * (airtime[i] + airtime[j])
                for j in range(60)
                if j != i and power[i] - power[j] < threshold[factor[i] - 7, factor[j] - 7]
            )
            for i in range(60)
        ]
        found = collisions.capture_success(rate, airtime, power, factor, 3, threshold)
        assert found == pytest.approx(np.exp(-np.array(expected) / 3))


def test_equal_powers_are_pure_aloha():
    ones = np.ones(2000)
    found = collisions.capture_success(ones * 0.5 / 200, ones * 0.1, -100 * ones, np.full(2000, 7))
    assert found == pytest.approx(collisions.aloha_success(0.5), rel=1e-3)


@pytest.mark.parametrize("load", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("spread", [0.0, 6.0, 10.0, 40.0])
def test_uniform_powers_are_the_mean_over_them(load, spread):
    power = np.linspace(-spread, 0.0, 4001)
    found = collisions.capture_success(
        np.full(4001, load / 4001), np.ones(4001), power, np.full(4001, 7), threshold=ORTHOGONAL_DB
    )
    assert collisions.spread_success(load, spread) == pytest.approx(found.mean(), rel=2e-3)


def test_limits():
    assert collisions.spread_success(0.0, 20.0) == pytest.approx(1.0)
    assert collisions.spread_success(0.5, 1e6) == pytest.approx((1 - np.exp(-1)) / 1, rel=1e-4)
    assert collisions.spread_success(0.5, CAPTURE_DB) == collisions.aloha_success(0.5)
    assert collisions.repeated_success(0.5, [1, 2, 3]).tolist() == [0.5, 0.75, 0.875]
    assert collisions.half_duplex_success(0.5, 0.0, 3.0) == 1.0
    # Frames of no length hear the gateway's share of silence: 1 - busy, busy = 0.2 x 2 / (1 + 0.2 x 2).
    assert collisions.half_duplex_success(0.0, 0.2, 2.0) == pytest.approx(1 - 0.4 / 1.4)


def test_erlang():
    """B(1 erlang, 1) = 1/2, B(2, 2) = 2/5, and B(8, 8) = 0.2356 of every table."""
    found = [collisions.demodulator_success(*pair) for pair in ((1.0, 1), (2.0, 2), (8.0, 8))]
    assert found == pytest.approx([0.5, 0.6, 1 - 0.2356], abs=5e-5)
    assert collisions.demodulator_success(0.0) == 1.0


def test_bad_cells_are_named():
    cell = Cell(np.ones(2), np.ones(2), np.zeros(2), np.full(2, 7))
    assert 0 < predict_cell(cell).received < 1
    for change, message in (
        ({"power": np.zeros(3)}, "power: shape"),
        ({"rate": np.array([1.0, 0.0])}, "rate: .*0.0"),
        ({"airtime": np.array([1.0, np.nan])}, "airtime"),
        ({"factor": np.array([7, 13])}, "factor"),
        ({"channels": 0}, "channels: 0"),
        ({"transmissions": 0}, "transmissions: 0"),
        ({"demodulators": 0}, "demodulators: 0"),
        ({"downlinks": -1.0}, "downlinks"),
    ):
        with pytest.raises(ConfigError, match=message):
            predict_cell(cell._replace(**change))
