"""Check an instance once, where it is built or loaded, so that kernels need not."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.answer_rules import answer_rules
from idn_gym.core.arrays import (
    EMPTY,
    INSTANT,
    PRICED,
    SHARED,
    Draw,
    Instance,
    Residents,
    State,
    Tables,
)
from idn_gym.core.basins import find_basins
from idn_gym.core.field_shapes import INDEX_LIKE, INDICES, SHAPES, STARTS
from idn_gym.core.option_tables import fallbacks
from idn_gym.core.pricing import choose_last
from idn_gym.core.route_rules import route_rules
from idn_gym.core.row_starts import owners
from idn_gym.core.store_rules import store_rules
from idn_gym.core.waiting import CROWD
from idn_gym.core.weaving import weave
from idn_gym.messages import ConfigError, show


class InstanceError(ValueError):
    """An instance whose arrays do not fit together; the message names the field."""


def check_saved(saved: Any, now: Any) -> None:
    """Check that a saved state has the keys and arrays of one that is taken now.

    Args:
        saved: nested data with arrays, from outside.
        now: what the same call returns here.

    Raises:
        ConfigError: it has others.
    """
    if _layout(saved) != _layout(now):
        allowed = "allowed: what get_state returned for the same scenario, with as many episodes"
        raise ConfigError("state", f"is not a state of this environment; {allowed}")


def check_slot(instance: Instance, t: int, b: int) -> None:
    """Check that an instance has slot `t` of row `b`, since kernels read without bounds checks.

    Raises:
        ConfigError: it has not.
    """
    for name, value, count in zip("bt", (b, t), instance.draw.demand.shape[:2], strict=True):
        if not isinstance(value, int | np.integer) or not 0 <= value < count:
            raise ConfigError(
                name, f"{show(value)} is not allowed; must be a whole number from 0 to {count - 1}"
            )


def check_placement(tables: Tables, placement: Residents) -> None:
    """Check that a placement (N, M) has segments of these tables, or EMPTY, each in its model's column.

    Raises:
        ConfigError: it has not.
    """
    shape = tables.pinned.shape
    if not isinstance(placement, np.ndarray) or placement.shape != shape or placement.dtype.kind != "i":
        raise ConfigError("placement", f"must be an array of whole numbers of the shape {shape}")
    if not _in_columns(tables, placement):
        raise ConfigError("placement", "holds numbers that are not segments of the model of their column")


def check_residents(tables: Tables, state: State) -> None:
    """Check that what is resident and on its way are segments of these tables, each in its model's column.

    Raises:
        ConfigError: it is not.
    """
    for held in (state.resident, state.wish):  # nothing is on its way where loading is instant
        if not _in_columns(tables, held):
            raise ConfigError("state", "holds segments of another scenario")


def _in_columns(tables: Tables, held: Residents) -> bool:
    known = (held >= EMPTY) & (held < len(tables.segment_model))
    models = tables.segment_model[np.where(known, held, 0)]
    return bool(np.all(known & ((held == EMPTY) | (models == np.arange(held.shape[-1])))))


def _layout(value: Any) -> Any:
    """Types and shapes of the arrays in nested data, without what grows while an episode is played."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape
    if isinstance(value, dict):
        return {key: _layout(item) for key, item in value.items() if key != "chains"}
    return [_layout(item) for item in value] if isinstance(value, list | tuple) else None


def freeze_tables(tables: Tables) -> Tables:
    """Make every array contiguous and read-only; a kernel that writes to one fails to compile."""
    return weave(Tables(*(_freeze(value) for value in tables)))


