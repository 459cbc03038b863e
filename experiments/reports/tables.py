"""Tables of comparisons, which the package has: `idn_gym.evaluation.comparison` and `.tables`."""

from idn_gym.evaluation.comparison import ComparisonRow, own_tariff, summarise
from idn_gym.evaluation.tables import (
    COMPARISON_COLUMNS,
    aligned,
    comparison_table,
    interval_text,
    known,
    write_csv,
    write_episodes,
    write_table,
)

__all__ = [
    "COMPARISON_COLUMNS",
    "ComparisonRow",
    "aligned",
    "comparison_table",
    "interval_text",
    "known",
    "own_tariff",
    "summarise",
    "write_csv",
    "write_episodes",
    "write_table",
]
