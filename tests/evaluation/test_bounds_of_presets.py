"""On every preset no policy, however cheap its placements, costs less than what is proven to be least."""

import numpy as np
import pytest

from experiments.training.play import open_agent
from idn_gym.core.slots import one_slot
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import METRICS
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.optimum.hindsight import best_static
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import QUICK_PRESETS

FEW = {"episodes": 1, "slots": 1}
POLICIES = {"cloud-only": {}, "random": {}, "popularity": {}, "lru": {}, "static-greedy": FEW}
FIRST = ("tiny", "edge-small", "solar-field")
"""Presets of three kinds: small, with splits and queues, with batteries; the others take minutes together."""
NAMES = [pytest.param(name, marks=[] if name in FIRST else [pytest.mark.long]) for name in QUICK_PRESETS]


def bounded(agents, scenario):
    """Without those that choose links, which the bounds do not: they know the links that nodes start with."""
    return [agent for agent in agents if agent != "random" or scenario.action != "association"]


@pytest.mark.parametrize("name", NAMES)
def test_no_policy_costs_less_than_the_least_of_each_slot(name):
    """What is best in each slot alone bounds whatever moves models between slots, loads left out."""
    pytest.importorskip("scipy")
    scenario = load_scenario(name, {"horizon": 2})
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, 0, "test", "balanced")
    slots = [one_slot(instance, np.array([t])) for t in range(scenario.horizon)]
    brackets = [best_static(compiled, slot, seconds=5.0, gap=0.5) for slot in slots]
    least, alone = (sum(getattr(bracket, key) for bracket in brackets) for key in ("least", "alone"))
    assert 0.0 < least < alone
    costs = {}
    for agent in bounded(POLICIES, scenario):
        env, policy = open_agent(agent, scenario, [0], "test", "balanced", **POLICIES[agent])
        played = rollout(policy, env, [0])
        env.close()
        tariff = played.metrics[0, :, list(METRICS).index("tariff_cost")]
        costs[agent] = float(tariff.sum()) * compiled.tables.nominal_requests
    assert costs["cloud-only"] == pytest.approx(alone)  # bounds and policies count alike
    assert min(costs.values()) >= least * (1.0 - 1e-9), costs


MOVERS = ("cloud-only", "random", "lru", "olag", "infida", "clairvoyant-greedy")


@pytest.mark.parametrize("name", NAMES)
def test_no_policy_scores_above_the_bound_on_all_sequences(name):
    """Scalar rewards, with the loads that the score charges; policies move models as they like."""
    pytest.importorskip("scipy")
    scenario = load_scenario(name, {"horizon": 6})
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, 0, "test", "balanced")
    bound = dynamic_bound(compiled, instance, seconds=60.0)
    assert 0.0 < bound.free <= bound.least * (1.0 + 1e-9)
    costs = {}
    for agent in bounded(MOVERS, scenario):
        env, policy = open_agent(agent, scenario, [0], "test", "balanced")
        costs[agent] = -float(rollout(policy, env, [0]).scalar[0].sum())
        env.close()
    assert min(costs.values()) >= bound.least * (1.0 - 1e-9), costs
