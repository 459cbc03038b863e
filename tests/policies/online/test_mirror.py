"""INFIDA and its relatives against plain numpy, and their regret against the proven bound."""

import dataclasses

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs
from idn_gym.evaluation.regret import entropy_bound, steepest_slopes
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.prefix_program import LayerProgram
from idn_gym.optimum.solver import solve_relaxed
from idn_gym.policies.online.learner import Clock
from idn_gym.policies.online.mirror_state import MirrorState, Update, widths
from idn_gym.scenarios.episodes import build_instance

NAMES = ("infida", "oga", "ftrl-entropy", "ftrl-euclid")


@pytest.fixture(scope="module")
def tree(make_scenario):
    """Two leaves below a trunk below the cloud; two tasks of two whole models; compute that binds."""
    models = {
        "a0": {"blocks": [(0.5, 10.0, 0.0)], "task": "a", "points": {"all": [(1, 1.0, 0.4)]}},
        "a1": {"blocks": [(1.5, 25.0, 0.0)], "task": "a", "points": {"all": [(1, 1.0, 0.8)]}},
        "b0": {"blocks": [(0.3, 15.0, 0.0)], "task": "b", "points": {"all": [(1, 1.0, 0.3)]}},
        "b1": {"blocks": [(2.0, 30.0, 0.0)], "task": "b", "points": {"all": [(1, 1.0, 0.9)]}},
    }
    nodes = {
        "l0": {"memory": 30.0, "demand": 1.0},
        "l1": {"memory": 20.0, "demand": 2.0},
        "trunk": {"memory": 50.0, "device": "fast"},
        "cloud": {"pins": ["all"], "servers": float("inf")},
    }
    return make_scenario(
        nodes=nodes,
        links=[("l0", "trunk", {}), ("l1", "trunk", {}), ("trunk", "cloud", {"delay": 2.0})],
        models=models,
        overrides={
            "serving.capacity": "exogenous",
            "serving.loading": "instant",
            "serving.tariff": {"latency": 1.0, "error": 3.0},
            "workload.bursts": {"start": 0.5, "stop": 0.5},
            "horizon": 25,
        },
        rate=2.0,
    )


def plain_gradient(instance, items, t, z, b):
    """g = sum over classes of lambda (gamma_K* - gamma), K* the option that fills the batch."""
    tables, draw = instance
    price, drop = costs(instance, t, b)
    gradient = np.zeros(len(z))
    for rho, batch in enumerate(draw.demand[b, t]):
        options = [o for o in range(*tables.option_start[rho : rho + 2]) if np.isfinite(price[o])]
        options.sort(key=lambda o: (price[o], tables.option_rank[o]))
        filled, credit, stop = 0.0, [], drop[rho]
        for o in options:
            q = tables.part_start[o]
            room = min(batch, draw.seconds[b, t, tables.part_node[q]] / tables.part_seconds[q])
            i = items.option_item[o]
            filled += room * (1.0 if i == EMPTY else z[i])
            if filled >= batch:
                stop = price[o]
                break
            credit.append((i, room, price[o]))
        for i, room, cost in credit:
            gradient[i] += room * (stop - cost)
    return gradient


def plain_projection(items, point, entropy):
    z = np.zeros(len(point))
    for v, budget in enumerate(items.budget):
        node = slice(items.node_start[v], items.node_start[v + 1])
        x, s = point[node], items.size[node]

        def shares(shift, x=x):
            return np.minimum(1.0, x * np.exp(-shift)) if entropy else np.clip(x - shift, 0.0, 1.0)

        if (s * shares(0.0)).sum() <= budget:
            z[node] = shares(0.0)
            continue
        low, high = 0.0, 300.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if (s * shares(middle)).sum() > budget else (low, middle)
        z[node] = shares(0.5 * (low + high))
    return z


