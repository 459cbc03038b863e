"""Columns of an observation's tables as records: each is declared once, and kernels write whole records.

A table's columns are the fields of a `NamedTuple`, in order, annotated with their bounds and meaning. The
description is read off the annotations, and who writes a row makes the record with keywords, so that a
description and a kernel cannot disagree: a column too many, too few or misspelt does not compile.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, get_type_hints

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats
from idn_gym.core.kernel import njit_inline
from idn_gym.observations.base import Feature

FeatureRows = npt.NDArray[np.float32]
"""Feature arrays that policies read."""

LOG_BOUND = 3.0
"""Ratios that may be anything are given as logarithms to base 10, up to this in size."""


class Column(NamedTuple):
    """Annotation of a field: bounds and meaning; its name is the field's."""

    low: float
    high: float
    meaning: str


def share_column(meaning: str) -> Column:
    """A column with values from 0 to 1."""
    return Column(0, 1, meaning)


def log_column(meaning: str) -> Column:
    """A column with the logarithm of a ratio."""
    return Column(-LOG_BOUND, LOG_BOUND, meaning)


def features_of(record: type) -> tuple[Feature, ...]:
    """The columns that a record's fields declare, in order; an underscore in a name is read as a space."""
    hints = get_type_hints(record, include_extras=True)
    columns = {name: hint.__metadata__[0] for name, hint in hints.items()}
    return tuple(
        Feature(name.replace("_", " "), column.low, column.high, column.meaning)
        for name, column in columns.items()
    )


def highs_of(features: tuple[Feature, ...]) -> Floats:
    """Their upper bounds."""
    return np.array([feature.high for feature in features], float)


def stack_columns(record: Any) -> FeatureRows:
    """A record of arrays (n,) as columns (n, fields), cut at their bounds."""
    pairs = zip(record, features_of(type(record)), strict=True)
    return np.stack([np.clip(column, f.low, f.high) for column, f in pairs], 1).astype(np.float32)


@njit_inline
def spread_of(count: float, total: float, squares: float) -> float:
    """Standard deviation of so many values, from their sum and that of their squares; 0 without any."""
    if count <= 0.0:
        return 0.0
    mean = total / count
    return math.sqrt(max(0.0, squares / count - mean * mean))


@njit_inline
def write_columns(row: FeatureRows, first: int, record: Any, high: Floats) -> int:
    """Write a record of floats from an entry on, cut at `high`; return how many had to be cut."""
    clipped = 0
    for i in range(len(record)):
        value = record[i]
        if value > high[i]:
            # Sums may pass a bound of 1 by rounding alone; only what matters is counted.
            clipped += 1 if value > high[i] * (1.0 + 1e-6) else 0
            value = high[i]
        row[first + i] = value
    return clipped
