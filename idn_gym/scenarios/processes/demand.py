"""Demand: nominal batches, re-weighted by popularity and multiplied by the factors that are on.

demand[t, r] = ingress total x popularity share[t, task] x mobility x diurnal x bursts x flash crowd, and a
Poisson draw around it where integers are asked for. Popularity moves demand between the tasks of an ingress
node and mobility between ingress nodes; the other factors change the total. A request log replaces what comes
before mobility. Each process has a random stream of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config import Bursts, Diurnal, FlashCrowd, Workload
from idn_gym.scenarios.families import PopularityProcess, draw_process, key_of
from idn_gym.scenarios.processes.markov import two_state
from idn_gym.scenarios.processes.named_things import INGRESS, divide
from idn_gym.scenarios.processes.replay import ClassLabels, replay_log
from idn_gym.scenarios.spans import Span, SpanDrawer

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled

MOST_INGRESS = 1000
"""Ingress nodes between which delays are looked for; more take minutes."""


def draw_demand(workload: Workload, base: Floats, labels: ClassLabels, drawer: SpanDrawer) -> Floats:
    """Draw the batch of every request class in the slots of a span.

    Args:
        workload: what the demand does.
        base: (R,) [requests] nominal batch of each class: rate x popularity x ingress weight.
        labels: the classes.
        drawer: of the span.

    Returns:
        (T, R) [requests].

    Raises:
        ConfigError: the request log to replay cannot be read.
    """
    demand = np.empty((drawer.length, base.size))
    demand[:] = base
    if workload.popularity.kind != "fixed":
        _divide(workload.popularity, base, labels, demand, drawer)
    if workload.replay is not None:
        demand = drawer.draw("workload.replay", replay_log, workload.replay, demand, labels)
    for process, moved, column in list_factors(workload, base, labels):
        factor = draw_process(drawer, process, moved, labels.places, int(column.max()) + 1, labels.delays)
        _multiply(demand, np.asarray(factor, float), column)
    if workload.arrivals == "poisson":
        return drawer.stream("arrivals").poisson(demand).astype(np.float64)
    return demand


def list_factors(workload: Workload, base: Floats, labels: ClassLabels) -> list[tuple[Any, Any, Ints]]:
    """The processes that multiply demand: each with what its law gets, and the column of each class (R,).

    Args:
        workload: what the demand does.
        base: (R,) [requests] nominal batch of each class.
        labels: the classes.
    """
    found: list[tuple[Any, Any, Ints]] = []
    nodes, tasks = int(labels.ingress.max()) + 1, int(labels.task.max()) + 1
    if workload.mobility is not None:
        share = np.bincount(labels.ingress, weights=base) / np.sum(base)
        found.append((workload.mobility, share, labels.ingress))
    for process in (workload.diurnal, workload.bursts):
        if process is not None:
            found.append((process, nodes, labels.ingress))
    if workload.flash is not None and workload.flash.by_node:
        found.append((workload.flash, labels.tasks, labels.ingress * tasks + labels.task))
    elif workload.flash is not None:
        found.append((workload.flash, tasks, labels.task))
    return found


def label_classes(compiled: Compiled) -> ClassLabels:
    """Names of a scenario's request classes, and delays between ingress nodes if they are needed.

    Raises:
        ConfigError: it does, and there are more than `MOST_INGRESS` of them.
    """
    names, delays = compiled.names, None
    for process in (compiled.scenario.workload.popularity, compiled.scenario.workload.mobility):
        if getattr(process, "by_delay", False):
            if len(names.ingress) > MOST_INGRESS:
                allowed = (
                    f"must be left out with {len(names.ingress):,} ingress nodes, or {MOST_INGRESS:,} at most"
                )
                raise ConfigError(key_of(type(process)), f"{show(process)} is not allowed; {allowed}")
            delays = compiled.delays
    return ClassLabels(
        compiled.tables.class_task,
        compiled.class_ingress,
        names.tasks,
        names.ingress,
        names.of_ingress,
        delays,
    )


def _divide(
    process: PopularityProcess, base: Floats, labels: ClassLabels, demand: Floats, drawer: SpanDrawer
) -> None:
    """Deal the nominal demand of each ingress node, or of all, as popularity says, into `demand`."""
    popularity, column, group = shares_of(process, base, labels)
    weights = draw_process(drawer, process, popularity, labels.places, delays=labels.delays)
    scratch = np.empty((2, int(labels.ingress.max()) + 1))
    _share_out(base, np.asarray(weights, float), column, group, demand, scratch)


def shares_of(process: PopularityProcess, base: Floats, labels: ClassLabels) -> tuple[Floats, Ints, Ints]:
    """Shares from which popularity starts.

    Args:
        process: the popularity.
        base: (R,) [requests] nominal batch of each class.
        labels: the classes.

    Returns:
        Shares (K,) or (G, K), as `PopularityProcess` has them; the column of each class in what is drawn, and
        the group of classes whose total stays, (R,) each.
    """
    nodes, tasks = int(labels.ingress.max()) + 1, int(labels.task.max()) + 1
    popularity = np.bincount(labels.task, weights=base) / np.sum(base)
    column, group = labels.task, labels.ingress
    if process.by_node:
        column = labels.ingress * tasks + labels.task
        by_node = np.bincount(column, weights=base, minlength=nodes * tasks).reshape(nodes, tasks)
        popularity = by_node / by_node.sum(axis=1, keepdims=True)
        if process.roams:
            popularity, group = by_node / np.sum(base), np.zeros_like(labels.ingress)
    return popularity, column, group


def draw_diurnal(process: Diurnal, ingresses: int, span: Span) -> tuple[Floats, Floats]:
    """Draw the factor 1 + amplitude x sin(2 pi (t / period + phase)) of every ingress node.

    Returns:
        (T, ingresses) factors of mean 1 over whole periods, and the phases (ingresses,).
    """
    phase = span.state
    if phase is None:
        uniforms = span.rng.random(ingresses + 1)
        phase = process.spread * uniforms[1:] + (uniforms[0] if process.random_start else 0.0)
        if process.regions:
            zone = divide(process.regions, span.names, "workload.diurnal.regions", INGRESS)
            phase = phase + np.array([named.phase for named in process.regions] + [0.0])[zone]
    turns = span.slots / process.period + phase
    return 1.0 + process.amplitude * np.sin(2.0 * np.pi * turns), phase


def draw_bursts(process: Bursts, ingresses: int, span: Span) -> tuple[Floats, Bools]:
    """Draw the two-state factor of every ingress node: high in a burst, low outside, mean 1.

    Returns:
        (T, ingresses) factors, and where there is a burst at the end (ingresses,).
    """
    share = process.start / (process.start + process.stop)
    low = 1.0 / (1.0 - share + share * process.ratio)
    bursting = two_state(span.rng.random(span.shape(ingresses)), process.start, process.stop, span.state)
    return np.where(bursting, process.ratio * low, low), bursting[-1].copy()


def draw_flash(process: FlashCrowd, tasks: int, span: Span) -> tuple[Floats, tuple[int, int]]:
    """Draw one flash crowd: factor 1 + (factor - 1) exp(-(t - t0) / decay) from slot t0 on, for one task.

    Returns:
        (T, tasks) factors, 1 for the other tasks and before t0; and t0 with the task.
    """
    state = span.state
    if state is None:
        start, task = span.rng.random(2)
        state = int(start * span.horizon), int(task * tasks)
    first, struck = state
    factor = np.ones(span.shape(tasks))
    age = span.slots[:, 0] - first
    factor[age >= 0, struck] = 1.0 + (process.factor - 1.0) * np.exp(-age[age >= 0] / process.decay)
    return factor, state


@kernel
def _share_out(
    base: Floats, weights: Floats, column: Ints, class_ingress: Ints, demand: Floats, scratch: Floats
) -> None:
    """Deal the total of each ingress node to its classes, in every slot, by the weights of their tasks.

    Args:
        base: (R,) [requests] nominal batches, whose sum per ingress node is dealt out.
        weights: (T, K) weights of the tasks, or (T, G K).
        column: (R,) that holds the class's.
        class_ingress: (R,) index of the ingress node; all 0 where demand moves between nodes.
        demand: (T, R) [requests] written to.
        scratch: (2, ingress nodes) working memory.
    """
    total, weight = 0, 1
    for g in range(scratch.shape[1]):
        scratch[total, g] = 0.0
    for r in range(base.size):
        scratch[total, class_ingress[r]] += base[r]
    for t in range(weights.shape[0]):
        for g in range(scratch.shape[1]):
            scratch[weight, g] = 0.0
        for r in range(base.size):
            scratch[weight, class_ingress[r]] += weights[t, column[r]]
        for r in range(base.size):
            g = class_ingress[r]
            # where no task of the node is active, its demand is unchanged: the rate defines the total
            if scratch[weight, g] > 0.0:
                demand[t, r] = scratch[total, g] * (weights[t, column[r]] / scratch[weight, g])
            else:
                demand[t, r] = base[r]


@kernel
def _multiply(demand: Floats, factor: Floats, column: Ints) -> None:
    """Multiply the demand of class r in place by the column of `factor` that is its own."""
    for t in range(demand.shape[0]):
        for r in range(demand.shape[1]):
            demand[t, r] *= factor[t, column[r]]
