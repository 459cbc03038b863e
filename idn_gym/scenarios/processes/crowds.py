"""Flash crowds at some places, at fixed or random times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Bools, Floats
from idn_gym.scenarios.config_crowds import Crowd, Crowds
from idn_gym.scenarios.processes.named_things import INGRESS, select
from idn_gym.scenarios.spans import Span

Gathering = tuple[int, int, Bools]
"""Slot at which a crowd comes, its task, and the nodes that have it (G,)."""


def draw_crowds(process: Crowds, tasks: Sequence[str], span: Span) -> tuple[Floats, tuple[Gathering, ...]]:
    """Factors (T, G K) on the demand of ingress nodes for tasks; and what was drawn for the episode.

    Args:
        process: the crowds.
        tasks: names (K,).
        span: to be drawn; its names are those of the ingress nodes (G,).

    Raises:
        ConfigError: a name of no task or ingress node, or more spots than nodes.
    """
    gathered: tuple[Gathering, ...] | None = span.state
    if gathered is None:
        # The same numbers are drawn for each crowd: fixing one property does not change the others.
        uniforms = span.rng.random((len(process.crowds), 2 + len(span.names)))
        gathered = tuple(
            _gather(crowd, i, tasks, span, uniforms[i]) for i, crowd in enumerate(process.crowds)
        )
    factor = np.ones((span.length, len(span.names), len(tasks)))
    for crowd, (first, task, there) in zip(process.crowds, gathered, strict=True):
        age = span.slots[:, 0] - first
        wave = np.where(age >= 0, 1.0 + (crowd.factor - 1.0) * np.exp(-np.maximum(age, 0) / crowd.decay), 1.0)
        factor[:, there, task] *= wave[:, None]
    return factor.reshape(span.length, -1), gathered


def _gather(crowd: Crowd, number: int, tasks: Sequence[str], span: Span, uniforms: Floats) -> Gathering:
    key = f"workload.flash.crowds.{number}"
    first = int(uniforms[0] * span.horizon) if crowd.at is None else crowd.at
    if crowd.task is not None and crowd.task not in tasks:
        raise ConfigError(
            f"{key}.task", f"{show(crowd.task)} is not a task; {closest(crowd.task, list(tasks))}"
        )
    task = int(uniforms[1] * len(tasks)) if crowd.task is None else list(tasks).index(crowd.task)
    there = np.ones(len(span.names), np.bool_)
    if crowd.nodes:
        there = select(crowd.nodes, span.names, f"{key}.nodes", INGRESS)
    if crowd.spots is not None:
        if crowd.spots > there.sum():
            allowed = f"must be at most {there.sum()}, the number of its nodes"
            raise ConfigError(f"{key}.spots", f"{crowd.spots} is not allowed; {allowed}")
        chosen = np.argsort(np.where(there, uniforms[2:], 2.0), kind="stable")[: crowd.spots]
        there = np.zeros_like(there)
        there[chosen] = True
    return first, task, there
