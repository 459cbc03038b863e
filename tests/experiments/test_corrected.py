"""Intervals that hold for all agents of a part together."""

import csv

import pytest
import yaml
from scipy.stats import t

from experiments import study

AGENTS = ("cloud-only", "popularity", "lru", "lfu")


def test_corrected_intervals_are_as_wide_as_all_comparisons_together_need(tmp_path):
    """By Bonferroni: with m agents beside the reference, each interval has a confidence of 1 - 0.05 / m."""
    part = {"name": "p", "scenario": "tiny", "overrides": {"horizon": 4}, "seeds": 3}
    plain = {"name": "s", "title": "s", "about": "s", "reference": "popularity", "figures": []}
    plain["parts"] = [{**part, "agents": [{"agent": name} for name in AGENTS[1:]]}]
    widths = []
    for corrected in (False, True):
        file = tmp_path / "s.yaml"
        file.write_text(yaml.safe_dump({**plain, "corrected": corrected}))
        study.main([str(file), "--out", str(tmp_path / "out"), "--workers", "1"])
        rows = list(csv.DictReader((tmp_path / "out" / "table.csv").open()))
        assert {row["agent"] for row in rows} == set(AGENTS)
        others = [row for row in rows if row["agent"] != "popularity"]
        widths.append([float(row["cost_increase_high"]) - float(row["cost_increase_low"]) for row in others])
        told = "hold for all agents of a part together" in (tmp_path / "out" / "report.html").read_text()
        assert told == corrected
    ratio = t.ppf(1.0 - 0.025 / 3, 2) / t.ppf(0.975, 2)
    assert widths[1] == pytest.approx([ratio * width for width in widths[0]])
    assert min(widths[0]) > 0.0
