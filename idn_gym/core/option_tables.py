"""The options of all classes as columns of `Tables`, in the order in which kernels walk them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.options import OptionRow


def compress(
    classes: Sequence[Sequence[OptionRow]], groups: Sequence[Sequence[tuple[int, int]]], max_parts: int
) -> dict[str, Any]:
    """Turn the rows of all classes into the `option_`, `part_` and `branch_` fields of `Tables`.

    Args:
        classes: options of each class, in tie order.
        groups: for each class the (position, model) pairs a first part may have, in order.
        max_parts: most parts per option.
    """
    ranked = [pair for options in classes for pair in _by_first_part(options)]
    rows = [row for _, row in ranked]
    parts = [part for row in rows for part in row.parts]
    branches = [branch for row in rows for branch in row.branches]
    return {
        "option_start": _starts([len(options) for options in classes]),
        "class_group": _starts([len(pairs) for pairs in groups]),
        "group_start": _starts(_group_sizes(classes, groups)),
        "option_rank": np.array([rank for rank, _ in ranked], np.int64),
        **_columns(
            "option", rows, whole=("origin", "model", "point"), real=("error", "traffic", "link_joules")
        ),
        "part_start": _starts([len(row.parts) for row in rows]),
        **_columns("part", parts, whole=("node", "position", "segment"), real=("seconds", "reach", "bytes")),
        "branch_start": _starts([len(row.branches) for row in rows]),
        **_columns("branch", branches, whole=("parts",), real=("share",)),
        "branch_bytes": _padded([branch.bytes for branch in branches], max_parts),
        "branch_seconds": _padded([branch.seconds for branch in branches], max_parts),
    }


def _columns(
    prefix: str, rows: Sequence[object], whole: Sequence[str], real: Sequence[str]
) -> dict[str, npt.NDArray[Any]]:
    """Fields of the rows as arrays; `whole` are integers, `real` are floats."""
    kinds = [(name, np.int64) for name in whole] + [(name, np.float64) for name in real]
    return {f"{prefix}_{name}": np.array([getattr(row, name) for row in rows], kind) for name, kind in kinds}


def _padded(rows: Sequence[Sequence[float]], width: int) -> Floats:
    """The rows one below the other, with zeros at their ends."""
    table = np.zeros((len(rows), width))
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


def fallbacks(fields: Mapping[str, Any], unlimited: npt.NDArray[np.bool_]) -> Ints:
    """Where each class's fallback starts (R,): options at the end of its table of which only one is used.

    Whole models that never leave a node of unlimited compute and are fed the same bytes over the same
    links: whatever the cheapest of them cannot take, the others cannot either.

    Args:
        fields: from `compress`.
        unlimited: (N, S) whether the node has unlimited compute and pins the segment.
    """
    first = fields["part_start"][:-1]
    alone = np.diff(fields["part_start"]) == 1
    alone &= unlimited[fields["part_node"][first], fields["part_segment"][first]]
    position, size = fields["part_position"][first], fields["part_bytes"][first]
    starts = []
    for begin, end in pairwise(fields["option_start"]):
        start = end
        while start > begin and alone[start - 1]:
            if position[start - 1] != position[end - 1] or size[start - 1] != size[end - 1]:
                break
            start -= 1
        starts.append(start)
    return np.array(starts, np.int64)


def _by_first_part(options: Sequence[OptionRow]) -> list[tuple[int, OptionRow]]:
    """Options with their tie rank, sorted by position and model of the first part."""
    return sorted(enumerate(options), key=lambda item: (item[1].parts[0].position, item[1].model, item[0]))


def _group_sizes(
    classes: Sequence[Sequence[OptionRow]], groups: Sequence[Sequence[tuple[int, int]]]
) -> list[int]:
    """How many options each (position, model) of a first part has, class by class."""
    sizes = []
    for options, pairs in zip(classes, groups, strict=True):
        counts = Counter((row.parts[0].position, row.model) for row in options)
        sizes += [counts[pair] for pair in pairs]
    return sizes


def _starts(counts: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(np.array(counts, np.int64))]).astype(np.int64)
