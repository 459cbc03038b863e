"""Checks of processes when a scenario is compiled, so that errors do not appear during a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.families import run_process
from idn_gym.scenarios.processes.demand import label_classes, list_factors, shares_of
from idn_gym.scenarios.processes.file_warnings import warn_of_files, warn_of_log
from idn_gym.scenarios.processes.named_things import ColumnNames
from idn_gym.scenarios.processes.replay import ClassLabels
from idn_gym.scenarios.spans import Span

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled

MOST_USERS = 200_000
"""Users at all ingress nodes; numbers that are drawn for more take gigabytes."""

_DATED = (
    ("workload.flash", "crowds", "at"),
    ("dynamics.outages", "failures", "first"),
    ("dynamics.link_outages", "failures", "first"),
    ("quality.conditions", "changes", "first"),
)
"""Processes with a list of things that begin at a slot, the list, and the field of that slot."""


def played_files(scenario: Scenario) -> list[str]:
    """Files of the topology, of processes and of outcomes; if they change, the scenario is another one."""
    parts = [scenario.topology, scenario.workload.replay, *vars(scenario.dynamics).values()]
    paths: list[str] = []
    if scenario.quality is not None:
        parts.append(scenario.quality.conditions)
        paths += scenario.quality.outcomes
        paths += scenario.quality.adaptation.tables if scenario.quality.adaptation else ()
    return paths + [part.path for part in parts if isinstance(getattr(part, "path", None), str)]


def warn_of_what_never_comes(scenario: Scenario) -> None:
    """Name crowds and failures that begin after the last slot.

    A warning and no error: the horizon is the key by which episodes are made shorter, and what a scenario
    has to say of later slots does not make a short episode wrong.
    """
    for key, things, field in _DATED:
        part, name = key.split(".")
        process = getattr(getattr(scenario, part), name, None)
        for i, thing in enumerate(getattr(process, things, ())):
            slot = getattr(thing, field, None)
            if isinstance(slot, int) and slot >= scenario.horizon:
                where = f"{key}.{things}.{i}.{field}"
                last = scenario.horizon - 1
                gym.logger.warn("%s", f"{where}: {slot} has no effect; must be at most {last}, the last slot")


def _warn_of_repositories(compiled: Compiled) -> None:
    """Name scheduled failures of repositories, which do not fail."""
    fixed = {
        name
        for name, moves in zip(compiled.names.nodes, compiled.tables.node_movable, strict=True)
        if not moves
    }
    for i, failure in enumerate(getattr(compiled.scenario.dynamics.outages, "failures", ())):
        if failure.node in fixed:
            key = f"dynamics.outages.failures.{i}.node"
            said = "has no effect, since repositories do not fail; dynamics.link_outages takes links down"
            gym.logger.warn("%s", f"{key}: {show(failure.node)} {said}")


def check_users(scenario: Scenario, ingresses: int) -> None:
    """Refuse more users than a span can be drawn for.

    Raises:
        ConfigError: there are more than `MOST_USERS` at all ingress nodes together.
    """
    popularity = scenario.workload.popularity
    users = getattr(popularity, "users", None)
    if popularity.by_node and isinstance(users, int) and users * ingresses > MOST_USERS:
        most = MOST_USERS // ingresses
        allowed = f"must be at most {most:,} at each of {ingresses:,} ingress nodes, {MOST_USERS:,} together"
        raise ConfigError("workload.popularity.users", f"{users} is not allowed; {allowed}")


def check_processes(compiled: Compiled) -> None:
    """Draw one slot of every process that names nodes, links or tasks, or plays a file.

    Raises:
        ConfigError: a name of nothing, a file that cannot be played, or too many users.
    """
    check_users(compiled.scenario, len(compiled.names.ingress))
    warn_of_what_never_comes(compiled.scenario)
    _warn_of_repositories(compiled)
    warn_of_log(compiled)
    scenario, rng, labels = compiled.scenario, np.random.default_rng(0), label_classes(compiled)
    for process, moved, columns, names in list_processes(compiled, labels):
        if getattr(process, "by_name", False):
            span = Span(
                0,
                1,
                scenario.horizon,
                rng,
                slot_seconds=scenario.slot_seconds,
                names=names,
                delays=labels.delays,
            )
            run_process(process, moved, columns, span)
            warn_of_files(process, compiled, names)


def list_processes(compiled: Compiled, labels: ClassLabels) -> Iterator[tuple[Any, Any, int, ColumnNames]]:
    """Every process, with what its law gets, how many columns it draws, and their names."""
    dynamics, names, rates = compiled.scenario.dynamics, compiled.names, compiled.tables.link_rate
    workload, base, nodes = compiled.scenario.workload, compiled.tables.class_requests, len(names.nodes)
    yield dynamics.link, rates, rates.size, names.of_links
    yield dynamics.link_outages, rates.size, rates.size, names.of_links
    by_node = (
        dynamics.background, dynamics.outages, dynamics.memory, dynamics.energy_price, dynamics.carbon,
        dynamics.harvest,
    )  # fmt: skip
    if compiled.scenario.quality is not None:
        count = len(names.ingress)
        yield compiled.scenario.quality.conditions, count, count, names.of_ingress
    for process in by_node:
        yield process, nodes, nodes, names.of_nodes
    shares, column, _ = shares_of(workload.popularity, base, labels)
    yield workload.popularity, shares, int(column.max()) + 1, names.of_ingress
    for factor, moved, column in list_factors(workload, base, labels):
        yield factor, moved, int(column.max()) + 1, names.of_ingress
