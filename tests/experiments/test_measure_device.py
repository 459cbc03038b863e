"""Timings of a device are kept: what was measured once is not measured again, and nothing is lost."""

import json
from pathlib import Path

import pytest
import yaml

from experiments import measure_device
from experiments.lab.device_timings import DeviceTiming, read_timings, timings_file, write_timings
from experiments.measure_device import TIMED_NETWORKS, time_networks
from idn_gym.catalog import load_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.lab.profiling.timing import Protocol, Timing

ROW = {"name": "a", "layers": 1, "macs": 1, "low": 1.0, "median": 2.0, "high": 4.0, "attempts": 1}
WORDS = ["board", "--active-watts", "4", "--idle-watts", "1"]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine that takes 1 ms per million MACs, with spreads by network; also which networks it timed."""
    monkeypatch.chdir(tmp_path)
    spreads, timed = {}, []

    def times(names, protocol):
        for name in names:
            timed.append(name)
            if spreads.get(name) == "power cut":
                raise KeyboardInterrupt
            seconds = 1e-3 + 1e-9 * MACS[name][1]
            half = seconds * spreads.get(name, 0.0) / 2
            quartiles = (seconds - half, seconds + half)
            steady = 2 * half <= protocol.spread * seconds
            timing = Timing(seconds, quartiles, 1 if steady else 5, steady)
            yield DeviceTiming(name, *MACS[name], timing)

    monkeypatch.setattr(measure_device, "time_networks", times)
    return spreads, timed


MACS = {name: (5 + k, 10**6 * (1 + k * k)) for k, name in enumerate(TIMED_NETWORKS)}


def test_noisy_networks_are_named_in_the_end_and_alone_measured_again(machine, capsys):
    spreads, timed = machine
    spreads.update({"resnet18 at 64": 0.11, "resnet10 at 160": 0.25})
    with pytest.raises(SystemExit, match=r"resnet18 at 64 \(11%\), resnet10 at 160 \(25%\)\. board\.timings"):
        measure_device.main(WORDS)
    assert timed == list(TIMED_NETWORKS)
    timed.clear()
    spreads["resnet18 at 64"] = 0.05
    with pytest.raises(SystemExit, match=r"at most 10% .* more have: resnet10 at 160 \(25%\)"):
        measure_device.main(WORDS)
    assert timed == ["resnet18 at 64", "resnet10 at 160"]
    timed.clear()
    measure_device.main([*WORDS, "--spread", "0.3"])
    assert timed == [], "25 % are allowed now"
    assert "11 of 11 timings are those of board.timings" in capsys.readouterr().out
    assert load_catalog(("board.yaml",)).devices["board"].macs_per_second == pytest.approx(1e9, rel=0.01)


def test_of_two_noisy_timings_the_better_one_is_kept(machine):
    spreads, _ = machine
    for spread in (0.2, 0.15, 0.4):
        spreads["resnet18 at 64"] = spread
        with pytest.raises(SystemExit):
            measure_device.main(WORDS)
    kept = read_timings(timings_file(Path("board.yaml")), Protocol())
    assert kept["resnet18 at 64"].timing.spread == pytest.approx(0.15)


def test_what_was_measured_before_an_interruption_is_kept(machine):
    spreads, timed = machine
    third = list(TIMED_NETWORKS)[2]
    spreads[third] = "power cut"
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        measure_device.main(WORDS)
    timed.clear(), spreads.clear()
    measure_device.main(WORDS)
    assert timed == list(TIMED_NETWORKS)[2:]


def test_timings_of_other_circumstances_do_not_count(machine):
    _, timed = machine
    measure_device.main(WORDS)
    timed.clear()
    measure_device.main([*WORDS, "--threads", "2"])
    assert timed == list(TIMED_NETWORKS)
    path = timings_file(Path("board.yaml"))
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "processor": "abacus"}))
    assert read_timings(path, Protocol(threads=2)) == {}


def test_kept_timings_are_those_that_were_taken(tmp_path):
    path = timings_file(tmp_path / "board.json")
    protocol = Protocol(warmup=0, repeats=2, spread=1e9)
    rows = list(time_networks(["three tiers at 28"], protocol))
    write_timings(path, rows, protocol)
    assert list(read_timings(path, protocol).values()) == rows
    assert not read_timings(path, Protocol(warmup=0, repeats=2, spread=1e-12))[
        "three tiers at 28"
    ].timing.steady


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timings": [{**ROW, "low": 3.0}]}, r"timings\.0\.median: 2\.0 is not allowed; must be from low"),
        ({"timings": 3}, "must be a list"),
        ({"threads": "one"}, "threads: 'one' is not allowed"),
    ],
)
def test_a_file_of_something_else_is_refused(machine, change, message):
    measure_device.main(WORDS)
    path = timings_file(Path("board.yaml"))
    path.write_text(yaml.safe_dump({**json.loads(path.read_text()), **change}))
    with pytest.raises(ConfigError, match=message):
        read_timings(path, Protocol())
