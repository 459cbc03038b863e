"""Check an instance once, where it is built or loaded, so that kernels need not."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Instance, Tables

T = TypeVar("T", bound=NamedTuple)


class InstanceError(ValueError):
    """An instance whose arrays do not fit together; the message names the field."""


def freeze(tables: Tables) -> Tables:
    """Make every array contiguous and read-only; a kernel that writes to one fails to compile."""
    return Tables(*(_freeze(value) for value in tables))


def _freeze(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    array = np.ascontiguousarray(value)
    array.flags.writeable = False
    return array


def check_instance(instance: Instance) -> None:
    """Check shapes, types, signs and indices.

    Raises:
        InstanceError: the first field that is wrong, and how.
    """
    _check_tables(instance.tables)
    _check_draw(instance.tables, instance.draw)


def _check_tables(tables: Tables) -> None:
    nodes, links, models = len(tables.node_memory), len(tables.link_rate), len(tables.model_task)
    segments, options = len(tables.segment_model), len(tables.option_model)
    classes, parts = len(tables.class_task), len(tables.part_node)
    lengths = {"node": nodes, "link": links, "segment": segments, "class": classes, "option": options, "part": parts}
    for name, value in zip(tables._fields, tables, strict=True):
        kind = name.split("_")[0]
        if kind in lengths and name not in ("segment_value",) and not name.endswith("_start"):
            _demand(len(value) == lengths[kind], name, f"has {len(value)} rows; must have {lengths[kind]}")
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            finite = np.isfinite(value) | ((value == np.inf) & (name == "node_seconds"))
            _demand(bool(np.all(finite)), name, "has values that are not finite")
            _demand(name == "segment_value" or not np.any(value < 0), name, "has negative values")
    _demand(tables.segment_value.shape == (nodes, segments), "segment_value", "must be (N, S)")
    _demand(tables.pinned.shape == (nodes, models), "pinned", "must be (N, M)")
    _demand(not np.any(tables.link_rate <= 0), "link_rate", "must be above 0")
    _check_range(tables.pinned, EMPTY, segments, "pinned")
    for name, size in (("path_node", nodes), ("class_path", len(tables.path_start) - 1), ("part_node", nodes)):
        _check_range(getattr(tables, name), 0, size, name)
    for name, size in (("option_model", models), ("part_segment", segments), ("segment_model", models)):
        _check_range(getattr(tables, name), 0, size, name)
    _check_range(tables.path_link, EMPTY, links, "path_link")
    for name, rows, end in (("option", classes, options), ("part", options, parts)):
        start = getattr(tables, f"{name}_start")
        right = len(start) == rows + 1 and start[0] == 0 and start[-1] == end and np.all(np.diff(start) >= 0)
        _demand(bool(right), f"{name}_start", f"must rise from 0 to {end} in {rows} steps")


def _check_draw(tables: Tables, draw: Draw) -> None:
    _demand(draw.demand.ndim == 3, "demand", f"has shape {draw.demand.shape}; must be (B, T, R)")
    batch, slots = draw.demand.shape[:2]
    nodes, links, classes = len(tables.node_memory), len(tables.link_rate), len(tables.class_task)
    shapes = {
        "demand": (batch, slots, classes),
        "order": (batch, slots, classes),
        "seconds": (batch, slots, nodes),
        "memory": (batch, slots, nodes),
        "rate": (batch, slots, links),
        "slowdown": (batch, nodes),
        "option_latency": (batch, len(tables.option_model)),
        "option_joules": (batch, len(tables.option_model)),
        "drop_joules": (batch, classes),
        "tariff": (batch, 4),
        "weights": (batch, 5),
    }
    for name, shape in shapes.items():
        value = getattr(draw, name)
        _demand(value.shape == shape, name, f"has shape {value.shape}; must be {shape}")
        _demand(not np.any(np.isnan(value)) and not np.any(value < 0), name, "has negative values or NaN")
        if name not in ("seconds", "order"):
            _demand(bool(np.all(np.isfinite(value))), name, "has values that are not finite")
    _demand(draw.uniforms.shape[:2] == (batch, slots), "uniforms", "must be (B, T, U)")
    _demand(not np.any(draw.rate <= 0), "rate", "must be above 0")
    right = np.array_equal(np.sort(draw.order, axis=2), np.broadcast_to(np.arange(classes), draw.order.shape))
    _demand(right, "order", "must be a permutation of the classes in every slot")


def _check_range(value: Any, low: int, high: int, name: str) -> None:
    right = len(value) == 0 or (np.min(value) >= low and np.max(value) < high)
    _demand(bool(right), name, f"must be indices from {low} to {high - 1}")


def _demand(right: bool, name: str, problem: str) -> None:
    if not right:
        raise InstanceError(f"{name}: {problem}")
