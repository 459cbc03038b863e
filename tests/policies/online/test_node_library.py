"""Node by node, a library covers combinations that none of its placements has."""

from dataclasses import replace

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

EDGES = ("east", "west")


@pytest.fixture(scope="module")
def two_edges(make_scenario):
    """Two tasks take turns at two edges alike, each with room for one model; loads are all but free."""
    models = {f"m{k}": {"blocks": [(0.1, 10.0, 0.0)], "task": f"t{k}"} for k in range(2)}
    return make_scenario(
        nodes={
            **{name: {"memory": 10.0, "demand": 1.0} for name in EDGES},
            "cloud": {"pins": ["all"], "servers": float("inf")},
        },
        links=[(name, "cloud", {}) for name in EDGES],
        models=models,
        overrides={
            "serving.capacity": "exogenous",
            "serving.loading": "instant",
            "serving.tariff": None,
            "workload.popularity": {"kind": "round_robin", "hold": 4},
            "scales.update": 1e3,
            "horizon": 8,
        },
    )


def unlike(scenario):
    """The training episode 0, but for the demand of the second edge, which comes half a cycle later."""
    instance = build_instance(scenario, 0)
    names = compile_scenario(scenario).names
    west = [i for i, name in enumerate(names.classes) if "west" in name]
    instance.draw.demand[0][:, west] = np.roll(instance.draw.demand[0][:, west], 4, axis=0)
    return instance


def held(scenario, placements):
    """Tasks (T, 2) that east and west hold, -1 for none."""
    names = compile_scenario(scenario).names
    rows = placements[:, 0, [names.nodes.index(name) for name in EDGES]] != EMPTY
    return np.where(rows.any(axis=2), rows.argmax(axis=2), -1)


def test_edges_that_need_unlike_things_get_them(two_edges, make_learner, drive):
    instance, found = unlike(two_edges), {}
    for name in ("library", "library-by-node"):
        learner = make_learner(name, two_edges, hysteresis=0.0)
        both = {tuple(row) for row in held(two_edges, learner.library[:, None])}
        assert both <= {(-1, -1), (0, 0), (1, 1)}  # edges were alike in training
        found[name] = held(two_edges, drive(learner, instance)[0])
    whole, by_node = found["library"][1:], found["library-by-node"][1:]
    assert (whole[:, 0] == whole[:, 1]).all()
    assert (by_node >= 0).all() and (by_node[:, 0] != by_node[:, 1]).all()
    assert set(by_node[:, 0]) == {0, 1}


@pytest.mark.parametrize(("update", "hysteresis"), [(1e3, 0.999), (1e-9, 0.0)])
def test_nothing_moves_where_moving_never_pays(update, hysteresis, two_edges, make_learner, drive):
    scenario = replace(two_edges, scales=replace(two_edges.scales, update=update))
    learner = make_learner("library-by-node", scenario, hysteresis=hysteresis)
    assert (held(scenario, drive(learner, unlike(scenario))[0]) == -1).all()
