import re
from pathlib import Path

import numpy as np
import pytest

from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.metrics import COLUMN, METRIC_RECORDS, METRICS, MetricTotals, compute_metrics
from idn_gym.rewards import compute_rewards
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS

TABLES = build_instance(PRESETS["tiny"], 0).tables


def make_outcome(**fields):
    """Zeros but for the fields given; two classes, three nodes, two links."""
    outcome = empty_outcome(TABLES, 1)
    for name, values in fields.items():
        getattr(outcome, name)[0] = values
    return outcome


def metrics_of(**fields):
    return dict(zip(METRICS, compute_metrics(TABLES, make_outcome(**fields), np.array([2]))[0], strict=True))


def test_means_are_per_request():
    metrics = metrics_of(
        arrived=[6.0, 2.0],
        served=[6.0, 1.0],
        correct=[3.0, 1.0],
        latency=[4.0, 8.0],
        energy=[16.0, 8.0],
        traffic=[40.0, 0.0],
        late=[0.0, 2.0],
        split=[4.0, 0.0],
        early=[0.0, 1.0],
        wait=[1.0, 2.5],
    )
    expected = {"requests": 8, "accuracy": 0.5, "latency": 1.5, "energy": 3, "traffic": 5, "drop_rate": 1 / 8}
    expected |= {"late_rate": 0.25, "split_rate": 0.5, "early_rate": 1 / 8, "clipped": 2, "wait": 0.5}
    assert {name: metrics[name] for name in expected} == expected


def test_what_was_spent_and_what_drops_add_are_told_apart():
    """One of four is dropped: its timeout is part of latency, its joules and byte-hops of the reward."""
    fields = {
        "arrived": [4.0, 0.0],
        "served": [3.0, 0.0],
        "latency": [3.0, 0.0],
        "energy": [6.0, 0.0],
        "traffic": [30.0, 0.0],
        "idle_energy": 10.0,
        "penalty": [[1.0, 5.0, 8.0, 20.0], [0.0] * 4],
    }
    metrics = metrics_of(**fields)
    expected = {"latency": 2.0, "energy": 4.0, "traffic": 7.5, "idle_energy": 10.0}
    expected |= {"penalty_latency": 1.25, "penalty_energy": 2.0, "penalty_traffic": 5.0}
    assert {name: metrics[name] for name in expected} == expected
    weights = np.full((1, 5), 0.2)
    vector, _ = compute_rewards(TABLES, make_outcome(**fields), weights, np.ones(5))
    reward = {"latency": 2.0, "energy": 4.0 + 2.0, "traffic": 7.5 + 5.0}
    found = -vector[0, 1:4] * TABLES.nominal_requests / 4.0
    np.testing.assert_allclose(found, list(reward.values()), rtol=1e-12)


def test_small_numbers_stay_small():
    metrics = metrics_of(arrived=[0.5, 0.0], served=[0.4, 0.0], latency=[0.1, 0.0], late=[0.2, 0.0])
    expected = {"requests": 0.5, "latency": 0.2, "drop_rate": 0.2, "late_rate": 0.4, "split_rate": 0.0}
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)


def test_totals_and_loads():
    limited = np.isfinite(TABLES.node_seconds)
    metrics = metrics_of(
        loaded=TABLES.nominal_memory / 4 * np.array([0.25, 0.75, 0.0]),
        refused=3,
        tariff_cost=TABLES.nominal_requests * 0.5,
        idle_energy=7.0,
        node_utilisation=np.where(limited, [0.5, 0.2, 0.0], 1e9),
        link_utilisation=[0.25, 0.75],
    )
    expected = {
        "update": 0.25,
        "refused": 3,
        "tariff_cost": 0.5,
        "idle_energy": 7,
        "node_load": 0.35,
        "node_load_max": 0.5,
        "link_load": 0.5,
        "link_load_max": 0.75,
    }
    assert limited.tolist() == [True, True, False]
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)


def test_a_slot_without_requests_has_means_of_zero():
    assert {name: value for name, value in metrics_of().items() if value} == {"clipped": 2}


def test_rewards_add_up_over_slots_whatever_the_demand():
    """The divisor is nominal, not what arrived: half the requests at the same quality earn half."""
    weights, scales = np.array([[0.2, 0.3, 0.1, 0.25, 0.15]]), np.array([0.5, 0.25, 2.0, 1e5, 0.1])
    n = TABLES.nominal_requests
    outcome = make_outcome(
        arrived=[n / 2, 0.0],
        correct=[n / 4, 0.0],
        latency=[n, 0.0],
        energy=[n * 2, 0.0],
        traffic=[n * 1e5, 0.0],
        idle_energy=n,
        loaded=TABLES.nominal_memory / 10 * np.array([0.25, 0.75, 0.0]),
    )
    vector, scalar = compute_rewards(TABLES, outcome, weights, scales)
    np.testing.assert_allclose(vector, [[0.25, -1.0, -3.0, -1e5, -0.1]])
    # error 0.5 - 0.25; the rest as in the vector, each over its scale
    cost = 0.2 * 0.25 / 0.5 + 0.3 * 1.0 / 0.25 + 0.1 * 3.0 / 2.0 + 0.25 * 1.0 + 0.15 * 1.0
    np.testing.assert_allclose(scalar, [-cost])


def test_slots_are_told_as_one():
    """Two slots of 2 and 6 requests; of the second half are served. Peaks are the highest."""
    slots = np.zeros((2, len(METRICS)))
    slots[:, COLUMN.requests] = 2.0, 6.0
    slots[:, COLUMN.latency] = 1.0, 3.0
    slots[:, COLUMN.wait] = 1.0, 0.5
    slots[:, COLUMN.drop_rate] = 0.0, 0.5
    slots[:, COLUMN.node_load] = 0.25, 0.75
    slots[:, COLUMN.node_load_max] = 0.9, 0.8
    for parts in ([slots], [slots[:1], slots[1:]]):
        totals = MetricTotals()
        for part in parts:
            totals.add(part)
        found = dict(zip(METRICS, totals.means(), strict=True))
        expected = {"requests": 4.0, "latency": 2.5, "wait": 0.7, "drop_rate": 0.375, "node_load": 0.5}
        assert {name: found[name] for name in expected} == pytest.approx(expected)
        assert found["node_load_max"] == 0.9


def test_the_page_lists_every_metric_as_it_is():
    page = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \| (\w+) \|$", page, re.MULTILINE)
    assert listed == [tuple(metric) for metric in METRIC_RECORDS]
