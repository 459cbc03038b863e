"""Users who come with a task, stay for a while, and go: popularity that differs from node to node."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config_sessions import Sessions
from idn_gym.scenarios.spans import Span


class UsersAtNodes(NamedTuple):
    """What is remembered from span to span."""

    ranking: Ints  # (G, K) task at each place
    task: Ints  # (G, U) of each user


def draw_sessions(process: Sessions, popularity: Floats, span: Span) -> tuple[Floats, UsersAtNodes]:
    """Users (T, G K) at each node with each task; and who is there at the end.

    Args:
        process: how many, and how long they stay.
        popularity: (G, K) shares of the tasks at each node, whose sorted values are those of the places.
        span: to be drawn.
    """
    nodes, tasks = popularity.shape
    order = np.argsort(-popularity, axis=1, kind="stable")
    upto = np.cumsum(np.take_along_axis(popularity, order, axis=1), axis=1)
    upto /= upto[:, -1:]
    before: UsersAtNodes | None = span.state
    if before is None:
        shuffled = span.rng.permuted(order, axis=1)
        own = span.rng.random((nodes, 1)) < process.apart
        ranking = np.where(own, shuffled, order)
        place = (span.rng.random((nodes, process.users))[:, :, None] >= upto[:, None, :-1]).sum(axis=2)
        before = UsersAtNodes(ranking, np.take_along_axis(ranking, place, axis=1))
    ranking, task = before.ranking.copy(), before.task.copy()
    counts = np.zeros((span.length, nodes, tasks))
    swap = span.rng.random((2, span.length, nodes))
    change = span.rng.random((2, span.length, nodes, process.users))
    first = span.first == 0
    _play(ranking, task, upto, swap, change, process.swaps, 1.0 / process.length, first, counts)
    return counts.reshape(span.length, nodes * tasks), UsersAtNodes(ranking, task)


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
    nodes, tasks = ranking.shape
    for t in range(counts.shape[0]):
        for g in range(nodes):
            if t > 0 or not first:
                if tasks > 1 and swap[0, t, g] < swaps:
                    i = min(int(swap[1, t, g] * (tasks - 1)), tasks - 2)
                    moved = ranking[g, i]
                    ranking[g, i] = ranking[g, i + 1]
                    ranking[g, i + 1] = moved
                for u in range(task.shape[1]):
                    if change[0, t, g, u] < leave:
                        place = 0
                        while place < tasks - 1 and change[1, t, g, u] >= upto[g, place]:
                            place += 1
                        task[g, u] = ranking[g, place]
            for u in range(task.shape[1]):
                counts[t, g, task[g, u]] += 1.0
