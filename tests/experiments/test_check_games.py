"""The command that measures hedonic games: what it prints, what it writes, and the evidence it reports."""

import csv

import numpy as np
import pytest

from experiments import check_games as check
from idn_gym.evaluation.intervals import share_interval


def test_the_command_prints_and_writes(tmp_path, capsys):
    check.main(["--instances", "2", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    for word in ("30 x 4", "free", "together", "of 16 games", "potential off by", "[0.158, 1.000]"):
        assert word in printed
    assert "Speed" not in printed
    assert (tmp_path / "games.png").read_bytes().startswith(b"\x89PNG")
    with open(tmp_path / "cycles.csv") as file:
        assert len(list(csv.DictReader(file))) == 2 * len(check.CYCLE_SETTINGS)
    with open(tmp_path / "prices.csv") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * len(check.PRICE_LOADS)
    for line in lines:
        prices = [float(line[name]) for name in ("stability", "together", "anarchy")]
        assert 1.0 - 1e-9 <= prices[0] and prices == sorted(prices)


def test_an_instance_is_drawn_from_its_number():
    setting = check.GameSetting(5, 2, 0.4)
    assert check.cycle_line(setting, 3) == check.cycle_line(setting, 3) != check.cycle_line(setting, 4)
    assert check.price_line(0.4, 3) == check.price_line(0.4, 3)


def test_the_load_is_that_of_devices_spread_evenly():
    rng = np.random.default_rng(0)
    game = check.draw_game(check.GameSetting(6000, 3, 0.7), rng)
    load = game.radio.offered(np.arange(6000) % 3, np.arange(3))
    assert load[np.arange(6000), np.arange(6000) % 3] == pytest.approx(0.7, rel=0.05)


def test_a_run_of_a_thousand_devices_takes_little_per_move():
    *_, moves, seconds, _ = check.speed_row(1000, "gain above 0.001")
    # Measured: 0.3 ms; one that looks at all sites again takes 1 ms.
    assert int(moves) > 300 and float(seconds) < 0.003 * int(moves)


@pytest.mark.long
def test_crowding_makes_dynamics_return_and_most_runs_stop_all_the_same():
    free, *_, loaded, apart = (
        [check.cycle_line(setting, number) for number in range(100)] for setting in check.CYCLE_SETTINGS
    )
    came_back = [sum(line["came_back"] for line in lines) for lines in (free, apart, loaded)]
    assert came_back == sorted(came_back) and came_back[-1] > 15
    assert share_interval(sum(line["ending"] == "stopped" for line in loaded), 100).high > 0.9
    assert all(line["history_ending"] == "stopped" for lines in (free, loaded, apart) for line in lines)
