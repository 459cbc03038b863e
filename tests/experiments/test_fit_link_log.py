"""The fit of links to logs finds what generated them."""

import math

import numpy as np
import pytest

from experiments import fit_link_log as fit
from idn_gym.config_reader import ConfigError


def swings(slots, memory, sigma, seed):
    rng = np.random.default_rng(seed)
    x = np.zeros(slots)
    for t in range(1, slots):
        x[t] = memory * x[t - 1] + math.sqrt(1 - memory**2) * rng.normal()
    return np.exp(sigma * x)


def test_an_autoregression_is_found_again_whatever_the_means_of_its_logs():
    logs = [scale * swings(4000, 0.6, 0.5, seed) for seed, scale in enumerate((1.0, 50.0))]
    found = fit.fit_links(logs, 0.01)
    assert found.memory == pytest.approx(0.6, abs=0.04) and found.sigma == pytest.approx(0.5, abs=0.03)
    assert (found.slots, found.down, found.mean_up) == (8000, 0.0, math.inf) and math.isnan(found.mean_down)


def test_outages_are_counted_and_left_out_of_swings():
    found = fit.fit_links([np.array([1.0, 1, 0, 0, 1, 1, 1, 0, 1, 1]), np.ones(5)], 0.05)
    # two falls in 10 slots that are up and have a next one in their log; spells of two slots and of one
    assert found.mean_up == pytest.approx(5.0) and found.mean_down == pytest.approx(1.5)
    assert found.down == pytest.approx(3 / 15) and found.sigma == 0.0 and math.isnan(found.memory)


def test_the_command_reads_logs_by_path(tmp_path, capsys):
    for name, rates in (("a", (10, 30)), ("b", (1, 3))):
        rows = [f"2020.01.01_00.00.{s:02d},{rates[s >= 20]}" for s in range(41)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["Timestamp,DL_bitrate", *rows]) + "\n")
    paths = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    fit.main([*paths, "--slot-seconds", "20"])
    everything, first, second = capsys.readouterr().out.splitlines()[1:]
    assert everything.split()[:4] == ["20", "all", "4", "11"] and first.split()[3] == "20"
    assert second.split()[4] == f"{math.log(3) / 2:.3g}"
    with pytest.raises(ConfigError, match=r"UL_bitrate.*DL_bitrate"):
        fit.read_slots(paths[0], "Timestamp", "UL_bitrate", 20.0)
    with pytest.raises(ConfigError, match="slot-seconds: 60 is not allowed"):
        fit.read_slots(paths[0], "Timestamp", "DL_bitrate", 60.0)
