"""The request classes of a scenario: where they enter, what they ask for, and how it may be served."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core import options
from idn_gym.core.arrays import Floats
from idn_gym.scenarios.compile.models import Deployables
from idn_gym.scenarios.compile.routes import Network
from idn_gym.scenarios.config import Scenario


class RequestClasses:
    """Request classes in the order ingress, then task.

    Args:
        scenario: the scenario.
        network: its nodes and links.
        gathered: its models.
        routes: from `find_routes`; copies of a task share them.
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        gathered: Deployables,
        routes: Sequence[Sequence[options.Routes]],
    ) -> None:
        self.paths: dict[options.Routes, int] = {}
        self.task: list[int] = []
        self.path: list[int] = []
        self.ingress: list[int] = []
        self.rows: list[list[options.OptionRow]] = []
        self.groups: list[list[tuple[int, int]]] = []
        holds, parts = gathered.holds, scenario.serving.max_parts
        listed = np.repeat(np.arange(len(scenario.tasks)), [task.copies for task in scenario.tasks])
        models: list[list[int]] = [[] for _ in gathered.tasks]
        for m, model in enumerate(gathered.models):
            models[model.task].append(m)
        for i, row in enumerate(routes):
            for k, mine in enumerate(models):
                path = row[listed[k]]
                positions = sum(len(route.nodes) for route in path)
                self.groups.append([(position, m) for position in range(positions) for m in mine])
                self.task.append(k)
                self.ingress.append(i)
                self.path.append(self.paths.setdefault(path, len(self.paths)))
                self.rows.append(
                    options.enumerate_options(
                        gathered.models, gathered.segments, k, path, holds, network.joules, parts
                    )
                )


def class_requests(scenario: Scenario, network: Network, gathered: Deployables) -> Floats:
    """Nominal requests per slot (R,): rate x ingress weight x task share x rank^-zipf."""
    rank = np.arange(1, len(gathered.tasks) + 1)
    share = np.array([task.share for task in gathered.tasks]) * rank ** -float(scenario.workload.zipf)
    weight = np.array([network.nodes[v].demand for v in network.ingress])
    requests: Floats = (
        np.outer(weight / weight.sum(), share / share.sum()).ravel() * scenario.nominal_requests
    )
    if not (np.isfinite(requests) & (requests > 0)).all():
        raise ConfigError(
            "workload",
            f"rate {scenario.workload.rate:g} and zipf {scenario.workload.zipf:g} are not allowed with these "
            "shares and demands; each request class must get a finite number of requests above 0",
        )
    return requests