@pytest.mark.parametrize("name", NAMES)
def test_the_kernels_equal_plain_numpy(name, tree, play_learner):
    instance = build_instance(tree, (0, 1))
    learner, _, _, fractional = play_learner(name, tree, rows=2, instance=instance)
    items = learner.items
    entropy, lazy = name in ("infida", "ftrl-entropy"), name.startswith("ftrl")
    total = np.add.reduceat(items.size, items.node_start[:3])
    budget = np.minimum(items.budget[:3], total)
    for b in range(2):
        z = start = np.repeat(np.append(budget / total, 0.0), np.diff(items.node_start))
        theta, norms = np.zeros(len(z)), np.zeros(3)
        for t in range(25):
            g = plain_gradient(instance, items, t, z, b)
            rates = g / items.size
            if entropy:
                norms += np.maximum.reduceat(rates, items.node_start[:3]) ** 2
                top = np.maximum(1.0, np.log(total / budget)) * (1.0 if lazy else 2.0)
            else:
                norms += np.add.reduceat(rates * g, items.node_start[:3])
                top = np.minimum(budget, total / 2.0)
            eta = np.sqrt(np.where(norms > 0.0, top / np.maximum(norms, 1e-300), 0.0))[items.node]
            theta += rates
            if lazy:
                point = start * np.exp(eta * theta) if entropy else start + eta * theta
            else:
                point = z * np.exp(eta * rates) if entropy else z + eta * rates
            z = plain_projection(items, point, entropy)
        np.testing.assert_allclose(learner.fractional[b], z, atol=1e-9)
    assert fractional[-1].min() > 0.0


@pytest.mark.parametrize("entropy", [True, False])
def test_the_regret_of_the_best_fixed_step_keeps_its_bound(entropy, tree, make_learner):
    """`entropy_bound`, and D sqrt(sum n^2) with D^2 = min(2 b, S), on nodes that share the batches."""
    geometry = Update(entropy, False)
    scenario = dataclasses.replace(tree, horizon=300)
    instance, learner = build_instance(scenario, 0), make_learner("infida", scenario)
    polytope, items, layers = learner.polytope, learner.items, learner.layers[0]

    def climb(fixed):
        iterate, earned = MirrorState(polytope, 1, geometry, fixed=fixed), 0.0
        gradients = np.zeros((300, 1, len(items.node)))
        for t, g in enumerate(gradients):
            earned += gain_and_gradient(*instance, 0, t, items, iterate.z[0], g[0], layers)
            iterate.move(g)
        return earned, gradients[:, 0], iterate.norms[0]

    # the step that is best in hindsight changes the gradients, which change the step: a few rounds settle it
    width = widths(polytope, geometry) * (1.0 if entropy else np.sqrt(2.0))
    fixed = np.zeros(len(width))
    for _ in range(8):
        earned, gradients, norms = climb(fixed)
        fixed = np.divide(width, np.sqrt(norms), out=np.zeros_like(width), where=norms > 0.0)
    if entropy:
        total = np.bincount(items.node, items.size, len(items.budget))
        bound = entropy_bound(steepest_slopes(gradients, items.size, items.node_start), items.budget, total)[
            -1
        ]
    else:
        bound = (width * np.sqrt(norms)).sum()
    static = solve_relaxed(LayerProgram(instance, items, pieces=300).program, 60.0).bound
    assert 0.0 < static - earned < bound
    assert bound < static  # or the test could not fail


def test_the_bound_that_is_given_holds_and_says_something(cells, play_learner):
    scenario = cells(tasks=8, hold=2.5, horizon=300, **{"workload.popularity": {"kind": "uniform"}})
    instance = build_instance(scenario, 0)
    learner = play_learner("oga", scenario, instance=instance)[0]
    items, layers = learner.items, learner.layers[0]
    best, g, zero = np.zeros(8), np.zeros(8), np.zeros(8)
    earned = 0.0
    again = MirrorState(learner.polytope, 1, Update(False, False))
    for t in range(300):
        gain_and_gradient(*instance, 0, t, items, zero, g, layers)
        best += g
        earned += gain_and_gradient(*instance, 0, t, items, again.z[0], g, layers)
        again.move(g[None])
    best = np.sort(best)[::-1]
    static = best[0] + best[1] + 0.5 * best[2]
    assert 0.0 < static - earned <= learner.regret_bound[0] < static


def test_the_clock_stretches_its_intervals():
    clock = Clock(1, 4, True)
    due = [t for t in range(1, 24) if clock.tick()[0]]
    assert due == [1, 3, 6, 10, 14, 18, 22]
    clock.reset(np.array([True]))
    assert [t for t in range(1, 7) if clock.tick()[0]] == [1, 3, 6]
    steady = Clock(1, 3, False)
    assert [t for t in range(1, 10) if steady.tick()[0]] == [3, 6, 9]
