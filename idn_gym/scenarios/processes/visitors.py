"""Users of unequal demand who visit nodes of unequal taste: popularity fitted to a log of requests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config_visitors import Visitors
from idn_gym.scenarios.spans import Span


class VisitorsAtNodes(NamedTuple):
    """State that is kept from span to span."""

    upto: Floats  # (G, K) cumulated taste of each node
    task: Ints  # (G, U) of each user
    demand: Floats  # (G, U) of each user, relative


def draw_visitors(process: Visitors, popularity: Floats, span: Span) -> tuple[Floats, VisitorsAtNodes]:
    """Demand (T, G K) of the users at each node for each task; and the users at the end.

    Args:
        process: how many users, how long they stay, and how they differ.
        popularity: (G, K) shares of the tasks at each node, the means of tastes.
        span: to be drawn.
    """
    nodes, tasks = popularity.shape
    users = (nodes, process.users)
    before: VisitorsAtNodes | None = span.state
    if before is None:
        upto = _tastes(process, popularity, span.rng)
        before = VisitorsAtNodes(
            upto, _asked(upto, span.rng.random(users)), _demands(process, span.rng, users)
        )
    uniforms = span.rng.random((2, span.length, *users))
    asked, demands = _asked(before.upto, uniforms[1]), _demands(process, span.rng, (span.length, *users))
    comes = uniforms[0] < 1.0 / process.length
    if span.first == 0:
        comes[0] = False  # all have just come
    # users of a slot arrived in the last slot with an arrival, or were there before
    came = np.maximum.accumulate(np.where(comes, np.arange(span.length)[:, None, None], -1), axis=0)
    task = np.where(came >= 0, np.take_along_axis(asked, came.clip(0), axis=0), before.task)
    demand = np.where(came >= 0, np.take_along_axis(demands, came.clip(0), axis=0), before.demand)
    column = np.arange(nodes)[:, None] * tasks + task
    cell = np.arange(span.length)[:, None, None] * (nodes * tasks) + column
    drawn: Floats = np.bincount(cell.ravel(), demand.ravel(), span.length * nodes * tasks).astype(np.float64)
    return drawn.reshape(span.length, nodes * tasks), VisitorsAtNodes(before.upto, task[-1], demand[-1])


def _tastes(process: Visitors, popularity: Floats, rng: np.random.Generator) -> Floats:
    """Cumulated shares (G, K) of tastes, drawn from a Dirichlet law per node.

    Gamma variables are scaled by their largest before they are summed up, and drawn by their logarithms where
    shapes are small, so that they do not all vanish: X = Y U^(1/a) with Y of shape a + 1 (Marsaglia and
    Tsang, 2000).
    """
    shape = process.likeness * popularity
    drawn, uniform = rng.standard_gamma(shape + 1.0), 1.0 - rng.random(shape.shape)
    with np.errstate(divide="ignore"):
        log = np.log(drawn) + np.log(uniform) / shape
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    upto = np.cumsum(weight, axis=1)
    upto /= upto[:, -1:]
    return upto


def _asked(upto: Floats, uniform: Floats) -> Ints:
    """Task (..., G, U) that each user asks for, by the taste of its node."""
    task = np.empty(uniform.shape, np.int64)
    for g, taste in enumerate(upto):
        task[..., g, :] = np.searchsorted(taste[:-1], uniform[..., g, :], side="right")
    return task


def _demands(process: Visitors, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.exp(process.uneven * rng.standard_normal(shape))
