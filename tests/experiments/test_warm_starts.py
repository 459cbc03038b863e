"""What warm starts gain: the table, its file, and when an even start is level."""

import csv

import numpy as np
import pytest

from experiments import warm_starts
from experiments.warm_starts import level_from
from idn_gym.config_reader import ConfigError

TINY = ("infida", "--scenario", "tiny", "--seeds", "2", "--first", "3", "horizon=8")


def test_the_table_and_the_file(tmp_path, capsys):
    warm_starts.main([*TINY, "--out", str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert all(f" {start} " in text for start in ("even", "static-greedy", "last", "peers"))
    rows = list(csv.DictReader((tmp_path / "out" / "warm-starts.csv").open()))
    assert len(rows) == 4 * 2 * 8
    cost = {
        start: [float(row["cost"]) for row in rows if row["start"] == start] for start in ("even", "last")
    }
    assert cost["even"] != cost["last"]
    assert f"{np.mean(cost['last']):.4f}" in text


def test_an_even_start_is_level_where_nothing_is_proven_any_more():
    noise = np.random.default_rng(0).normal(0.0, 0.01, (2, 6, 20))
    even = 1.0 + noise[0]
    warm = even - np.where(np.arange(20) < 8, 0.5, 0.0) + noise[1]
    assert 6 <= level_from(warm, even, 2) <= 8
    assert level_from(even - 0.5 + noise[1], even, 2) == 20


def test_more_first_slots_than_slots_are_refused():
    with pytest.raises(ConfigError, match=r"^--first: 9 is not allowed; must be at most 8"):
        warm_starts.WarmStartsCommand(
            agents=("infida",), scenario="tiny", first=9, changes=("horizon=8",)
        ).run()


def test_a_policy_without_starts_is_refused():
    with pytest.raises(ConfigError, match="start"):
        warm_starts.WarmStartsCommand(agents=("lru",), scenario="tiny", first=3, changes=("horizon=8",)).run()
