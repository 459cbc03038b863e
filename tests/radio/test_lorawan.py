"""Frames of LoRaWAN: the published test vector, tables worked out elsewhere, and what holds in general."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.radio import lorawan
from idn_gym.radio.lorawan import FACTORS, FRAME_OVERHEAD, RATE_OF_FACTOR

PAYLOAD = np.array([RATE_OF_FACTOR[factor].repeated_payload for factor in FACTORS])


def test_the_published_vector():
    assert lorawan.time_on_air(12, 9) == pytest.approx(0.144384, abs=1e-12)


def test_times_on_air_by_factor():
    """Full frames behind a repeater, and 10 bytes of the application."""
    full, answer = (
        lorawan.message_frames(PAYLOAD, FACTORS, PAYLOAD),
        lorawan.message_frames(10, FACTORS, PAYLOAD),
    )
    assert full.airtime * 1e3 == pytest.approx([368.896, 655.872, 676.864, 698.368, 1560.576, 2793.472])
    assert answer.airtime * 1e3 == pytest.approx([61.696, 113.152, 205.824, 370.688, 823.296, 1482.752])
    assert (full.frames == 1).all() and (answer.frames == 1).all()
    hourly = 3600 * 0.01 / full.airtime * PAYLOAD
    assert hourly == pytest.approx([21_665, 12_185, 6_116, 2_629, 1_176, 657], abs=0.5)


@pytest.mark.parametrize(
    ("size", "factor", "airtime", "hours"),
    [(2_000, 7, 3.4, 0.093), (2_000, 12, 110.0, 3.03), (25_000, 7, 41.6, 1.15), (25_000, 12, 1370.0, 38.0)],
)
def test_long_messages(size, factor, airtime, hours):
    payload = RATE_OF_FACTOR[factor].repeated_payload
    assert lorawan.message_frames(size, factor, payload).airtime == pytest.approx(airtime, rel=0.01)
    assert lorawan.message_seconds(size, factor, payload) / 3600 == pytest.approx(hours, rel=0.01)


@pytest.mark.parametrize("factor", FACTORS)
def test_fragments_are_full_frames_and_a_rest(factor):
    payload = RATE_OF_FACTOR[factor].payload
    sizes = np.array([0, 1, payload, payload + 1, 3 * payload, 3 * payload + 7])
    found = lorawan.message_frames(sizes, factor, payload)
    assert found.frames.tolist() == [1, 1, 1, 2, 3, 4]
    full, seven = (float(lorawan.time_on_air(size + FRAME_OVERHEAD, factor)) for size in (payload, 7))
    assert found.airtime[4:] == pytest.approx([3 * full, 3 * full + seven])
    assert found.airtime[0] == lorawan.time_on_air(FRAME_OVERHEAD, factor) < found.airtime[2]


def test_slow_symbols_have_fewer_bits_in_each():
    """Low data rate optimisation: at 250 kHz SF11 has symbols below 16 ms, and so needs fewer of them."""
    narrow, wide = lorawan.time_on_air(64, 11, 125e3), lorawan.time_on_air(64, 11, 250e3)
    symbols = np.array([narrow / lorawan.symbol_seconds(11), wide / lorawan.symbol_seconds(11, 250e3)])
    assert symbols - 20.25 == pytest.approx([5 * 15, 5 * 12])


def test_a_band_is_closed_for_the_rest_of_the_period():
    assert lorawan.silence(0.5, 0.01) == pytest.approx(49.5)
    assert [lorawan.sub_band(f).duty for f in (868.1e6, 868.5e6, 869.525e6, 868.8e6)] == [
        0.01,
        0.01,
        0.1,
        0.001,
    ]
    with pytest.raises(ConfigError, match=r"frequency: 868650000.0 is not allowed"):
        lorawan.sub_band(868.65e6)


def test_energy_of_a_frame_by_hand():
    """SF7, 61.696 ms at 132 mW; 4.2 mW until 2 s; 8 symbols of 1.024 and of 32.768 ms at 33.6 mW."""
    spent = lorawan.frame_energy(0.061696, 7, period=100.0)
    assert spent.transmit == pytest.approx(0.061696 * 0.132)
    assert spent.standby == pytest.approx((2.0 - 0.008192) * 0.0042)
    assert spent.listen == pytest.approx((0.008192 + 0.262144) * 0.0336)
    assert spent.sleep == pytest.approx((100.0 - 0.061696 - 2.0 - 0.262144) * 4.5e-6)
    assert spent.total == spent.transmit + spent.standby + spent.listen + spent.sleep
    answered = lorawan.frame_energy(0.061696, 7, answer=0.05)
    assert (answered.standby, answered.listen) == pytest.approx((0.0042, 0.05 * 0.0336))


def test_answers_come_after_the_window_opens_and_carry_no_checksum():
    assert lorawan.answer_seconds(10, 9) == pytest.approx(1.0 + float(lorawan.time_on_air(23, 9, crc=False)))
    assert lorawan.time_on_air(20, 7, crc=False) < lorawan.time_on_air(20, 7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lorawan.time_on_air(-1, 7), "size: "),
        (lambda: lorawan.time_on_air(np.nan, 7), "size: "),
        (lambda: lorawan.time_on_air(1, 6), "factor: 6"),
        (lambda: lorawan.time_on_air(1, 7, coding=0), "coding: 0"),
        (lambda: lorawan.message_frames(1, 7, 0), "payload: 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
