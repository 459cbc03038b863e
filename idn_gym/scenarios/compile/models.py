"""The models of a scenario, their segments, and which node can hold which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.catalog import schema
from idn_gym.catalog.laws import block_seconds, fixed_seconds
from idn_gym.config_reader import ConfigError, closest, show, twice
from idn_gym.core import options
from idn_gym.core.arrays import EMPTY, Floats, Ints, Residents
from idn_gym.core.geometry import held_bytes
from idn_gym.scenarios.compile.routes import Network, look_up
from idn_gym.scenarios.config import Serving, Task


@dataclass(frozen=True, eq=False)
class Deployables:
    """All models with one row per (task, model of the catalogue)."""

    tasks: tuple[Task, ...]
    models: tuple[options.ModelRow, ...]
    sources: tuple[str, ...]  # name in the catalogue of each model
    listed: tuple[str, ...]  # name in the scenario of each task, which copies share
    segments: options.SegmentRows
    segment_bytes: Floats  # (S,)
    pinned: Residents  # (N, M)
    reserved: Floats  # (N,) [bytes] of what the node pins
    movable: npt.NDArray[np.bool_]  # (N,)
    placeable: npt.NDArray[np.bool_]  # (N, S) may be loaded and fits into nominal memory

    @property
    def task_model(self) -> Ints:
        """(K+1,) first model of each task."""
        return np.searchsorted([model.task for model in self.models], range(len(self.tasks) + 1))

    @property
    def holds(self) -> npt.NDArray[np.bool_]:
        """(N, S) whether the node can ever hold the segment, pinned models included."""
        held: npt.NDArray[np.bool_] = self.placeable | (self.pinned[:, self.segments.model] != EMPTY)
        return held


def collect_models(
    tasks: Sequence[Task], catalog: schema.Catalog, network: Network, serving: Serving
) -> Deployables:
    """Collect models, cut them into segments, and pin what repositories hold.

    Args:
        tasks: that `look_up_tasks` has seen.
        catalog: models and devices.
        network: nodes.
        serving: parts and exits.

    Raises:
        ConfigError: a copy has the name of another task, or pins over memory or RAM.
    """
    copies = copy_tasks(tasks)
    models, sources = _models(copies, catalog, network, serving.exits)
    segments = options.enumerate_segments(models, serving.max_parts)
    spans = zip(segments.model, segments.first, segments.last, strict=True)
    size = np.array([models[m].block_bytes[first:last].sum() for m, first, last in spans])
    fits = _activations_fit(network, catalog, sources, segments)
    pinned = _pin(network, models, sources, segments, fits)
    reserved = held_bytes(size, pinned).sum(1)
    free = network.memory - reserved
    for v in np.flatnonzero(free < 0):
        node = network.nodes[v]
        raise ConfigError(
            f"topology.nodes.{node.name}.memory",
            f"{network.memory[v]:g} is not allowed; its pinned models need {-free[v]:g} bytes more",
        )
    movable = (pinned == EMPTY).any(1) & (free > 0)
    fits &= size[None] <= free[:, None]
    placeable = movable[:, None] & fits & (pinned[:, segments.model] == EMPTY)
    listed = tuple(task.name for task in tasks for _ in range(task.copies))
    return Deployables(copies, models, sources, listed, segments, size, pinned, reserved, movable, placeable)


def copy_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Spell out tasks with copies: detect-01, detect-02, ...

    Raises:
        ConfigError: a copy has the name of another task.
    """
    spelled = []
    for task in tasks:
        if task.copies == 1:
            spelled.append(task)
        else:
            width = len(str(task.copies))
            spelled += [
                replace(task, name=f"{task.name}-{i + 1:0{width}}", copies=1) for i in range(task.copies)
            ]
    name = twice(task.name for task in spelled)
    if name is not None:
        raise ConfigError("tasks", f"{name!r} is given twice; names must differ, copies included")
    return tuple(spelled)


def look_up_tasks(
    tasks: Sequence[Task], catalog: schema.Catalog, network: Network, exits: bool
) -> dict[str, list[int]]:
    """Repositories by task, without its copies: nodes that pin a model that may be used.

    Raises:
        ConfigError: an unknown model, a model listed twice, models of several tasks, a task that only
            models with early exits solve where exits are switched off, or an unknown pin.
    """
    homes = {}
    for task in tasks:
        if not task.models or len(set(task.models)) < len(task.models):
            raise ConfigError(
                f"tasks.{task.name}.models",
                f"{show(list(task.models))} is not allowed; it is empty or names a model twice",
            )
        solved = {look_up(catalog.models, name, f"tasks.{task.name}.models").task for name in task.models}
        if len(solved) > 1:
            raise ConfigError(
                f"tasks.{task.name}.models",
                f"{show(list(task.models))} is not allowed; they solve {' and '.join(sorted(solved))}",
            )
        _warn_of_mixture(task, catalog)
        usable = {name for name in task.models if _points(catalog.models[name], exits)}
        if not usable:
            raise ConfigError(
                "serving.exits", f"false is not allowed; all models of {task.name!r} exit early"
            )
        homes[task.name] = [
            v for v, node in enumerate(network.nodes) if "all" in node.pins or usable.intersection(node.pins)
        ]
    _check_pins(network, {name for task in tasks for name in task.models})
    return homes


