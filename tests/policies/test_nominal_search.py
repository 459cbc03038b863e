"""The placement of the nominal slot is the best of all that fit, and needs nothing that it holds in vain."""

import numpy as np
import pytest

from idn_gym.core.costs import serving_cost
from idn_gym.evaluation.fluid_ranking import list_placements
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.policies.heuristics.nominal_search import best_at_nominal
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"serving.capacity": "exogenous", "serving.loading": "instant"},
        {"serving.tariff": {"energy": 1.0}},
    ],
)
def test_it_is_the_cheapest_of_all(changes):
    compiled = compile_scenario(load_scenario("tiny", changes))
    instance, placement = best_at_nominal(compiled, SearchConfig(restarts=20))
    choices = list_placements(instance, compiled.placeable, instance.tables.pinned)
    least = min(serving_cost(instance, 0, choice) for choice in choices)
    assert serving_cost(instance, 0, placement) == pytest.approx(least, rel=1e-9)
    for v, m in np.argwhere(placement != instance.tables.pinned):
        without = placement.copy()
        without[v, m] = instance.tables.pinned[v, m]
        assert serving_cost(instance, 0, without) > serving_cost(instance, 0, placement)


def test_what_takes_long_to_load_is_no_worse(make_scenario):
    """A load of four slots is not counted in the one that is looked at; a search over episodes counts it."""
    nodes = {"board": {"memory": 100.0, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    models = {"m": {"blocks": [(0.01, 100.0, 0.0)]}}
    changes = {"serving.loading": "transfer", "serving.capacity": "shared"}
    scenario = make_scenario(nodes, [("board", "cloud", {"rate": 4.0})], models, changes)
    instance, placement = best_at_nominal(compile_scenario(scenario), SearchConfig(restarts=1))
    assert placement[0, 0] >= 0 and instance.draw.demand.shape[:2] == (1, 1)


def test_segments_are_no_larger_than_they_need_be():
    """Boards send the tail on, so that none of them holds the whole net, which would cost the same."""
    compiled = compile_scenario(load_scenario("edge-small"))
    _, placement = best_at_nominal(compiled, SearchConfig(restarts=20))
    held = [compiled.names.segments[s] for s in placement[:4].ravel() if s >= 0]
    assert held == 4 * ["efficientnet_b0[0:2]"]
