"""Users who come with a task, stay for a while, and go: popularity that differs from node to node."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config_sessions import Sessions
from idn_gym.scenarios.processes.commutes import homes_and_works, share_away
from idn_gym.scenarios.processes.destinations import first_above, upto_destinations
from idn_gym.scenarios.spans import Span

COMMUTE_KEY = "workload.popularity.commute"


class UsersAtNodes(NamedTuple):
    """State that is kept from span to span."""

    ranking: Ints  # (G, K) task at each place
    task: Ints  # (G, U) of each user


class UsersOnTheMove(NamedTuple):
    """The same where users move between nodes."""

    ranking: Ints  # (G, K) task at each place
    task: Ints  # (U,) of each user
    node: Ints  # (U,) where each user is, or its home
    work: Ints  # (U,) where it is when it is away from home
    ease: Floats  # (U,) it is away while the share of those who are away is above this
    demand: Floats  # (U,) of each user over the mean


class Day(NamedTuple):
    """Times at which users are at work."""

    leave: Bools  # (G,) homes that they leave
    away: Floats  # (T,) share of those who are away


def draw_sessions(
    process: Sessions, popularity: Floats, span: Span
) -> tuple[Floats, UsersAtNodes | UsersOnTheMove]:
    """Users (T, G K) at each node with each task, or their demand; and the users at the end.

    Args:
        process: how many, and how long they stay.
        popularity: (G, K) shares of the tasks at each node, whose sorted values are those of the places.
            Where users move, shares of all demand, whose sums are the nodes' weights.
        span: to be drawn.
    """
    if process.roams:
        return _draw_roaming(process, popularity, span)
    nodes, tasks = popularity.shape
    order, upto = _places(popularity)
    before: UsersAtNodes | None = span.state
    if before is None:
        ranking = _first_ranking(process, order, span)
        place = (span.rng.random((nodes, process.users))[:, :, None] >= upto[:, None, :-1]).sum(axis=2)
        before = UsersAtNodes(ranking, np.take_along_axis(ranking, place, axis=1))
    ranking, task = before.ranking.copy(), before.task.copy()
    counts = np.zeros((span.length, nodes, tasks))
    swap = span.rng.random((2, span.length, nodes))
    change = span.rng.random((2, span.length, nodes, process.users))
    first = span.first == 0
    _play(ranking, task, upto, swap, change, process.swaps, 1.0 / process.length, first, counts)
    return counts.reshape(span.length, nodes * tasks), UsersAtNodes(ranking, task)


def _places(popularity: Floats) -> tuple[Ints, Floats]:
    """The tasks of each node by falling shares (G, K), and the cumulated shares of these places (G, K)."""
    order = np.argsort(-popularity, axis=1, kind="stable")
    upto = np.cumsum(np.take_along_axis(popularity, order, axis=1), axis=1)
    upto /= upto[:, -1:]
    return order, upto


def _first_ranking(process: Sessions, order: Ints, span: Span) -> Ints:
    shuffled = span.rng.permuted(order, axis=1)
    own = span.rng.random((len(order), 1)) < process.apart
    return np.where(own, shuffled, order)


def _draw_roaming(process: Sessions, shares: Floats, span: Span) -> tuple[Floats, UsersOnTheMove]:
    """As `draw_sessions`, for users who take their tasks to other nodes."""
    nodes, tasks = shares.shape
    order, upto = _places(shares)
    weight = shares.sum(axis=1)
    leave, works, away = np.zeros(nodes, np.bool_), np.ones(nodes, np.bool_), np.zeros(span.length)
    if process.commute is not None:
        leave, works = homes_and_works(process.commute, span, COMMUTE_KEY)
        away = share_away(process.commute, span)[:, 0]
    before: UsersOnTheMove | None = span.state
    if before is None:
        before = _first_users(process, order, upto, weight, works, span)
    # what does not change is shared by all spans
    after = before._replace(ranking=before.ranking.copy(), task=before.task.copy(), node=before.node.copy())
    counts = np.zeros((span.length, nodes, tasks))
    swap = span.rng.random((2, span.length, nodes))
    change = span.rng.random((3, span.length, len(before.task)))
    odds = np.array([process.swaps, 1.0 / process.length, process.move])
    there = upto_destinations(process.nearest, weight, span.delays)
    there /= there[:, -1:]
    _play_roaming(after, Day(leave, away), upto, there, swap, change, odds, span.first == 0, counts)
    return counts.reshape(span.length, nodes * tasks), after


def _first_users(
    process: Sessions, order: Ints, upto: Floats, weight: Floats, works: Bools, span: Span
) -> UsersOnTheMove:
    """Users at the start; arguments as in `_draw_roaming`.

    Users who move are alike, and are drawn by the nodes' weights. Of those who only commute each node has as
    many, with demand by its weight, so that it has what the rate says while everybody is at home.
    """
    nodes, ranking = len(weight), _first_ranking(process, order, span)
    users = process.users * nodes
    if process.move > 0:
        edges = np.cumsum(weight)
        edges /= edges[-1]
        node = np.searchsorted(edges[:-1], span.rng.random(users), side="right")
        demand = np.ones(users)
    else:
        node = np.repeat(np.arange(nodes), process.users)
        demand = weight[node] * (nodes / weight.sum())
    place = (span.rng.random((users, 1)) >= upto[node, :-1]).sum(axis=1)
    work, ease = node, np.ones(users)
    if process.commute is not None:
        edges = np.cumsum(weight * works)
        work = np.searchsorted(edges, span.rng.random(users) * edges[-1], side="right")
        ease = span.rng.random(users)
    return UsersOnTheMove(ranking, ranking[node, place], node, work, ease, demand)


@kernel
def _swap(ranking: Ints, swap: Floats, t: int, swaps: float) -> None:
    """Let two neighbours change places, at some nodes; arguments as of `_play`."""
    tasks = ranking.shape[1]
    for g in range(ranking.shape[0]):
        if tasks > 1 and swap[0, t, g] < swaps:
            i = min(int(swap[1, t, g] * (tasks - 1)), tasks - 2)
            moved = ranking[g, i]
            ranking[g, i] = ranking[g, i + 1]
            ranking[g, i + 1] = moved


@kernel
def _whereabouts(users: UsersOnTheMove, day: Day, t: int, u: int) -> int:
    """The node that a user is at in slot t of the span."""
    home = users.node[u]
    return users.work[u] if day.leave[home] and day.away[t] > users.ease[u] else home


@kernel
def _play_roaming(
    users: UsersOnTheMove,
    day: Day,
    upto: Floats,
    there: Floats,
    swap: Floats,
    change: Floats,
    odds: Floats,
    first: bool,
    counts: Floats,
) -> None:
    """Let rankings drift and users come, move and go, and count them.

    Args:
        users: changed.
        day: when they are at work.
        upto: (G, K) cumulated shares of the places.
        there: (1, G) or (G, G) cumulated shares of where those go who move; see `upto_destinations`.
        swap: (2, T, G) uniform numbers: whether two places change, and which.
        change: (3, T, U) uniform numbers: whether a user goes, whether it moves, and where to or the place of
            who comes instead.
        odds: probabilities of the first, the second and the third of these.
        first: whether row 0 is the slot in which all have just come.
        counts: (T, G, K) written to: the demand of the users.
    """
    for t in range(counts.shape[0]):
        if t > 0 or not first:
            _swap(users.ranking, swap, t, odds[0])
            for u in range(users.task.size):
                if change[0, t, u] < odds[1]:
                    g = _whereabouts(users, day, t, u)
                    users.task[u] = users.ranking[g, first_above(upto[g], change[2, t, u])]
                elif change[1, t, u] < odds[2]:
                    row = there[min(users.node[u], there.shape[0] - 1)]
                    users.node[u] = first_above(row, change[2, t, u])
        for u in range(users.task.size):
            counts[t, _whereabouts(users, day, t, u), users.task[u]] += users.demand[u]


@kernel
def _play(
    ranking: Ints,
    task: Ints,
    upto: Floats,
    swap: Floats,
    change: Floats,
    swaps: float,
    leave: float,
    first: bool,
    counts: Floats,
) -> None:
    """Let rankings drift and users come and go, and count them.

    Args:
        ranking: (G, K) task at each place, changed.
        task: (G, U) of each user, changed.
        upto: (G, K) cumulated shares of the places.
        swap: (2, T, G) uniform numbers: whether two places change, and which.
        change: (2, T, G, U) uniform numbers: whether a user goes, and the place of who comes.
        swaps: probability of the former.
        leave: probability of the latter.
        first: whether row 0 is the slot in which all have just come.
        counts: (T, G, K) written to.
    """
    nodes = ranking.shape[0]
    for t in range(counts.shape[0]):
        if t > 0 or not first:
            _swap(ranking, swap, t, swaps)
        for g in range(nodes):
            if t > 0 or not first:
                for u in range(task.shape[1]):
                    if change[0, t, g, u] < leave:
                        task[g, u] = ranking[g, first_above(upto[g], change[1, t, g, u])]
            for u in range(task.shape[1]):
                counts[t, g, task[g, u]] += 1.0
