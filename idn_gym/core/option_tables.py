"""The options of all classes as columns of `Tables`, in the order in which kernels walk them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints
from idn_gym.core.option_rows import OptionRows, take_options
from idn_gym.core.row_starts import entries_of, owners, starts_of


class ClassOptions(NamedTuple):
    """Options of each class, and the meaning of their numbers."""

    first: Ints  # (R,) first of its options in the pool
    size: Ints  # (R,) how many there are
    path: Ints  # (R,)
    model: Ints  # (R,) first model of its task
    models: Ints  # (R,) number of these
    segment: Ints  # (R,) first segment of its task


class PathNodes(NamedTuple):
    """Resources on the paths of classes."""

    start: Ints  # (P+1,) into J
    node: Ints  # (J,)
    joules: Floats  # (J,) [J/byte] on the links since the route began
    device: Ints  # (N,) kind of device
    holds: Bools  # (N, S) whether the node can ever hold the segment: pinned there, or it fits


def stack_options(
    pool: OptionRows, classes: ClassOptions, paths: PathNodes, seconds: Floats
) -> dict[str, Any]:
    """The `option_`, `part_`, `branch_` and group fields of `Tables`, and the worst traffic of each class.

    Args:
        pool: options of all kinds of tasks on all shapes of paths.
        classes: which of these each class has, as far as its nodes can hold their segments.
        paths: of the classes.
        seconds: (C, W) [s] as in `WorkTable`.
    """
    owner, rows = _usable(pool, classes, paths)
    there = rows.part_position != EMPTY
    here = paths.start[classes.path[owner], None] + rows.part_position
    node = paths.node[here]
    group = starts_of(np.diff(paths.start)[classes.path] * classes.models)
    mine = group[owner] + rows.part_position[:, 0] * classes.models[owner] + rows.model
    worst = np.zeros(len(classes.path))
    np.maximum.at(worst, owner, rows.traffic)
    taken = owners(rows.branch_start)
    visited = rows.branch_work != EMPTY
    return {
        "class_drop_bytes": worst,
        "class_group": group,
        "group_start": starts_of(np.bincount(mine, minlength=group[-1])),
        "option_start": starts_of(np.bincount(owner, minlength=len(classes.path))),
        "option_rank": rows.rank,
        "option_origin": rows.origin,
        "option_model": classes.model[owner] + rows.model,
        "option_point": rows.point,
        "option_error": rows.error,
        "option_traffic": rows.traffic,
        "option_link_joules": _link_joules(rows, paths.joules[here]),
        "part_start": starts_of(there.sum(axis=1)),
        "part_node": node[there],
        "part_position": rows.part_position[there],
        "part_segment": (classes.segment[owner, None] + rows.part_segment)[there],
        "part_seconds": seconds[paths.device[node[there]], rows.part_work[there]],
        "part_reach": rows.part_reach[there],
        "part_bytes": rows.part_bytes[there],
        "branch_start": rows.branch_start,
        "branch_share": rows.branch_share,
        "branch_parts": rows.branch_parts,
        "branch_bytes": rows.branch_bytes,
        "branch_seconds": visited * seconds[paths.device[node[taken]], rows.branch_work],
    }


def _usable(pool: OptionRows, classes: ClassOptions, paths: PathNodes) -> tuple[Ints, OptionRows]:
    """Class (O,) and rows of all options whose segments their nodes can hold, class by class."""
    option, owner = entries_of(classes.first, classes.size), owners(starts_of(classes.size))
    able = _held(pool, option, owner, classes, paths)
    # Ranks close up over what is left out.
    place = starts_of(classes.size)[owner] + pool.rank[option]
    left = np.zeros(len(option), np.int32)
    left[place] = able
    option, owner, place = option[able], owner[able], place[able]
    start = starts_of(np.bincount(owner, minlength=len(classes.size)))
    rank = np.cumsum(left)[place] - 1 - start[owner]
    return owner, take_options(pool, option)._replace(rank=rank)


def _held(pool: OptionRows, option: Ints, owner: Ints, classes: ClassOptions, paths: PathNodes) -> Bools:
    """Whether each option of the pool, for a class of its own, has nodes that can hold its segments."""
    position = pool.part_position[option]
    node = paths.node[paths.start[classes.path[owner], None] + position]
    segment = classes.segment[owner, None] + pool.part_segment[option]
    able: Bools = (paths.holds[node, segment] | (position == EMPTY)).all(axis=1)
    return able


def _link_joules(rows: OptionRows, joules: Floats) -> Floats:
    """Energy on links per request (O,) [J]; `joules` is (O, V) [J/byte] up to each part."""
    spent = rows.part_bytes[:, 0] * joules[:, 0]
    for part in range(1, joules.shape[1]):
        spent += rows.part_bytes[:, part] * (joules[:, part] - joules[:, part - 1])
    return spent


def fallbacks(fields: Mapping[str, Any], unlimited: npt.NDArray[np.bool_]) -> Ints:
    """Index (R,) of each class's first fallback option: equivalent options, of which one is used.

    Whole models that never leave a node of unlimited compute and are fed the same bytes over the same
    links: whatever the cheapest of them cannot take, the others cannot either.

    Args:
        fields: from `stack_options`.
        unlimited: (N, S) whether the node has unlimited compute and pins the segment.
    """
    start, first = fields["option_start"], fields["part_start"][:-1]
    alone = np.diff(fields["part_start"]) == 1
    alone &= unlimited[fields["part_node"][first], fields["part_segment"][first]]
    end = np.repeat(start[1:] - 1, np.diff(start))  # the last option of the class
    for field in ("part_position", "part_bytes"):
        value = fields[field][first]
        alone &= value == value[end]
    # The option after the last one that is not among them.
    other = np.maximum.accumulate(np.where(alone, 0, np.arange(1, len(alone) + 1)))
    latest = np.append(0, other)[start[1:]]
    found: Ints = np.maximum(latest, start[:-1]).astype(np.int64)
    return found
