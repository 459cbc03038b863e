"""Processes of a scenario's episode, one by one, with their titles."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Bools, Floats
from idn_gym.objective_records import charged
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import episode_seed, episode_streams, walk_demand
from idn_gym.scenarios.families import draw_process, key_of
from idn_gym.scenarios.processes.checks import list_processes
from idn_gym.scenarios.processes.demand import label_classes
from idn_gym.scenarios.processes.named_things import ColumnNames
from idn_gym.scenarios.processes.random_streams import Streams
from idn_gym.scenarios.processes.resources import MOST_BACKGROUND, draw_slowdown
from idn_gym.scenarios.spans import walk_spans


class DrawnProcess(NamedTuple):
    """A process in the slots of an episode."""

    title: str
    unit: str
    values: Floats  # (T, C)
    names: tuple[str, ...]  # of the columns
    things: str  # what the columns are
    nominal: float | None = None
    """drawn as a dashed line"""


DOWN = "down"
"""Unit of what is 1 while it is down, and else 0."""

_SAID = {
    "workload.mobility": ("mobility", "x usual demand", "ingress nodes", 1.0),
    "workload.diurnal": ("time of day", "x mean demand", "ingress nodes", 1.0),
    "workload.bursts": ("bursts", "x mean demand", "ingress nodes", 1.0),
    "dynamics.link": ("link rates", "x nominal rate", "links", 1.0),
    "dynamics.link_outages": ("links that are down", DOWN, "links", None),
    "dynamics.background": ("other work", "share of compute", "nodes", None),
    "dynamics.outages": ("nodes that are down", DOWN, "nodes", None),
    "dynamics.memory": ("memory that is left", "share of memory", "nodes", None),
    "dynamics.harvest": ("harvest", "J per slot", "nodes", None),
    "dynamics.energy_price": ("electricity price", "EUR/kWh", "nodes", None),
    "quality.conditions": ("conditions of requests", "place in names", "ingress nodes", None),
    "dynamics.carbon": ("carbon intensity of electricity", "g CO2e/kWh", "nodes", None),
}
"""Processes whose columns are drawn directly: title, unit, meaning of the columns, and nominal value."""

_STILL = ("fixed", "constant")
"""Kinds that move nothing."""


def drawn_processes(compiled: Compiled, split: str, seed: int) -> list[DrawnProcess]:
    """Everything that moves in an episode, each process by itself, with the very numbers that are played.

    First what they come to, the demand of each ingress node. Rates of links are 0 while they are down.
    Prices and carbon count only where an objective asks for them, and resources only of what can move.

    Args:
        compiled: the scenario.
        split: train, validation or test.
        seed: of the episode.

    Raises:
        ConfigError: an unknown split.
    """
    labels, root = label_classes(compiled), episode_seed(split, seed)
    of_demand, of_resources = _demand(compiled, episode_streams(root)), list[DrawnProcess]()
    drawn: dict[str, tuple[Any, Floats, Any, ColumnNames]] = {}
    for process, moved, columns, names in list_processes(compiled, labels):
        key = "" if process is None else key_of(type(process))
        if process is None or process.kind in _STILL or not _counts(compiled, key):
            continue
        spans = walk_spans(compiled.scenario.horizon, compiled.scenario.slot_seconds, episode_streams(root))
        values = np.concatenate(
            [draw_process(drawer, process, moved, names, columns, labels.delays) for drawer in spans]
        )
        drawn[key] = process, np.asarray(values, float), moved, names
    if {"dynamics.link", "dynamics.link_outages"} <= drawn.keys():  # a link that fails is not like the others
        process, rates, moved, names = drawn["dynamics.link"]
        drawn["dynamics.link"] = process, rates * (1.0 - drawn["dynamics.link_outages"][1]), moved, names
    for key, (process, values, moved, names) in drawn.items():
        said = _said(compiled, key, process, values, moved, names)
        (of_demand if key.startswith("workload.") else of_resources).extend(said)
    error = compiled.scenario.dynamics.device_error
    if error > 0:
        nodes = compiled.names.nodes
        slower = draw_slowdown(error, len(nodes), episode_streams(root)("slowdown"))
        of_resources.append(DrawnProcess("device error", "x compute time", slower[None], nodes, "nodes", 1.0))
    return of_demand + of_resources


def _counts(compiled: Compiled, key: str) -> bool:
    asked = {"dynamics.energy_price": "price", "dynamics.carbon": "carbon"}
    names = [objective.name for objective in charged(compiled.objectives)]
    return key not in asked or asked[key] in names


def _demand(compiled: Compiled, streams: Streams) -> list[DrawnProcess]:
    demand = np.concatenate(list(walk_demand(compiled, streams))) / compiled.scenario.slot_seconds
    by_node = demand @ np.eye(len(compiled.names.ingress))[compiled.class_ingress]
    names, workload = compiled.names.ingress, compiled.scenario.workload
    source = "log of requests" if workload.replay is not None else f"{workload.arrivals} arrivals"
    return [DrawnProcess(f"demand, {source}", "requests/s", by_node, names, "ingress nodes")]


def _said(
    compiled: Compiled,
    key: str,
    process: Any,
    values: Floats,
    moved: Any,
    names: ColumnNames,
) -> list[DrawnProcess]:
    """A process as it is drawn; arguments as `list_processes` returns them."""
    if key == "workload.popularity":
        return _popularity(compiled, process, values, moved)
    tasks, called = compiled.names.tasks, tuple(of[0] for of in names)
    if key == "workload.flash":
        title = f"flash crowds ({process.kind})"
        if not process.by_node:
            return [DrawnProcess(title, "x usual demand", values, tasks, "tasks", 1.0)]
        most = values.reshape(len(values), len(called), -1).max(axis=2)
        return [
            DrawnProcess(f"{title}, the task hit most", "x usual demand", most, called, "ingress nodes", 1.0)
        ]
    title, unit, things, nominal = _SAID[key]
    moves = _moves(compiled, key)
    if key == "dynamics.link":
        values = values / np.asarray(moved, float)
    if key == "dynamics.background":
        values = np.minimum(values, MOST_BACKGROUND)
    if moves is not None:
        values = values[:, moves]
        called = tuple(name for name, here in zip(called, moves, strict=True) if here)
    return [DrawnProcess(f"{title} ({process.kind})", unit, values, called, things, nominal)]


def _moves(compiled: Compiled, key: str) -> Bools | None:
    """Return the columns that a process of resources changes; None: all."""
    if key == "dynamics.link":
        return compiled.link_moves
    return (
        compiled.node_moves if key in ("dynamics.background", "dynamics.outages", "dynamics.memory") else None
    )


def _popularity(
    compiled: Compiled, process: Any, values: Floats, shares: npt.NDArray[np.float64]
) -> list[DrawnProcess]:
    """Shares of tasks, of processes by node at the busiest one; and the demand that moves between nodes."""
    tasks, names = compiled.names.tasks, compiled.names.ingress
    if not process.by_node:
        share = _per_slot(values)
        return [DrawnProcess(f"popularity ({process.kind})", "share of demand", share, tasks, "tasks")]
    by_node = values.reshape(len(values), len(names), len(tasks))
    totals = np.bincount(compiled.class_ingress, compiled.tables.class_requests)
    busiest = int(totals.argmax())
    title, share = f"popularity at {names[busiest]} ({process.kind})", _per_slot(by_node[:, busiest])
    found = [DrawnProcess(title, "share of demand", share, tasks, "tasks")]
    if process.roams:
        moved = _per_slot(by_node.sum(axis=2)) / (totals / totals.sum())
        title = f"users who move ({process.kind})"
        found.append(DrawnProcess(title, "x usual demand", moved, names, "ingress nodes", 1.0))
    return found


def _per_slot(values: Floats) -> Floats:
    total = values.sum(axis=1, keepdims=True)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0.0)