def _freeze(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    array = np.ascontiguousarray(value, np.int32 if value.dtype == np.int64 else None)
    array.flags.writeable = False
    return array


def check_kinds(tables: Tables, draw: Draw) -> None:
    """Check types and numbers of axes, before anything converts them.

    Raises:
        InstanceError: the first field that is wrong, and how.
    """
    axes = {name: len(letters) for letters, names in SHAPES.items() for name in names}
    axes |= dict.fromkeys(STARTS, 1)
    for part in (tables, draw):
        for name, value in part._asdict().items():
            wanted, array = _kind(name), np.asarray(value)
            right = array.dtype == wanted and array.ndim == axes[name]
            found = f"is {array.dtype} with {array.ndim} axes"
            _demand(right, name, f"{found}; must be {wanted} with {axes[name]}")


def _kind(name: str) -> np.dtype[Any]:
    others: dict[str, type] = dict.fromkeys(("capacity", "queueing", "loading", "answer_streams"), np.int64)
    others["node_movable"] = np.bool_
    return np.dtype(np.int32 if name in INDEX_LIKE else others.get(name, np.float64))


def check_instance(instance: Instance) -> None:
    """Check shapes, signs and indices.

    Raises:
        InstanceError: the first field that is wrong, and how.
    """
    tables, draw = instance
    size = _measure(tables, draw)
    fields = {**tables._asdict(), **draw._asdict()}
    for letters, names in SHAPES.items():
        shape = tuple(size[letter] for letter in letters)
        for name in names:
            found = np.shape(fields[name])
            _demand(found == shape, name, f"has shape {found}; must be ({', '.join(letters)}) = {shape}")
    for name, value in fields.items():
        if np.asarray(value).dtype.kind == "f":
            _check_numbers(name, value)
    for name, letters in STARTS.items():
        rows, end = letters[0], letters[1]
        start = fields[name]
        right = len(start) == size[rows] + 1 and start[0] == 0 and start[-1] == size[end]
        right = right and bool(np.all(start[1:] >= start[:-1]))
        _demand(right, name, f"must rise from 0 to {size[end]} in {size[rows]} steps")
    for letter, names in INDICES.items():
        for name in names:
            _check_range(name, fields[name], 0, size[letter] + (letter == "V"))
    may_lack = {
        "node_uplink": "E",
        "link_chooser": "N",
        "path_link": "E",
        "node_store": "Z",
        "link_store": "Z",
        "need_node": "N",
    }
    for name, letter in may_lack.items():
        _check_range(name, fields[name], EMPTY, size[letter])
    _check_range("pinned", tables.pinned, EMPTY, size["S"])
    for name in ("capacity", "queueing", "loading"):
        value = getattr(tables, name)
        _demand(value in (0, 1), name, f"{value} is not allowed; must be 0 or 1")
    if tables.loading != INSTANT:
        _demand(tables.capacity == SHARED, "loading", "1 is not allowed where capacity is private; must be 0")
        share = tables.loading_share
        _demand(0.0 < share < 1.0, "loading_share", f"{share:g} is not allowed; must be above 0 and below 1")
    low, high = tables.load_limit, tables.last_resort
    _demand(0.0 < low <= 1.0, "load_limit", f"{low:g} is not allowed; must be above 0 and at most 1")
    most = "below 1" if tables.queueing else "at most 1"
    right = low <= high <= 1.0 and not (tables.queueing and high == 1.0)
    _demand(right, "last_resort", f"{high:g} is not allowed; must be at least `load_limit` and {most}")
    _check_range("node_servers", tables.node_servers, 0, CROWD + 1)
    _check_relations(tables)
    for rule in (*store_rules(tables), *answer_rules(tables, draw)):
        _demand(*rule)
    _check_fallbacks(tables, draw)


def _measure(tables: Tables, draw: Draw) -> dict[str, int]:
    """The dimensions, each read off one array."""
    three = ("demand", "uniforms", "condition")
    two = ("weights", "block_bytes", "branch_bytes", "node_charge")
    for name, axes in (dict.fromkeys(three, 3) | dict.fromkeys(two, 2)).items():
        array = getattr(draw, name) if name in Draw._fields else getattr(tables, name)
        _demand(array.ndim == axes, name, f"has {array.ndim} axes; must have {axes}")
    batch, slots = draw.demand.shape[:2]
    return {
        "N": len(tables.node_memory),
        "E": len(tables.link_rate),
        "J": len(tables.path_node),
        "H": len(tables.load_node),
        "I": len(tables.node_memory) * (len(tables.task_model) - 1),
        "Z": len(tables.store_capacity),
        "Y": len(tables.need_store),
        "r": len(tables.radio_link),
        "f": tables.radio_harm.shape[1],
        "c": max(0, len(tables.cell_start) - 1),
        "m": len(tables.message_radio),
        "P": len(tables.path_start) - 1,
        "K": len(tables.task_model) - 1,
        "M": len(tables.model_task),
        "W": tables.block_bytes.shape[1],
        "S": len(tables.segment_model),
        "R": len(tables.class_task),
        "G": len(tables.group_start) - 1,
        "O": len(tables.option_model),
        "Q": len(tables.part_node),
        "X": len(tables.branch_share),
        "V": tables.branch_bytes.shape[1],
        "B": batch,
        "A": 1 if len(draw.option_latency) == 1 else batch,
        "h": draw.condition.shape[2],
        "T": slots,
        "U": draw.uniforms.shape[2],
        "F": tables.node_charge.shape[1],
        "C": PRICED + tables.node_charge.shape[1],
        "D": draw.weights.shape[1],
    }


def _check_numbers(name: str, value: Any) -> None:
    elastic = name in ("node_seconds", "seconds")
    _demand(
        bool(np.all(np.isfinite(value) | (elastic & (value == np.inf)))),
        name,
        "has values that are not finite",
    )
    _demand(name == "segment_value" or not np.any(value < 0), name, "has negative values")
    _demand(name != "link_rate" or not np.any(value == 0), name, "must be above 0")


def _check_range(name: str, value: Any, low: int, high: int) -> None:
    right = np.size(value) == 0 or (np.min(value) >= low and np.max(value) < high)
    _demand(bool(right), name, f"must be from {low} to {high - 1}")


def _demand(right: bool, name: str, problem: str) -> None:
    if not right:
        raise InstanceError(f"{name}: {problem}")


def _check_relations(tables: Tables) -> None:
    """Conditions between tables that kernels rely on when they follow indices."""
    held = np.where(tables.pinned == EMPTY, 0, tables.pinned)
    own = tables.segment_model[held] == np.arange(tables.pinned.shape[1])
    _demand(
        bool(np.all(own | (tables.pinned == EMPTY))), "pinned", "must hold segments of the column's model"
    )
    length = np.diff(tables.path_start)[tables.class_path]
    groups = length * np.diff(tables.task_model)[tables.class_task]
    right = np.array_equal(np.diff(tables.class_group), groups)
    _demand(right, "class_group", "must have one group per position and model of the class's task")
    option_class = owners(tables.option_start)
    same = tables.model_task[tables.option_model] == tables.class_task[option_class]
    _demand(bool(np.all(same)), "option_model", "must solve the task of the class")
    part_option = owners(tables.part_start)
    within = tables.part_position < length[option_class[part_option]]
    _demand(bool(np.all(within)), "part_position", "must lie on the path of the class")
    for rule in route_rules(tables, length[option_class], option_class, part_option):
        _demand(*rule)
    same = tables.segment_model[tables.part_segment] == tables.option_model[part_option]
    _demand(bool(np.all(same)), "part_segment", "must be of the option's model")
    visited = tables.branch_parts <= np.diff(tables.part_start)[owners(tables.branch_start)]
    _demand(bool(np.all(visited)), "branch_parts", "must not exceed the option's parts")


def _check_fallbacks(tables: Tables, draw: Draw) -> None:
    """Options that serving passes over must be those that could never be used."""
    elastic = np.isinf(tables.node_seconds) & (tables.pinned != EMPTY).any(axis=1)
    endless = bool(np.all(np.isinf(draw.seconds[:, :, elastic])))
    _demand(endless, "seconds", "must be inf where elastic nodes pin models")
    basin = find_basins(tables._asdict(), elastic)
    first = np.unique(basin, return_index=True)[1]
    apart = np.array_equal(tables.class_basin, tables.class_basin[first][basin])
    _demand(apart, "class_basin", "must be the same for classes that share what may become full")
    held = np.arange(len(tables.segment_model)) == tables.pinned[:, tables.segment_model]
    earliest = fallbacks(tables._asdict(), held & elastic[:, None])
    right = np.all((tables.class_fallback >= earliest) & (tables.class_fallback <= tables.option_start[1:]))
    _demand(bool(right), "class_fallback", "must lie between where alternatives at its end start and its end")
    for cost, found in zip(draw.option_cost, draw.last_choice, strict=True):
        choice = np.empty_like(found)
        choose_last(tables, cost, choice)
        _demand(np.array_equal(found, choice), "last_choice", "must be the cheapest from class_fallback on")
