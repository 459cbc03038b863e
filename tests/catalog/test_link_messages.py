"""What messages take besides their bytes, by hand; and what a file of one's own is told about it."""

import dataclasses
import json

import pytest

from idn_gym.catalog import LinkKind, LoRaFrames, airtime_on, joules_on, load_catalog
from idn_gym.config_reader import ConfigError

FRAMES = LoRaFrames(
    factor=7, payload=222, duty=0.01, transmit_watts=0.132, frame_joules=0.02, sensitivity=-126.5
)
RADIO = LinkKind(name="radio", delay=1.0, rate=600.0, energy=0.0, lorawan=FRAMES)


def test_frames_take_airtime_and_energy():
    assert airtime_on(RADIO, [10, 222, 2_000]) == pytest.approx([0.061696, 0.368896, 3.3664])
    joules = joules_on(RADIO, [10, 2_000])
    assert joules == pytest.approx([0.061696 * 0.132 + 0.02, 3.3664 * 0.132 + 10 * 0.02])
    thrice = dataclasses.replace(RADIO, lorawan=dataclasses.replace(FRAMES, transmissions=3), wake_joules=0.5)
    assert airtime_on(thrice, 10) == pytest.approx(3 * 0.061696)
    assert joules_on(thrice, 10) == pytest.approx(0.5 + 3 * joules[0])


def test_other_links_take_what_waking_up_costs():
    wire = LinkKind(name="wire", delay=0.0, rate=1.0, energy=1.0, wake_joules=0.25)
    assert airtime_on(wire, [1, 2]).tolist() == [0.0, 0.0]
    assert joules_on(wire, [1, 2]).tolist() == [0.25, 0.25]


@pytest.mark.parametrize("factor", range(7, 13))
def test_rate_and_delay_of_a_shipped_radio_give_the_time_of_a_frame(factor):
    """To a group of symbols, for all that fits into one frame; an answer follows after a second."""
    kind = load_catalog().links[f"lora_sf{factor}_eu868"]
    answer = kind.delay - float(airtime_on(kind, 0))
    assert 1.0 < answer < 1.001 + float(airtime_on(kind, 10))
    group = 5 * 2**factor / 125e3
    for size in range(0, kind.lorawan.payload + 1, 7):
        seconds = kind.delay - answer + size / kind.rate
        assert abs(seconds - float(airtime_on(kind, size))) < group


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factor": 13}, r"links.0.lorawan.factor: 13 is not allowed"),
        ({"payload": 0}, r"links.0.lorawan.payload: 0"),
        ({"duty": 1.5}, r"links.0.lorawan.duty: 1.5"),
        ({"transmissions": 0}, r"links.0.lorawan.transmissions: 0"),
        ({"colour": 1}, r"links.0.lorawan.colour"),
    ],
)
def test_bad_radios_are_named(tmp_path, change, message):
    row = {"name": "mine", "delay": 1.0, "rate": 1.0, "energy": 0.0}
    row["lorawan"] = dataclasses.asdict(FRAMES) | change
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"links": [row]}))
    with pytest.raises(ConfigError, match=message):
        load_catalog((str(path),))
