"""Conditions under which requests are seen, by ingress node."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config_quality import (
    ConditionFile,
    FixedCondition,
    MarkovConditions,
    ScheduledConditions,
)
from idn_gym.scenarios.processes.named_things import select
from idn_gym.scenarios.processes.traces import draw_trace
from idn_gym.scenarios.spans import Span

KEY = "quality.conditions"


def draw_one(process: FixedCondition, ingresses: int, span: Span) -> tuple[Ints, None]:
    """The only condition, (T, G) zeros."""
    return np.zeros(span.shape(ingresses), np.int64), None


def draw_chains(process: MarkovConditions, ingresses: int, span: Span) -> tuple[Ints, Ints]:
    """One chain per ingress node, or one for all, (T, G); and where they are at the end (G,).

    They begin in their stationary distribution: a name is in force for its share of all stays.
    """
    count, chains = len(process.names), 1 if process.together else ingresses
    stay = np.broadcast_to(np.array(process.stay, float), count)
    uniforms = span.rng.random((span.length, chains, 2))
    now = span.state
    drawn = np.zeros((span.length, chains), np.int64)
    for t in range(span.length):
        leaves, where = uniforms[t].T
        if now is None:
            now = np.searchsorted(np.cumsum(stay)[:-1], leaves * stay.sum(), side="right")
        elif count > 1:
            other = (now + 1 + np.minimum((where * (count - 1)).astype(np.int64), count - 2)) % count
            now = np.where(leaves * stay[now] < 1.0, other, now)
        drawn[t] = now
    return np.broadcast_to(drawn, span.shape(ingresses)).copy(), drawn[-1].copy()


def draw_schedule(process: ScheduledConditions, ingresses: int, span: Span) -> tuple[Ints, None]:
    """Conditions from the list, (T, G).

    Raises:
        ConfigError: a change at no ingress node or tier.
    """
    drawn, latest = np.zeros((2, *span.shape(ingresses)), np.int64)
    slot = span.slots if process.period is None else span.slots % process.period
    for i, change in enumerate(process.changes):
        named = np.ones(ingresses, np.bool_)
        if change.node is not None:
            named = select((change.node,), span.names, f"{KEY}.changes.{i}.node")
        later = named & (slot >= change.first) & (change.first >= latest)
        drawn[later], latest[later] = process.names.index(change.name), change.first
    return drawn, None


def draw_conditions_of_file(process: ConditionFile, ingresses: int, span: Span) -> tuple[Ints, Floats]:
    """Conditions from the file, (T, G).

    Raises:
        ConfigError: the file cannot be played, or names a place that `names` has not.
    """
    most = len(process.names) - 1
    drawn, start = draw_trace(process, KEY, span, 0.0, np.zeros(ingresses), most=float(most))
    places = np.rint(drawn).astype(np.int64)
    if places.max(initial=0) > most:
        raise ConfigError(f"{KEY}.path", f"place {places.max()} is not allowed; must be from 0 to {most}")
    return places, start
