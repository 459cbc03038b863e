import numpy as np
import pytest

from idn_gym.core.workspace import empty_outcome
from idn_gym.metrics import METRICS, compute_metrics
from idn_gym.objectives import compute_rewards
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
    )
    expected = {"requests": 8, "accuracy": 0.5, "latency": 1.5, "energy": 3, "traffic": 5, "drop_rate": 1 / 8}
    expected |= {"late_rate": 0.25, "split_rate": 0.5, "early_rate": 1 / 8, "clipped": 2}
    assert {name: metrics[name] for name in expected} == expected


def test_small_numbers_stay_small():
    metrics = metrics_of(arrived=[0.5, 0.0], served=[0.4, 0.0], latency=[0.1, 0.0], late=[0.2, 0.0])
    expected = {"requests": 0.5, "latency": 0.2, "drop_rate": 0.2, "late_rate": 0.4, "split_rate": 0.0}
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)


def test_totals_and_loads():
    nominal = TABLES.node_seconds[0]
    metrics = metrics_of(
        loaded=TABLES.nominal_memory / 4,
        refused=3,
        tariff_cost=TABLES.nominal_requests * 0.5,
        idle_energy=7.0,
        busy=[nominal / 2, 0.0, 1e9],
        carried=TABLES.link_rate * TABLES.slot_seconds * [0.25, 0.75],
    )
    expected = {
        "update": 0.25,
        "refused": 3,
        "tariff_cost": 0.5,
        "idle_energy": 7,
        "node_load": 0.5,
        "link_load": 0.75,
    }
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
        loaded=TABLES.nominal_memory / 10,
    )
    vector, scalar = compute_rewards(TABLES, outcome, weights, scales)
    np.testing.assert_allclose(vector, [[0.25, -1.0, -3.0, -1e5, -0.1]])
    # error 0.5 - 0.25; the rest as in the vector, each over its scale
    cost = 0.2 * 0.25 / 0.5 + 0.3 * 1.0 / 0.25 + 0.1 * 3.0 / 2.0 + 0.25 * 1.0 + 0.15 * 1.0
    np.testing.assert_allclose(scalar, [-cost])
