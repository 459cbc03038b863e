"""Observed answers of a slot, as counts: the only input of estimators and alarms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Numbers


class SlotCounts(NamedTuple):
    """Letters: B rows, R streams (a request class and an option's exit, say), K bins of confidence.

    Numbers are real, since requests may be fluid. Labels and comparisons may come later than their answers.
    """

    served: Floats  # (B, R, K) answers by raw confidence
    compared: Floats | None = None  # (B, R) answers that a better model upstream answered, too
    agreed: Floats | None = None  # (B, R) of them, those with the same answer
    probed: Floats | None = None  # (B, R) answers whose label arrived
    right: Floats | None = None  # (B, R) of them, those that were right


def counted(key: str, values: Numbers | None, shape: tuple[int, ...]) -> Floats:
    """Counts as float64, after a look at them.

    Raises:
        ConfigError: they are missing, of another shape, negative or not finite.
    """
    found = np.asarray(np.nan if values is None else values, float)
    if found.shape != shape:
        raise ConfigError(key, f"shape {found.shape} is not allowed; must be {shape}")
    if not np.all((found >= 0.0) & np.isfinite(found)):
        raise ConfigError(key, "negative or infinite counts are not allowed")
    return found


def pair_counted(
    names: tuple[str, str], some: Numbers | None, whole: Numbers | None, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """A count and the larger one that it is a part of.

    Raises:
        ConfigError: as `counted`, or the part is larger than the whole.
    """
    part, of = counted(names[0], some, shape), counted(names[1], whole, shape)
    if np.any(part > of * (1.0 + 1e-9)):
        raise ConfigError(names[0], f"more than {names[1]} are not allowed")
    return np.minimum(part, of), of


def per_stream(key: str, values: float | Numbers, streams: int, bins: int | None = None) -> Floats:
    """Numbers from 0 to 1 as (R,), or with bins as (R, K), from what may be the same for all streams.

    Raises:
        ConfigError: another shape, or a number out of bounds.
    """
    shape = (streams,) if bins is None else (streams, bins)
    found = np.asarray(values, float)
    if found.shape not in {shape[i:] for i in range(len(shape) + (bins is None))}:
        raise ConfigError(key, f"shape {found.shape} is not allowed; must be {shape} or one for all streams")
    if not np.all((found >= 0.0) & (found <= 1.0)):
        raise ConfigError(key, f"{found.min():g} to {found.max():g} is not allowed; must be from 0 to 1")
    return np.array(np.broadcast_to(found, shape))


def check_count(key: str, size: int) -> int:
    """A number of rows, streams or the like.

    Raises:
        ConfigError: it is below 1.
    """
    if size < 1:
        raise ConfigError(key, f"{size!r} is not allowed; must be at least 1")
    return size


def chosen_rows(rows: Bools | None, count: int) -> Bools:
    """(B,) which rows are meant; None: all.

    Raises:
        ConfigError: another shape or kind.
    """
    if rows is None:
        return np.ones(count, bool)
    mask = np.asarray(rows)
    if mask.shape != (count,) or mask.dtype != np.bool_:
        raise ConfigError(
            "rows", f"{mask.dtype} of shape {mask.shape} is not allowed; must be {count} truths"
        )
    return mask


def put_state(target: dict[str, Numbers], state: dict[str, Numbers]) -> None:
    """Copy saved arrays into those of the same names.

    Raises:
        ConfigError: a name is missing or too many, or an array is of another shape.
    """
    if set(state) != set(target):
        raise ConfigError("state", f"{sorted(state)} are not allowed; must be {sorted(target)}")
    for name, array in target.items():
        if np.shape(state[name]) != array.shape:
            raise ConfigError(
                f"state.{name}", f"shape {np.shape(state[name])} is not allowed; must be {array.shape}"
            )
        array[...] = state[name]
