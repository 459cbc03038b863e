"""Mapping from values of a log's column to tasks or ingress nodes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Ints
from idn_gym.scenarios.config import ByHash, ByName, ByRank, LogColumn


def number_values(
    values: Sequence[str], rule: ByName | ByRank | ByHash, names: Sequence[str], key: str
) -> Ints:
    """Number of the task or ingress node that each value means, -1 where it means none.

    Args:
        values: (rows,) of the column.
        rule: how they are read.
        names: of the tasks or ingress nodes.
        key: of the rule in the configuration, for messages.

    Raises:
        ConfigError: an alias for what is not there, or for a value that has one already; or no value means
            anything.
    """
    if isinstance(rule, ByHash):
        numbers = {value: _hash(value) % len(names) for value in set(values)}
    elif isinstance(rule, ByRank):
        numbers = _by_rank(values, rule, len(names))
    else:
        numbers = _by_name(rule, names, key)
    found = np.array([numbers.get(value, -1) for value in values], np.int64)
    if not (found >= 0).any():
        raise ConfigError(
            key, f"{show(values[0])} is none of them, nor any other row; {closest(values[0], names)}"
        )
    return found


THINGS = {"task": "task", "node": "ingress node"}
"""What values of a column may be, by the field that names the column."""

MOST_VALUES = 3
"""Values that a message lists."""


def say_unknown(
    values: Sequence[str], numbers: Ints, column: LogColumn, names: Sequence[str], what: str
) -> tuple[str, str]:
    """Name the most frequent values of a column that mean nothing.

    Args:
        values: (rows,) of the column.
        numbers: (rows,) as of `number_values`.
        column: the column.
        names: that its values may have.
        what: see `THINGS`.

    Returns:
        The values, and the names that are allowed; these only where values are names.
    """
    unknown = Counter(value for value, number in zip(values, numbers, strict=True) if number < 0)
    ranked = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{show(value)} ({rows:,})" for value, rows in ranked[:MOST_VALUES])
    more = f" or one of {len(ranked) - MOST_VALUES:,} others" if len(ranked) > MOST_VALUES else ""
    why = f"{column.column} is {named}{more}: no {what} of the scenario"
    return why, closest(ranked[0][0], names) if isinstance(column.values, ByName) else ""


def _hash(value: str) -> int:
    return int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "little")


def _by_rank(values: Sequence[str], rule: ByRank, count: int) -> dict[str, int]:
    """Of equally frequent values, the first one in the alphabet."""
    ranked = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    if rule.other:
        return {value: min(rank, count - 1) for rank, (value, _) in enumerate(ranked)}
    return {value: rank for rank, (value, _) in enumerate(ranked[:count])}


def _by_name(rule: ByName, names: Sequence[str], key: str) -> dict[str, int]:
    numbers = {name: i for i, name in enumerate(names)}
    renamed: dict[str, int] = {}
    for i, alias in enumerate(rule.aliases):
        if alias.name not in numbers:
            raise ConfigError(
                f"{key}.aliases.{i}.name", f"{show(alias.name)} is unknown; {closest(alias.name, names)}"
            )
        if alias.value in renamed:
            raise ConfigError(f"{key}.aliases.{i}.value", f"{show(alias.value)} already has an alias above")
        renamed[alias.value] = numbers[alias.name]
    return numbers | renamed
