"""The projections against slow ones: bisection on the shift, and pooling by the min-max formula.

Budgets are inequalities: what fits as it is only gets cut off at 0 and 1.
"""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.projection import LOG_FLOOR, make_polytope, project_entropy, project_euclid


def random_polytope(rng, nodes=3, longest=4):
    """Chains of one to `longest` items; budgets between nothing and everything."""
    parent, size, start = [], [], [0]
    for _ in range(nodes):
        for _ in range(rng.integers(1, 9)):
            for k in range(rng.integers(1, longest + 1)):
                parent.append(len(parent) - 1 if k else EMPTY)
                size.append(rng.uniform(1.0, 50.0) * 10.0 ** rng.integers(0, 3))
        start.append(len(parent))
    total = np.add.reduceat(size, start[:-1])
    return make_polytope(
        np.array(start), np.array(parent), np.array(size), rng.uniform(0.0, 1.0, nodes) * total
    )


def chains_of(polytope):
    starts = np.flatnonzero(polytope.chain_last)
    return [slice(a, polytope.chain_last[a]) for a in starts]


def pooled(polytope, values):
    """Falling isotonic regression: value i is the least over j <= i of the greatest mean of j..k, k >= i."""
    out = values.copy()
    for chain in chains_of(polytope):
        x, s = values[chain], polytope.size[chain]
        means = np.array(
            [
                [np.average(x[j : k + 1], weights=s[j : k + 1]) if k >= j else np.nan for k in range(len(x))]
                for j in range(len(x))
            ]
        )
        out[chain] = [min(max(means[j, i:]) for j in range(i + 1)) for i in range(len(x))]
    return out


def by_bisection(polytope, values, entropy):
    """Project by pooling slowly and halving the bracket of the shift, at least 0, 200 times."""
    flat, z = pooled(polytope, values), np.zeros(len(values))
    for v, budget in enumerate(polytope.budget):
        node = slice(polytope.node_start[v], polytope.node_start[v + 1])
        x, s = flat[node], polytope.size[node]

        def shares(shift, x=x):
            return np.exp(np.minimum(0.0, x - shift)) if entropy else np.clip(x - shift, 0.0, 1.0)

        if (s * shares(0.0)).sum() <= budget:
            z[node] = shares(0.0)
            continue
        low, high = 0.0, x.max() + 2000.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if (s * shares(middle)).sum() > budget else (low, middle)
        z[node] = shares(0.5 * (low + high))
    return z


@pytest.mark.parametrize("entropy", [True, False])
@pytest.mark.parametrize(("middle", "spread"), [(0.5, 1e-3), (0.0, 1.0), (-1.0, 1.0), (0.0, 30.0)])
def test_projections_equal_bisection(entropy, middle, spread):
    rng = np.random.default_rng(1)
    bound, free = 0, 0
    for _ in range(60):
        polytope = random_polytope(rng)
        points = rng.normal(middle, spread, (2, len(polytope.size)))
        kept, z = points.copy(), np.zeros_like(points)
        (project_entropy if entropy else project_euclid)(polytope, points, z)
        for b in range(2):
            np.testing.assert_allclose(z[b], by_bisection(polytope, kept[b], entropy), atol=1e-9)
            used = np.add.reduceat(polytope.size * z[b], polytope.node_start[:-1])
            bound += (used > polytope.budget * (1 - 1e-9)).sum()
            free += (used < polytope.budget * (1 - 1e-9)).sum()
        if entropy:
            np.testing.assert_allclose(
                points, np.maximum(LOG_FLOOR, np.log(np.maximum(z, 1e-300))), atol=1e-9
            )
    assert bound > 10 and (free > 10 or (entropy and middle > 0.0))


@pytest.mark.parametrize("project", [project_entropy, project_euclid])
def test_what_comes_out_is_a_placement_and_stays_where_it_is(project):
    rng = np.random.default_rng(2)
    for _ in range(50):
        polytope = random_polytope(rng)
        points = rng.normal(0.0, 3.0, (1, len(polytope.size)))
        z = np.zeros_like(points)
        project(polytope, points, z)
        used = np.add.reduceat(polytope.size * z[0], polytope.node_start[:-1])
        assert (used <= polytope.budget * (1 + 1e-12)).all()
        assert (z >= 0.0).all() and (z <= 1.0).all()
        for chain in chains_of(polytope):
            assert (np.diff(z[0, chain]) <= 1e-15).all()
        again = z.copy()
        project(polytope, np.log(np.maximum(z, 1e-300)) if project is project_entropy else z.copy(), again)
        np.testing.assert_allclose(again, z, atol=1e-12)


