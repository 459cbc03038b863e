"""A row of the benchmark's tables, and how rows are chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from experiments.benchmarks.bench import Bench
from experiments.benchmarks.measured import BenchNumber
from idn_gym.config_reader import ConfigError
from idn_gym.messages import show


class BenchRow(NamedTuple):
    """One named measurement."""

    group: str
    """the table"""
    name: str
    measure: Callable[[Bench], Sequence[BenchNumber]]

    def matches(self, pattern: str) -> bool:
        """Whether a shell pattern occurs in ``group: name``."""
        return fnmatchcase(f"{self.group}: {self.name}", f"*{pattern}*")


def choose_rows(rows: Sequence[BenchRow], patterns: Sequence[str]) -> list[BenchRow]:
    """Rows that match any pattern, all if there is none.

    Raises:
        ConfigError: a pattern that matches nothing.
    """
    for pattern in patterns:
        if not any(row.matches(pattern) for row in rows):
            groups = ", ".join(dict.fromkeys(row.group for row in rows))
            raise ConfigError("only", f"{show(pattern)} matches no row; tables: {groups}; --rows lists them")
    return [row for row in rows if not patterns or any(map(row.matches, patterns))]
