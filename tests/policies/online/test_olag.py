"""OLAG against a plain version of itself, and small cases worked out by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs
from idn_gym.optimum.prefixes import PINNED
from idn_gym.optimum.static import static_outcome
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.policies.online.test_planners import lone_worlds


def plain_serves(instance, items, reach, i):
    """{class: (saving, entry of phi, room)} of a prefix: of several options the one that saves most."""
    tables = instance.tables
    price, fallback = costs(instance, 0)
    classes = np.repeat(np.arange(len(fallback)), np.diff(tables.option_start))
    np.minimum.at(fallback, classes[items.option_item == PINNED], price[items.option_item == PINNED])
    chain = [i]
    while items.parent[chain[-1]] != EMPTY:
        chain.append(items.parent[chain[-1]])
    kept = {}
    for o in np.flatnonzero(np.isin(items.option_item, chain)):
        q, rho = tables.part_start[o], classes[o]
        seconds = tables.part_seconds[q] * instance.draw.slowdown[0, items.node[i]]
        saving = max(0.0, fallback[rho] - price[o])
        if rho not in kept or saving > kept[rho][0]:
            at = reach.meets[o]
            kept[rho] = (saving, at, instance.draw.seconds[0, 0, items.node[i]] / seconds)
    return kept


def plain_olag(instance, items, phi, reach):
    """The four steps of the module's head."""
    tables = instance.tables
    placement, phi = tables.pinned.copy(), phi.copy()
    serves = [plain_serves(instance, items, reach, i) for i in range(len(items.node))]
    for v, free in enumerate(items.budget):
        held = {}  # model to (bytes, length, what it subtracted {class: (saving, requests)})
        while True:
            best = None
            for i in range(items.node_start[v], items.node_start[v + 1]):
                s, m = items.segment[i], items.model[i]
                size, length, took = held.get(m, (0.0, 0, {}))
                more, worth = tables.segment_bytes[s] - size, 0.0
                if more > free or tables.segment_last[s] <= length:
                    continue
                for rho, (saving, at, room) in serves[i].items():
                    before, requests = took.get(rho, (0.0, 0.0))
                    worth += saving * min(phi[at] + requests, room) - before * requests
                if worth > 0.0 and (best is None or worth * best[1] > best[0] * more):
                    best = worth, more, i
            if best is None:
                break
            _, more, i = best
            m, took = items.model[i], {}
            for rho, (saving, at, room) in serves[i].items():
                phi[at] += held[m][2].get(rho, (0.0, 0.0))[1] if m in held else 0.0
                took[rho] = saving, min(phi[at], room) if saving > 0.0 else 0.0
                phi[at] -= took[rho][1]
            free -= more
            s = placement[v, m] = items.segment[i]
            held[m] = tables.segment_bytes[s], tables.segment_last[s], took
    return placement


@given(st.data(), st.integers(1, 2))
@settings(max_examples=20)
def test_olag_follows_its_definition(make_scenario, make_learner, drive, worlds, data, parts):
    scenario = make_scenario(**data.draw(lone_worlds(worlds, parts)))
    tables = compile_scenario(scenario).tables
    instance = build_instance(scenario, 0)
    one = instance._replace(
        draw=instance.draw._replace(
            **{
                name: getattr(instance.draw, name)[:, :1]
                for name in ("demand", "seconds", "memory", "rate", "uniforms")
            }
        )
    )
    learner = make_learner("olag", scenario)
    drive(learner, one)
    reach = RequestsPerNode(tables)
    phi = reach.measure(static_outcome(one, tables.pinned), 0)
    np.testing.assert_array_equal(learner.wanted[0], plain_olag(one, learner.items, phi, reach))


def test_olag_loads_no_second_model_for_requests_that_the_first_serves(make_scenario, make_learner, drive):
    """Both models of the task fit; the second is wanted only once the first is too slow for the batch."""

    def held(rate):
        scenario = make_scenario(
            nodes={
                "edge": {"memory": 100.0, "demand": 1.0},
                "cloud": {"pins": ["all"], "servers": float("inf")},
            },
            links=[("edge", "cloud", {})],
            models={"quick": {"blocks": [(0.1, 10.0, 0.0)]}, "slow": {"blocks": [(0.2, 10.0, 0.0)]}},
            overrides={
                "serving.capacity": "exogenous",
                "serving.loading": "instant",
                "horizon": 2,
                "workload.rate": rate,
            },
        )
        learner = make_learner("olag", scenario)
        drive(learner, build_instance(scenario, 0))
        free = (learner.tables.pinned == EMPTY) & (learner.wanted[0] != EMPTY)
        return int(free.sum())

    assert held(5.0) == 1  # 50 requests take half of the 10 s
    assert held(15.0) == 2  # of 150 requests one copy serves 100


def test_olag_lengthens_a_prefix_that_is_densest_when_short(make_scenario, make_learner, drive):
    """The first block saves most per byte, as the input is large; all three fit and save more."""
    scenario = make_scenario(
        nodes={
            "edge": {"memory": 100.0, "demand": 1.0},
            "cloud": {"pins": ["all"], "servers": float("inf")},
        },
        links=[("edge", "cloud", {})],
        models={"m": {"blocks": [(0.01, 1.0, 5.0), (0.01, 20.0, 4.0), (0.01, 20.0, 0.0)]}},
        overrides={
            "serving.capacity": "exogenous",
            "serving.loading": "instant",
            "serving.max_parts": 2,
            "horizon": 2,
        },
    )
    learner = make_learner("olag", scenario)
    drive(learner, build_instance(scenario, 0))
    assert list(learner.tables.segment_last[learner.wanted[0][learner.tables.pinned == EMPTY]]) == [3]
