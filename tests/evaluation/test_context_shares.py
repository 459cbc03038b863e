"""Costs as shares of a reference's, scenario by scenario."""

import numpy as np
import pytest

from idn_gym.evaluation.context_shares import context_rows


def test_every_scenario_counts_alike():
    reference = np.array([1.0, 100.0])
    costs = {"greedy": reference, "half of the small one": np.array([0.5, 100.0])}
    one, other = context_rows("topology", costs, {"greedy": reference})
    assert one.shares["greedy"].estimate == 1.0 and one.ahead["greedy"] == 0.0
    assert other.shares["greedy"].estimate == pytest.approx(0.75)
    assert other.ahead["greedy"] == 0.5 and other.cost.estimate == pytest.approx(50.25)
    low, high = other.shares["greedy"].low, other.shares["greedy"].high
    assert low < 0.75 < high and other.held_out == "topology"


def test_references_that_cost_nothing_have_no_share():
    costs = {"mine": np.array([1.0, 2.0])}
    (row,) = context_rows("all", costs, {"free": np.array([0.0, 1.0]), "dear": np.array([2.0, 2.0])})
    assert np.isnan(row.shares["free"].estimate)
    assert row.shares["dear"].estimate == pytest.approx(0.75) and row.ahead["dear"] == 0.5
