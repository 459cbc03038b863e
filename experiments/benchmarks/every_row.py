"""All rows of the benchmark, table by table."""

from __future__ import annotations

from experiments.benchmarks.context_speed import context_speed_rows
from experiments.benchmarks.device_rows import device_rows
from experiments.benchmarks.first_step import first_step_rows
from experiments.benchmarks.learner_costs import learner_rows
from experiments.benchmarks.measured import LIMITS
from experiments.benchmarks.rows import BenchRow
from experiments.benchmarks.share_rows import share_rows
from experiments.benchmarks.speed_rows import speed_rows
from experiments.benchmarks.training_shares import training_rows
from experiments.benchmarks.tree_rows import tree_rows

FIRST = ("steps", "making", LIMITS)
"""tables with targets"""


def every_row() -> list[BenchRow]:
    """Rows of one table stand together; those with targets come first."""
    rows = [*speed_rows(), *share_rows(), *tree_rows(), *context_speed_rows(), *device_rows()]
    rows += [*training_rows(), *learner_rows(), *first_step_rows()]
    tables = [*FIRST, *dict.fromkeys(row.group for row in rows if row.group not in FIRST)]
    return sorted(rows, key=lambda row: tables.index(row.group))
