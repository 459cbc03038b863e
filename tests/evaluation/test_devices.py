"""How evenly devices are served, and for how long their batteries last."""

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idn_gym
from idn_gym.evaluation.devices import DeviceLog, jain_index
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.tables import comparison_table
from idn_gym.policies.compare import compare
from idn_gym.scenarios.compile import compile_scenario

SHARES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8).map(np.array)


def test_jains_index_by_hand():
    assert jain_index(np.array([0.5, 0.5, 0.5])) == pytest.approx(1.0)
    assert jain_index(np.array([1.0, 0.0, 0.0, 0.0])) == pytest.approx(0.25)
    assert jain_index(np.array([1.0, 0.5])) == pytest.approx(2.25 / (2 * 1.25))
    assert jain_index(np.zeros(3)) == jain_index(np.zeros(0)) == 1.0


@given(SHARES, st.integers(1, 5), st.floats(0.1, 10.0))
def test_it_lies_between_one_of_all_and_one(shares, copies, factor):
    found = jain_index(shares)
    assert 1.0 / len(shares) - 1e-9 <= found <= 1.0 + 1e-9
    assert jain_index(shares, np.full(len(shares), float(copies))) == pytest.approx(found)
    assert jain_index(np.repeat(shares, copies)) == pytest.approx(found)
    if shares.max() > 1e-100:
        assert jain_index(factor * shares) == pytest.approx(found)


def test_a_cohort_counts_as_its_devices(make_scenario):
    """Two devices are served in full and one not at all, 2^2 / (3 x 2); who asks for nothing is left out."""
    model = {"blocks": [(0.1, 10.0, 0.0)]}
    nodes = {
        **{"two": {"demand": 1.0, "count": 2}, "one": {"demand": 1.0}, "idle": {"demand": 1.0}},
        "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
    }
    scenario = make_scenario(nodes, [(name, "c", {}) for name in ("two", "one", "idle")], {"x": model})
    log = DeviceLog(compile_scenario(scenario), 1)
    for served in (3.0, 1.0):
        log.note(
            SimpleNamespace(
                arrived=np.array([[served, 5.0, 0.0]]),
                served=np.array([[served, 0.0, 0.0]]),
                drawn=np.zeros((1, 0)),
            )
        )
    assert log.fairness() == (pytest.approx(4.0 / 6.0),)


STOCKED = {
    "topology.nodes.0.battery": {"capacity": 2000.0, "start": 0.5},
    "topology.nodes.1.battery": {"capacity": 90000.0},
}


def test_a_rollout_says_what_infos_say():
    env = gym.make_vec(
        "IDN-v0", num_envs=2, scenario="tiny", overrides=STOCKED, preference="balanced", action="change"
    )
    policy = idn_gym.make_policy("nothing", env)
    played = rollout(policy, env, [0, 1])
    records = played.records()
    state = env.unwrapped.simulation.state
    seconds = state.lasted * env.unwrapped.scenario.slot_seconds
    assert [row["lifetime"] for row in records] == seconds.tolist()
    assert 0.0 < seconds.max() < 48 * 600.0  # the board runs empty
    assert [row["fairness"] for row in records] == [1.0, 1.0]  # one device


def test_tables_show_them_where_they_say_something():
    changed = compare("tiny", ["cloud-only"], seeds=1, overrides={"horizon": 4, **STOCKED})
    plain = compare("tiny", ["cloud-only"], seeds=1, overrides={"horizon": 4, "workload.rate": 0.1})
    assert "lifetime [h]" in comparison_table(changed.rows, "seed 0")
    text = comparison_table(plain.rows, "seed 0")
    assert "lifetime" not in text and "fairness" not in text
    assert "lifetime" not in plain.rows[0].metrics and plain.rows[0].metrics["fairness"] == 1.0


def test_airtime_is_what_frames_take_on_the_air(make_scenario):
    """Messages of 10 bytes at SF7 take 61.696 ms; nothing else has a duty cycle."""
    nodes = {"d": {"demand": 1.0, "servers": 1.0}, "g": {}, "c": {"pins": ["all"], "servers": float("inf")}}
    links = [("d", "g", {"link": "lora_sf7_eu868"}), ("g", "c", {"rate": 1e9})]
    model = {"m": {"blocks": [(0.001, 40.0, 0.0)], "input": 10.0}}
    changes = {"topology.radio.demodulators": 0, "serving.queueing": "none", "tasks.0.timeout": 60.0}
    scenario = make_scenario(nodes, links, model, changes, rate=0.05)
    env = gym.make_vec("IDN-v0", num_envs=1, scenario=scenario, preference="balanced", action="change")
    record = rollout(idn_gym.make_policy("nothing", env), env, [0]).records()[0]
    assert record["airtime"] == pytest.approx(0.061696, rel=1e-4)
    assert "airtime" not in compare("tiny", ["cloud-only"], seeds=1, overrides={"horizon": 2}).rows[0].metrics
