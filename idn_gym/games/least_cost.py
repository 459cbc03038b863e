"""The partition of least cost by mixed-integer program; SciPy's, of the extra `solve`.

Costs of coalitions are not linear in who sits where: an error divides by the coalition's data, retries are
exponential in its airtime. Two programs are exact all the same:

- *by coalitions*, for every game: one variable per coalition and site, at most one per player and per site;
  these are up to 2^P K variables, so P ends at `MOST_PLAYERS`;
- *by pairs*, for additively separable games: one variable per pair that is together, and of three pairs among
  three players never two alone (Groetschel and Wakabayashi 1989); it has P (P - 1) / 2 variables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.exhaustive import coalition_costs, members_of
from idn_gym.games.hedonic import CoalitionGame, SeparableGame, all_alone, player_costs, total_cost
from idn_gym.games.partitions import first_names
from idn_gym.optimum.solver import Program, SolverError, solve_integers, sparse_rows

GAP = 1e-9
"""Relative gap at which a program counts as solved."""


class LeastCost(NamedTuple):
    """The best partition found, and what no partition costs less than."""

    partition: Ints  # (P,)
    cost: float
    bound: float


def least_cost_by_coalitions(game: CoalitionGame, seconds: float = 60.0) -> LeastCost:
    """Choose disjoint coalitions that save most against being alone.

    Args:
        game: that is played.
        seconds: time limit.

    Raises:
        ConfigError: too many players; see `coalition_costs`.
        SolverError: the program found nothing in time.
        DependencyNotInstalled: SciPy is missing.
    """
    start = all_alone(game)
    single, members = player_costs(game, start), members_of(game.players)
    # What non-members would cost may be infinite, and does not count.
    saved = (single - np.where(members, coalition_costs(game), single)).sum(axis=2)  # (K or 1, 2^P)
    site, number = np.nonzero(saved > 0.0)
    column, player = np.nonzero(members[number])
    rows: list[tuple[Ints, Ints, Floats]] = [(player, column, np.ones(len(column)))]
    limits = game.players
    if game.alone() is not None:
        rows.append((limits + site, np.arange(len(site)), np.ones(len(site))))
        limits += game.sites
    program = Program(
        gain=saved[site, number],
        rows=sparse_rows(rows, limits, len(site)),
        limit=np.ones(limits),
        upper=np.ones(len(site)),
        integers=len(site),
    )
    x, bound = _solved(program, seconds)
    partition = start.copy()
    for chosen in np.flatnonzero(x > 0.5):
        inside = members[number[chosen]]
        # Where sites are identical, each coalition meets at the site of its first member.
        partition[inside] = np.flatnonzero(inside)[0] if game.alone() is None else site[chosen]
    return LeastCost(partition, total_cost(game, partition), float(single.sum()) - bound)


def least_cost_by_pairs(game: SeparableGame, seconds: float = 60.0) -> LeastCost:
    """Choose pairs that are together, such that they make coalitions.

    Args:
        game: additively separable.
        seconds: time limit.

    Raises:
        SolverError: the program found nothing in time.
        DependencyNotInstalled: SciPy is missing.
    """
    first, second = np.triu_indices(game.players, 1)
    pair = np.zeros((game.players, game.players), np.intp)
    pair[first, second] = pair[second, first] = np.arange(len(first))
    three = np.array(
        [(i, j, k) for i in range(game.players) for j in range(i) for k in range(j)], np.intp
    ).reshape(-1, 3)
    ij, jk, ik = (
        pair[three[:, 0], three[:, 1]],
        pair[three[:, 1], three[:, 2]],
        pair[three[:, 0], three[:, 2]],
    )
    entries: list[tuple[Ints, Ints, Floats]] = []
    count = len(three)
    for turn, (one, other, without) in enumerate(((ij, jk, ik), (jk, ik, ij), (ik, ij, jk))):
        row = np.arange(turn * count, (turn + 1) * count)
        entries += [(row, one, np.ones(count)), (row, other, np.ones(count)), (row, without, -np.ones(count))]
    program = Program(
        gain=game.weights[first, second] + game.weights[second, first],
        rows=sparse_rows(entries, 3 * count, len(first)),
        limit=np.ones(3 * count),
        upper=np.ones(len(first)),
        integers=len(first),
    )
    x, bound = _solved(program, seconds)
    together = np.eye(game.players, dtype=bool)
    together[first, second] = together[second, first] = x > 0.5
    partition = first_names(np.argmax(together, axis=1))  # the first player that one is together with
    return LeastCost(partition, total_cost(game, partition), -bound)


def _solved(program: Program, seconds: float) -> tuple[Floats, float]:
    """Values of the variables, and what nothing feasible gains more than."""
    solution = solve_integers(program, seconds, GAP)
    if solution.x is None:
        raise SolverError("mixed-integer program: nothing was found in time")
    return solution.x, solution.bound
