"""The request classes of a scenario: where they enter, what they ask for, and how it may be served."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.option_rows import OptionRows, pool_options
from idn_gym.core.option_shapes import OptionShapes, task_kind
from idn_gym.core.option_tables import ClassOptions, PathNodes, stack_options
from idn_gym.core.options import Routes, path_shape
from idn_gym.core.row_starts import starts_of
from idn_gym.core.work_table import WorkTable
from idn_gym.scenarios.compile.models import Deployables
from idn_gym.scenarios.compile.path_tables import sum_along
from idn_gym.scenarios.compile.routes import Network
from idn_gym.scenarios.config import Scenario

_Thing = TypeVar("_Thing", bound=Hashable)


class RequestClasses(NamedTuple):
    """Request classes in the order ingress, then task."""

    ingress: Ints  # (R,) number among the ingress nodes
    task: Ints  # (R,)
    path: Ints  # (R,)
    paths: tuple[Routes, ...]  # each once


def list_classes(scenario: Scenario, routes: Sequence[Sequence[Routes]]) -> RequestClasses:
    """One class per ingress node and task; copies of a task share its routes.

    Args:
        scenario: its tasks.
        routes: from `find_routes`.
    """
    number: dict[Routes, int] = {}
    path = np.array([[number.setdefault(path, len(number)) for path in row] for row in routes])
    listed = np.repeat(np.arange(len(scenario.tasks)), [task.copies for task in scenario.tasks])
    return RequestClasses(
        ingress=np.repeat(np.arange(len(routes)), len(listed)),
        task=np.tile(np.arange(len(listed)), len(routes)),
        path=path[:, listed].ravel(),
        paths=tuple(number),
    )


def class_options(
    network: Network,
    gathered: Deployables,
    classes: RequestClasses,
    paths: Mapping[str, Any],
    max_parts: int,
) -> dict[str, Any]:
    """The fields of `stack_options`, enumerated once for identical classes.

    Args:
        network: nodes and links.
        gathered: models.
        classes: of the scenario.
        paths: from `path_tables`.
        max_parts: most parts per option.
    """
    models = dict(zip(gathered.sources, gathered.models, strict=True))
    work = WorkTable(models)
    pool, begin, table = _enumerate(OptionShapes(models, work, max_parts), gathered, classes)
    model = gathered.task_model
    rows = ClassOptions(
        first=begin[table],
        size=np.diff(begin)[table],
        path=classes.path,
        model=model[classes.task],
        models=np.diff(model)[classes.task],
        segment=np.searchsorted(gathered.segments.model, model[classes.task]),
    )
    nodes = PathNodes(
        start=paths["path_start"],
        node=paths["path_node"],
        joules=sum_along(classes.paths, network.joules),
        device=network.node_kind,
        holds=gathered.holds,
    )
    return stack_options(pool, rows, nodes, work.seconds)


def _enumerate(
    shapes: OptionShapes, gathered: Deployables, classes: RequestClasses
) -> tuple[OptionRows, Ints, Ints]:
    """Options of all kinds of tasks on all shapes of paths, where each begins, and which a class has."""
    tasks = [slice(first, last) for first, last in pairwise(gathered.task_model.tolist())]
    kind, kinds = _numbered([task_kind(gathered.models[mine], gathered.sources[mine]) for mine in tasks])
    shape, forms = _numbered([path_shape(path) for path in classes.paths])
    alike, table = np.unique(kind[classes.task] * len(forms) + shape[classes.path], return_inverse=True)
    tables = [shapes.enumerate(kinds[i // len(forms)], forms[i % len(forms)]) for i in alike.tolist()]
    return pool_options(tables), starts_of(np.array([len(rows.rank) for rows in tables])), table


def _numbered(things: Sequence[_Thing]) -> tuple[Ints, list[_Thing]]:
    """Number the things, and return the distinct things: equal things have one number."""
    number: dict[_Thing, int] = {}
    found = np.array([number.setdefault(thing, len(number)) for thing in things])
    return found, list(number)


def class_requests(scenario: Scenario, network: Network, gathered: Deployables) -> Floats:
    """Nominal requests per slot (R,): rate x ingress weight x task share x rank^-zipf."""
    rank = np.arange(1, len(gathered.tasks) + 1)
    share = np.array([task.share for task in gathered.tasks]) * rank ** -float(scenario.workload.zipf)
    weight = np.array([network.nodes[v].demand * network.count[v] for v in network.ingress])
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
