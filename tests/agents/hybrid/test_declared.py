"""What bounds and promises assume of a scenario: placements that serve dearer than repositories alone."""

import dataclasses

import numpy as np
import pytest

from agents.hybrid.declared import unproven_gains, unproven_moves
from experiments.training.play import open_agent
from idn_gym.evaluation.rollout import rollout
from idn_gym.objective_records import OBJECTIVE_RECORDS, OBJECTIVES, register_objective
from idn_gym.optimum.dynamic.played import sequence_costs
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.water import REFUSALS

WEIGHTS = [0.8, 0.2, 0.0, 0.0, 0.0]
"""Accuracy and latency: loads are free."""

EXITS = {"all": [(2, 1.0, 0.9)], "early": [(1, 1.0, 0.6), (2, 0.0, 0.9)]}
"""All of a model, or an exit that all inputs take after the first block, which is fast and less accurate."""

PRIVATE = {"serving.capacity": "exogenous", "serving.tariff": None, "horizon": 20, "scales.latency": 1.0}


def small_world(make_scenario, servers, device="unit", **changes):
    """An edge node that has room for the first block, and a repository with so many servers."""
    nodes = {
        "e": {"demand": 1.0, "memory": 3.0, "device": device},
        "c": {"device": "fast", "pins": ["all"], "servers": servers},
    }
    models = {"m": {"blocks": [(1.0, 2.0, 1.0), (10.0, 50.0, 0.0)], "input": 80.0, "points": EXITS}}
    tasks = [{"name": "t", "models": ["m"], "timeout": 6.0}]
    changes = {**PRIVATE, **changes}
    return make_scenario(nodes, [("e", "c", {"delay": 0.0})], models, changes, tasks=tasks, rate=10.0)


def slot_costs(scenario, weights):
    """Of a slot of the repositories alone, and with the first block on the edge node."""
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, [0], "test", weights)
    head = compiled.tables.pinned.copy()
    node, segment = compiled.pairs
    head[node[0], 0] = segment[0]
    return [float(sequence_costs(compiled, instance, wish)[-1]) for wish in (compiled.tables.pinned, head)]


def play_safe(scenario, weights):
    env, policy = open_agent(
        "hybrid-safe", scenario, [0], "test", weights, experts=["lru", "cloud-only"], rho=0.1
    )
    rollout(policy, env, [0])
    return policy


def test_nothing_is_promised_where_a_repository_can_be_full(make_scenario):
    """The exit is cheap for whom it serves, and keeps the edge node from what it would do for others."""
    world = small_world(make_scenario, 1.0)
    alone, head = slot_costs(world, WEIGHTS)
    assert head > alone + 0.1
    assert unproven_gains(compile_scenario(world), np.array(WEIGHTS)) == "a node that pins models can be full"
    with pytest.warns(UserWarning, match="finite compute"):
        policy = play_safe(world, WEIGHTS)
    assert not policy.proven and not policy.assumed.any() and policy.notes["dearer"] > 0
    assert policy.book.least[0] < 0.0


def test_placements_serve_no_dearer_where_repositories_are_never_full(make_scenario):
    world = small_world(make_scenario, float("inf"))
    alone, head = slot_costs(world, WEIGHTS)
    assert head <= alone
    policy = play_safe(world, WEIGHTS)
    assert policy.proven and policy.assumed.all() and policy.notes["dearer"] == 0


def test_nothing_is_promised_where_holding_a_model_draws_power(make_scenario):
    """Hardly anybody asks, so the power is lost; a preference without energy does not see it."""
    world = small_world(make_scenario, float("inf"), "holding", idle_energy=True, **{"workload.rate": 0.001})
    compiled, energy = compile_scenario(world), [0.1, 0.1, 0.7, 0.05, 0.05]
    assert unproven_gains(compiled, np.array(energy)) == "nodes draw power for holding models"
    assert unproven_gains(compiled, None) is not None and unproven_gains(compiled, np.array(WEIGHTS)) is None
    alone, head = slot_costs(world, energy)
    assert head > alone
    policy = play_safe(world, energy)
    assert not policy.proven and not policy.assumed.any()
    _, thrift = open_agent("thrifty", world, [0], "test", energy, experts=["lru"])
    assert not thrift.proven
    _, hedge = open_agent("hybrid-hedge", world, [0], "test", energy, experts=["lru", "popularity"])
    assert hedge.proven


def test_nothing_is_proven_where_an_objective_that_is_measured_has_weight(monkeypatch):
    world = load_scenario("adversary", {"horizon": 5})
    assert unproven_moves(compile_scenario(world), None) is None
    monkeypatch.setattr(OBJECTIVE_RECORDS, "_entries", dict(OBJECTIVE_RECORDS._entries))
    register_objective(dataclasses.replace(REFUSALS, share=0.5))
    compiled = compile_scenario(load_scenario("adversary", {"objectives": [*OBJECTIVES, "refusals"]}))
    weights = balanced_preference(compiled.objectives)
    assert unproven_moves(compiled, weights) == "the objective refusals is charged per slot"
    assert unproven_moves(compiled, None) is not None
    weights[-1] = 0.0
    assert unproven_moves(compiled, weights) is None and unproven_gains(compiled, weights) is None


def test_the_promise_is_proven_on_the_adversary():
    compiled = compile_scenario(load_scenario("adversary"))
    assert unproven_moves(compiled, None) is None and unproven_gains(compiled, None) is None