def _check_pins(network: Network, known: set[str]) -> None:
    for node in network.nodes:
        for pin in node.pins:
            if pin != "all" and pin not in known:
                raise ConfigError(
                    f"topology.nodes.{node.name}.pins",
                    f"{pin!r} is not allowed; {closest(pin, ['all', *sorted(known)])}",
                )


def _models(
    tasks: Sequence[Task], catalog: schema.Catalog, network: Network, exits: bool
) -> tuple[tuple[options.ModelRow, ...], tuple[str, ...]]:
    uses = Counter(name for task in tasks for name in task.models)
    rows = {name: _model(catalog.models[name], network.kinds, exits) for name in uses}
    models, sources = [], []
    for k, task in enumerate(tasks):
        for name in task.models:
            shown = name if uses[name] == 1 else f"{name}@{task.name}"
            models.append(rows[name]._replace(name=shown, task=k))
            sources.append(name)
    return tuple(models), tuple(sources)


def _warn_of_mixture(task: Task, catalog: schema.Catalog) -> None:
    measured = [name for name in task.models if catalog.models[name].outcome == "measured"]
    if 0 < len(measured) < len(task.models):
        gym.logger.warn(
            "%s",
            f"tasks.{task.name}.models mixes accuracies that were measured ({', '.join(measured)}) with "
            "published ones, of other pictures or weights",
        )


def _model(row: schema.Model, devices: Sequence[schema.Device], exits: bool) -> options.ModelRow:
    return options.ModelRow(
        name=row.name,
        task=0,
        block_bytes=np.array([block.weights for block in row.blocks], float),
        cut_bytes=np.array([row.input, *(block.output for block in row.blocks)], float),
        seconds=np.array([block_seconds(row, device) for device in devices], float),
        entry_seconds=np.array([fixed_seconds(row, device) for device in devices], float),
        points=tuple(
            options.PointRow(
                point.name, point.accuracy, tuple((exit_.after, exit_.share) for exit_ in point.exits)
            )
            for point in _points(row, exits)
        ),
    )


def _points(row: schema.Model, exits: bool) -> list[schema.OperatingPoint]:
    """Operating points that may be used."""
    return [point for point in row.points if exits or point.exits[-1].share == 1.0]


def _pin(
    network: Network,
    models: Sequence[options.ModelRow],
    sources: Sequence[str],
    segments: options.SegmentRows,
    fits: npt.NDArray[np.bool_],
) -> Residents:
    pinned = np.full((len(network.nodes), len(models)), EMPTY, np.int32)
    for v, node in enumerate(network.nodes):
        if not node.pins:
            continue
        for m, model in enumerate(models):
            if "all" in node.pins or sources[m] in node.pins:
                whole = segments.row_of[m, 0, len(model.block_bytes)]
                if not fits[v, whole]:
                    wrong = f"{sources[m]!r} is not allowed; its activations need more than the RAM of"
                    raise ConfigError(f"topology.nodes.{node.name}.pins", f"{wrong} {node.device}")
                pinned[v, m] = whole
    return pinned


def _activations_fit(
    network: Network, catalog: schema.Catalog, sources: Sequence[str], segments: options.SegmentRows
) -> npt.NDArray[np.bool_]:
    """(N, S) whether the tensors of the segment's blocks fit into the RAM of the node's device."""
    ram = np.array([np.inf if device.ram is None else device.ram for device in network.devices])
    spans = zip(segments.model, segments.first, segments.last, strict=True)
    most = np.array(
        [
            max(block.activations for block in catalog.models[sources[m]].blocks[first:last])
            for m, first, last in spans
        ]
    )
    found: npt.NDArray[np.bool_] = most[None] <= ram[:, None]
    return found


def start_seconds(gathered: Deployables, catalog: schema.Catalog, network: Network) -> Floats:
    """Seconds from a model's last byte to its first answer (N, M): of the device and of the model."""
    model = np.array([catalog.models[name].start_seconds for name in gathered.sources])
    device = np.array([device.start_seconds for device in network.devices])
    seconds: Floats = device[:, None] + model
    return seconds


def block_table(models: Sequence[options.ModelRow]) -> Floats:
    """Bytes of all blocks before each index (M, max blocks + 1)."""
    table = np.zeros((len(models), 1 + max(len(model.block_bytes) for model in models)))
    for m, model in enumerate(models):
        sums = np.cumsum(model.block_bytes)
        table[m, 1 : len(sums) + 1] = sums
        table[m, len(sums) + 1 :] = sums[-1]
    return table
