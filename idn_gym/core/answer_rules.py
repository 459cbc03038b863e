"""Invariants of scenarios with hidden quality, on which kernels rely."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Tables
from idn_gym.core.store_rules import Rule


def answer_rules(tables: Tables, draw: Draw) -> Iterator[Rule]:
    """The rules, one after the other; shapes have been checked."""
    streams, columns = tables.answer_streams, draw.condition.shape[2]
    yield streams >= 0, "answer_streams", "must be at least 0"
    least = 0 if streams else EMPTY
    found = np.all((tables.option_stream >= least) & (tables.option_stream < max(streams, 0)))
    yield bool(found), "option_stream", f"must be from {least} to {streams - 1}"
    right = columns in ((len(tables.class_task), 0) if streams else (0,))
    yield (
        right,
        "condition",
        f"has {columns} columns; must have none, or one per class of hidden quality",
    )
    yield bool(np.all(draw.condition >= 0)), "condition", "must be at least 0"
    yield bool(np.all(draw.error_in_force <= 1.0)), "error_in_force", "must be at most 1"