@pytest.mark.parametrize("project", [project_entropy, project_euclid])
@pytest.mark.parametrize(("budget", "share"), [(0.0, 0.0), (10.0, 1.0), (1e9, 1.0)])
def test_budgets_of_nothing_and_of_everything(project, budget, share):
    polytope = make_polytope(np.array([0, 2]), np.array([EMPTY, 0]), np.array([4.0, 6.0]), np.array([budget]))
    points, z = np.array([[3.0, 5.0]]), np.zeros((1, 2))
    project(polytope, points, z)
    np.testing.assert_array_equal(z, [[share, share]])


@pytest.mark.parametrize("budget", [9.0, 10.0, 1e9])
def test_a_longer_prefix_is_given_up_where_memory_is_there_for_it(budget):
    polytope = make_polytope(np.array([0, 2]), np.array([EMPTY, 0]), np.array([4.0, 6.0]), np.array([budget]))
    z = np.zeros((1, 2))
    project_euclid(polytope, np.array([[1.5, 0.25]]), z)
    np.testing.assert_array_equal(z, [[1.0, 0.25]])
    logs = np.log([[1.5, 0.25]])
    project_entropy(polytope, logs, z)
    np.testing.assert_allclose(z, [[1.0, 0.25]], rtol=1e-15)
    np.testing.assert_allclose(logs, np.log(z), atol=1e-15)


def test_columns_of_no_bytes_take_nothing_from_the_others():
    sizes = np.array([4.0, 0.0, 6.0, 0.0])
    polytope = make_polytope(np.array([0, 4]), np.array([EMPTY, 0, EMPTY, 2]), sizes, np.array([10.0]))
    assert polytope.size.tolist() == [4.0, 1.0, 6.0, 1.0] and polytope.budget == polytope.total == 12.0


def test_logs_that_underflow_are_not_raised_and_large_ones_are_not_lost():
    polytope = make_polytope(np.array([0, 3]), np.full(3, EMPTY), np.ones(3), np.array([1.5]))
    points, z = np.array([[0.0, -2000.0, -2001.0]]), np.zeros((1, 3))
    project_entropy(polytope, points, z)
    np.testing.assert_array_equal(z, [[1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(points, [[0.0, LOG_FLOOR, LOG_FLOOR]])
    project_entropy(polytope, np.array([[3000.0, 1000.0, 999.0]]), z)
    np.testing.assert_allclose(z, [[1.0, 0.5 / (1 + np.exp(-1.0)), 0.5 / (1 + np.exp(1.0))]], rtol=1e-12)


def test_a_chain_in_the_wrong_order_is_pooled_by_its_weighted_mean():
    polytope = make_polytope(
        np.array([0, 3]), np.array([EMPTY, 0, EMPTY]), np.array([1.0, 3.0, 4.0]), np.array([4.0])
    )
    z = np.zeros((1, 3))
    project_euclid(polytope, np.array([[0.1, 0.5, 0.6]]), z)
    np.testing.assert_allclose(z, [[0.4, 0.4, 0.6]], atol=1e-15)
    project_entropy(polytope, np.log([[0.1, 0.1 * 2.0 ** (4 / 3), 0.2]]), z)
    np.testing.assert_allclose(z, [[0.2, 0.2, 0.2]], rtol=1e-12)
    project_entropy(polytope, np.log([[0.8, 0.8 * 2.0 ** (4 / 3), 1.6]]), z)
    np.testing.assert_allclose(z, [[0.5, 0.5, 0.5]], rtol=1e-12)


def test_the_order_of_a_node_is_kept_without_passes_over_all_pairs():
    rng = np.random.default_rng(3)
    polytope = make_polytope(
        np.array([0, 2000]), np.full(2000, EMPTY), rng.uniform(1, 9, 2000), np.array([999.0])
    )
    points, z = rng.normal(9.0, 5.0, (1, 2000)), np.zeros((1, 2000))
    order = np.argsort(points[0], kind="stable")
    project_entropy(polytope, points, z)
    assert (np.diff(z[0, order]) >= 0.0).all()
    assert (polytope.size * z[0]).sum() == pytest.approx(999.0, rel=1e-12)
