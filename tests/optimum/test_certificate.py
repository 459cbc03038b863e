"""The knapsack behind the certificate against a solver of linear programs."""

import numpy as np
import pytest
from scipy.optimize import linprog

from idn_gym.optimum.certificate import knapsack
from idn_gym.optimum.projection import pool_chains
from tests.optimum.test_projection import pooled, random_polytope


def by_linear_program(polytope, gradient):
    """Maximum of gradient @ z: budgets of the nodes, and no item above the one before it in its chain."""
    count, nodes = len(gradient), len(polytope.budget)
    budgets, falls = np.zeros((nodes, count)), []
    for v in range(nodes):
        mine = slice(polytope.node_start[v], polytope.node_start[v + 1])
        budgets[v, mine] = polytope.size[mine]
    for i in np.flatnonzero(polytope.chain_last == 0):
        falls.append(np.eye(count)[i] - np.eye(count)[i - 1])
    rows = np.concatenate([budgets, np.reshape(falls, (-1, count))])
    limits = np.concatenate([polytope.budget, np.zeros(len(falls))])
    return -linprog(-gradient, rows, limits, bounds=(0, 1)).fun


@pytest.mark.parametrize("seed", range(8))
def test_the_knapsack_is_the_maximum_over_the_polytope(seed):
    rng = np.random.default_rng(seed)
    polytope = random_polytope(rng)
    gradient = rng.normal(size=len(polytope.size)) * polytope.size
    assert knapsack(polytope, gradient) == pytest.approx(by_linear_program(polytope, gradient), rel=1e-9)


def test_nothing_that_costs_is_packed():
    polytope = random_polytope(np.random.default_rng(0))
    assert knapsack(polytope, -np.ones(len(polytope.size))) == 0.0


def test_chains_are_pooled_as_by_the_min_max_formula():
    rng = np.random.default_rng(1)
    polytope = random_polytope(rng)
    values = rng.normal(size=len(polytope.size))
    expected = pooled(polytope, values)
    pool_chains(polytope, values[None])
    np.testing.assert_allclose(values, expected, rtol=1e-12)
