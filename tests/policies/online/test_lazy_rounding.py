"""Rounding again only after a drift: which nodes stay, what is loaded, and what fractions load."""

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym import make_policy, rollout
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.slots import one_slot
from idn_gym.core.transition import initial_state, step
from idn_gym.policy import Feedback
from idn_gym.scenarios.episodes import build_instance


def watch(learner, instance, slots):
    """Play; after each slot the placement asked for and the fractions, (slots + 1, ...) each."""
    now, memory, wishes, fractions = initial_state(instance), None, [], []
    for t in range(slots):
        wanted, memory = learner.predict(np.zeros((1, 1)), memory, np.full(1, t == 0))
        wishes.append(learner.wanted[0].copy())
        fractions.append(learner.fractional[0].copy())
        revealed, before = one_slot(instance, now.slot), now
        now, outcome = step(instance, now, Action(wanted))
        learner.update(Feedback(revealed, before, now, outcome))
    return np.array([*wishes, learner.wanted[0]]), np.array([*fractions, learner.fractional[0]])


@settings(max_examples=10)
@given(seed=st.integers(0, 2**16), drift=st.floats(0.02, 0.6), coupled=st.booleans())
def test_a_node_changes_only_once_its_fractions_have_drifted(seed, drift, coupled, cells, make_learner):
    scenario = cells(tasks=8, hold=3.5, horizon=25, **{"workload.popularity": {"kind": "uniform"}})
    learner = make_learner("infida", scenario, drift=drift, coupled=coupled, seed=seed)
    wishes, fractions = watch(learner, build_instance(scenario, seed), 25)
    polytope, last = learner.polytope, fractions[0]
    for t in range(1, 26):
        moved = (polytope.size * np.abs(fractions[t] - last)).sum() > drift * polytope.budget[0]
        if moved:
            last = fractions[t]
        else:
            np.testing.assert_array_equal(wishes[t], wishes[t - 1])


def test_no_drift_is_what_infida_plays_and_a_huge_one_stays_where_it_began(cells, play_learner):
    scenario = cells(tasks=12, hold=4.5, horizon=20)
    plain, none = (play_learner("infida-coupled", scenario, drift=d)[1] for d in (0.0, 1e-12))
    np.testing.assert_array_equal(plain, none)
    stuck = play_learner("infida", scenario, drift=3.0)[1]
    assert (stuck == stuck[0]).all() and (stuck[0, 0, 0] != EMPTY).any()


def test_lazy_rounding_loads_less_and_keeps_most_of_the_gain(cells, play_learner):
    sliding = {"workload.popularity": {"kind": "sliding", "shift": 3, "every": 20}, "workload.zipf": 1.2}
    scenario = cells(tasks=20, hold=5.5, horizon=100, **sliding)
    loaded, gain = {}, {}
    for name in ("infida", "infida-coupled", "infida-lazy"):
        _, wishes, gains, _ = play_learner(name, scenario, 2, scale=3.0)
        new = (wishes[1:] != wishes[:-1]) & (wishes[1:] != EMPTY)
        loaded[name], gain[name] = new.sum() * 10.0, gains.sum()
    assert loaded["infida-lazy"] < loaded["infida-coupled"] < loaded["infida"]
    assert loaded["infida-lazy"] < 0.5 * loaded["infida"]
    assert gain["infida-lazy"] > 0.95 * gain["infida-coupled"]


def test_what_fractions_load_is_counted_from_nothing_on(cells, make_learner):
    scenario = cells(tasks=6, hold=2.5, horizon=15)
    learner = make_learner("oga", scenario)
    _, fractions = watch(learner, build_instance(scenario, 3), 15)
    played = np.concatenate([np.zeros_like(fractions[:1]), fractions[:15]])
    rises = np.maximum(0.0, np.diff(played, axis=0))
    assert learner.fractional_loaded[0] == pytest.approx((rises @ learner.polytope.size).sum())
    learner.begin(np.ones(1, np.bool_))
    assert learner.fractional_loaded[0] == 0.0


def test_rollouts_tell_it_beside_update():
    env = gym.make_vec(
        "IDN-v0",
        num_envs=2,
        scenario="tiny",
        action="segments",
        preference="balanced",
        overrides={"horizon": 5},
    )
    played = rollout(make_policy("infida", env), env, seeds=[0, 1])
    rows = played.records()
    assert len(played.fractional_update) == 2 and all(row["fractional_update"] > 0.0 for row in rows)
    assert rollout(make_policy("lru", env), env, seeds=[0, 1]).records()[0]["fractional_update"] == 0.0


def test_drift_is_checked(cells, make_learner):
    with pytest.raises(ConfigError, match="drift"):
        make_learner("infida", cells(tasks=2, hold=1.0), drift=-0.1)
