"""The bracket of the best sequence: never worse than what was played, nor than the best placement kept."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.wishes import wishes
from idn_gym.optimum.dynamic import lower_end
from idn_gym.optimum.dynamic.bracket import dynamic_bracket
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.optimum.dynamic.lower_end import find_sequence
from idn_gym.optimum.dynamic.played import sequence_costs
from idn_gym.optimum.schedule import all_placements
from idn_gym.policies.registry import make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.conftest import QUICK_PRESETS

FEW = CandidateConfig(pieces=2, slots=2)


@pytest.mark.parametrize("preset", sorted(QUICK_PRESETS))
@pytest.mark.parametrize(("agent", "codec"), [("lru", "segments"), ("random", "scores")])
def test_recorded_wishes_cost_what_they_did(preset, agent, codec):
    scenario, seeds = load_scenario(preset, {"horizon": 12}), [5, 6]
    env = IDNVectorEnv(2, scenario=scenario, action=codec, preference="balanced", split="test")
    played = rollout(make_policy(agent, env), env, seeds, wishes=True)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, seeds, "test")
    for b in range(2):
        asked = wishes(played.wishes[b], 12, compiled.tables.pinned.shape)
        costs = sequence_costs(compiled, instance, asked, b)
        np.testing.assert_allclose(costs, -played.scalar[b], rtol=1e-9)


@settings(max_examples=8)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_nothing_that_is_known_costs_less(data, seed, worlds, make_scenario):
    compiled = compile_scenario(make_scenario(**data.draw(worlds)))
    instance = build_instance(compiled.scenario, [seed, seed + 1])
    rng, shape = np.random.default_rng(seed), compiled.tables.pinned.shape
    known = np.broadcast_to(compiled.tables.pinned, (compiled.scenario.horizon, *shape)).copy()
    for v, s in np.argwhere(compiled.placeable):
        known[rng.random(len(known)) < 0.3, v, compiled.tables.segment_model[s]] = s
    bracket = dynamic_bracket(compiled, instance, 1, seconds=1.0, played=[known], config=FEW)
    assert bracket.reached == pytest.approx(sequence_costs(compiled, instance, bracket.sequence, 1).sum())
    assert bracket.static == pytest.approx(sequence_costs(compiled, instance, bracket.placement, 1).sum())
    rounding = 1.0 + 1e-9
    assert (
        bracket.reached <= min(bracket.static, sequence_costs(compiled, instance, known, 1).sum()) * rounding
    )
    assert bracket.static <= sequence_costs(compiled, instance, compiled.tables.pinned, 1).sum() * rounding
    lower, upper = bracket.headroom
    assert -1e-9 <= lower <= upper <= 1.0 and bracket.least <= bracket.reached
    assert 0.0 <= bracket.gap <= 1.0


@pytest.fixture
def turns(make_scenario):
    """One board with room for one of two models, whose tasks take turns of six slots."""
    nodes = {"board": {"memory": 10.0, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    models = {f"m{k}": {"blocks": [(0.1, 10.0, 0.0)], "task": f"t{k}"} for k in range(2)}
    tasks = [{"name": f"t{k}", "models": [f"m{k}"], "timeout": 100.0} for k in range(2)]
    overrides = {"horizon": 24, "workload.popularity": {"kind": "alternating", "period": 12}}
    return make_scenario(nodes, [("board", "cloud", {"rate": 16.0})], models, overrides, tasks)


def test_a_world_in_which_moving_pays_is_seen_to(turns):
    compiled, instance = compile_scenario(turns), build_instance(turns, [0])
    found = find_sequence(compiled, instance, config=CandidateConfig(pieces=4))
    kept = min(sequence_costs(compiled, instance, p).sum() for p in all_placements(compiled))
    assert found.static == pytest.approx(kept)
    assert found.reached < 0.9 * kept and not found.late
    assert len(np.unique(found.sequence, axis=0)) == 2


def test_a_sequence_that_is_known_is_kept_though_there_is_no_time(turns):
    compiled, instance = compile_scenario(turns), build_instance(turns, [0])
    good = find_sequence(compiled, instance, config=CandidateConfig(pieces=4))
    alone = find_sequence(compiled, instance, seconds=0.0)
    told = find_sequence(compiled, instance, seconds=0.0, played=[good.sequence])
    assert alone.late and told.late and alone.reached > told.reached
    assert told.reached == pytest.approx(good.reached) and told.static >= good.static * (1.0 - 1e-9)


def test_what_is_found_does_not_depend_on_the_machine(turns, monkeypatch):
    """A search without time to end finds the same where each look at the processor's clock takes a minute."""
    compiled, instance = compile_scenario(turns), build_instance(turns, [0])
    found = find_sequence(compiled, instance, seconds=0.01)
    slow = itertools.count(0.0, 60.0)
    monkeypatch.setattr(time, "process_time", lambda: next(slow))
    again = find_sequence(compiled, instance, seconds=0.01)
    assert found.late and again.late and again.seconds > 50.0
    np.testing.assert_array_equal(again.sequence, found.sequence)
    np.testing.assert_array_equal(again.placement, found.placement)


def test_a_search_that_left_something_out_is_late(turns, monkeypatch):
    """Pieces that nobody looked at, though all that came after them ended by itself and in time."""
    compiled, instance = compile_scenario(turns), build_instance(turns, [0])
    monkeypatch.setattr(lower_end, "SEARCHING", 0.0)
    found = find_sequence(compiled, instance, seconds=1000.0)
    assert found.late and found.seconds < 500.0


def test_placements_of_long_sequences_do_not_take_all_the_time(turns, monkeypatch):
    """What is kept is looked at until a share of the time is over; the pins and constant sequences always."""
    compiled, instance = compile_scenario(turns), build_instance(turns, [0])
    placements = all_placements(compiled)
    kept = min(placements, key=lambda one: sequence_costs(compiled, instance, one).sum())
    moving = np.stack([placements[t % len(placements)] for t in range(24)])
    constant = np.broadcast_to(kept, moving.shape)
    monkeypatch.setattr(lower_end, "TRYING", 0.0)
    found = find_sequence(compiled, instance, seconds=1000.0, played=[moving, constant])
    assert found.late
    assert found.static <= sequence_costs(compiled, instance, kept).sum() * (1.0 + 1e-9)
