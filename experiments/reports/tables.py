"""Tables of comparisons, which the package has: `idn_gym.evaluation.comparison` and `.tables`."""

from idn_gym.evaluation.comparison import Row, own_tariff, summarise
from idn_gym.evaluation.tables import (
    COLUMNS,
    aligned,
    known,
    spread,
    to_text,
    write_csv,
    write_episodes,
    write_table,
)

__all__ = [
    "COLUMNS",
    "Row",
    "aligned",
    "known",
    "own_tariff",
    "spread",
    "summarise",
    "to_text",
    "write_csv",
    "write_episodes",
    "write_table",
]
