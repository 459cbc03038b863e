"""What processes name is looked up when a scenario is compiled, not in the middle of a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from idn_gym.scenarios.families import run_process
from idn_gym.scenarios.processes.demand import label_classes, list_factors, shares_of
from idn_gym.scenarios.processes.named_things import ColumnNames
from idn_gym.scenarios.processes.replay import ClassLabels
from idn_gym.scenarios.spans import Span

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


def check_processes(compiled: Compiled) -> None:
    """Draw one slot of every process that names nodes, links or tasks, or plays a file.

    Raises:
        ConfigError: a name of nothing, or a file that cannot be played.
    """
    scenario, rng, labels = compiled.scenario, np.random.default_rng(0), label_classes(compiled)
    for process, moved, columns, names in _listed(compiled, labels):
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


def _listed(compiled: Compiled, labels: ClassLabels) -> Iterator[tuple[Any, Any, int, ColumnNames]]:
    """Every process, with what its law gets, how many columns it draws, and their names."""
    dynamics, names, rates = compiled.scenario.dynamics, compiled.names, compiled.tables.link_rate
    workload, base, nodes = compiled.scenario.workload, compiled.tables.class_requests, len(names.nodes)
    yield dynamics.link, rates, rates.size, names.of_links
    yield dynamics.link_outages, rates.size, rates.size, names.of_links
    by_node = (
        dynamics.background, dynamics.outages, dynamics.memory, dynamics.energy_price, dynamics.carbon
    )  # fmt: skip
    for process in by_node:
        yield process, nodes, nodes, names.of_nodes
    shares, column, _ = shares_of(workload.popularity, base, labels)
    yield workload.popularity, shares, int(column.max()) + 1, names.of_ingress
    for factor, moved, column in list_factors(workload, base, labels):
        yield factor, moved, int(column.max()) + 1, names.of_ingress
