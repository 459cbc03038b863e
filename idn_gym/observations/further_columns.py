"""Columns that only some graph observations have: of stores, of answers, of versions, of moves."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from idn_gym.observations.base import Feature
from idn_gym.observations.columns import Column, features_of, share_column
from idn_gym.observations.graph_features import GRAPH_COLUMNS
from idn_gym.scenarios.compile import Compiled


class NodeCharge(NamedTuple):
    """State of a node's battery before a slot, only where there are stores."""

    charge: Annotated[float, share_column("what its battery holds over its capacity; 1 on the mains")]
    off: Annotated[float, share_column("1: the battery fell to its cut-off and has not come back")]


class LinkAirtime(NamedTuple):
    """Airtime of a link before a slot, only where there are stores."""

    airtime: Annotated[
        float, share_column("what is left of its airtime over an hour's; 1 without a duty cycle")
    ]


class NodeAnswers(NamedTuple):
    """Answers before a slot to requests that pass a node, only where quality is hidden."""

    confidence: Annotated[
        float, share_column("mean confidence of the last answers to requests that pass; 0: none")
    ]
    spread: Annotated[float, Column(0, 0.5, "standard deviation of these confidences")]


class PairAnswers(NamedTuple):
    """Answers that a segment on a node may give, only where quality is hidden.

    They are those of all requests of a class that the model answers at an operating point, wherever it runs;
    of this node alone where models adapt.
    """

    confidence: Annotated[float, share_column("mean confidence of the last answers of its kind; 0: none")]
    spread: Annotated[float, Column(0, 0.5, "standard deviation of these confidences")]
    accuracy: Annotated[
        float, share_column("accuracy in force of the best operating point, mean over nominal requests")
    ]


class PairVersion(NamedTuple):
    """What the node may adapt the model to, only where models adapt."""

    samples: Annotated[float, share_column("samples to adapt to, over the most that are kept")]
    adapted: Annotated[float, share_column("samples of the version in force over the most")]


STAY_SLOTS = 10.0
"""Slots that demand is expected to stay before anything was seen; they are the middle of a column's scale."""


class PairMove(NamedTuple):
    """What moving a segment to a node takes, and how long it may pay, only in the codec `graph-moves`.

    Demand of a task at a node stays as long as its requests that pass are above nominal, or are not.
    """

    load_time: Annotated[
        float,
        share_column(
            "s / (s + slot): seconds s that loading it from now on would take; 0 where it is usable"
        ),
    ]
    stay: Annotated[
        float,
        share_column(
            f"n / (n + {STAY_SLOTS:g}): slots n for which demand of the task at the node is expected to stay"
        ),
    ]
    age: Annotated[float, share_column(f"n / (n + {STAY_SLOTS:g}): slots n for which it has stayed")]
    displaced: Annotated[
        float,
        share_column(
            "cost that segments which must leave are expected to save, over that of all requests that pass "
            "the node; 1 also if it is more"
        ),
    ]


STORE_COLUMNS: dict[str, tuple[Feature, ...]] = {
    "nodes": features_of(NodeCharge),
    "links": features_of(LinkAirtime),
}
"""Columns after `GRAPH_COLUMNS` where a scenario has batteries or duty cycles."""


ANSWER_COLUMNS: dict[str, tuple[Feature, ...]] = {
    "nodes": features_of(NodeAnswers),
    "pairs": features_of(PairAnswers),
}
"""Columns after these where a scenario hides quality."""

VERSION_COLUMNS: dict[str, tuple[Feature, ...]] = {"pairs": features_of(PairVersion)}
"""Columns after these where models adapt."""

MOVE_COLUMNS: dict[str, tuple[Feature, ...]] = {"pairs": features_of(PairMove)}
"""Columns after these in the observation `graph-moves`."""


def scenario_columns(compiled: Compiled, moves: bool) -> dict[str, tuple[Feature, ...]]:
    """The columns of the tables that have rows, in a scenario, with those of moves or without."""
    tables = compiled.tables
    further = (
        (STORE_COLUMNS, len(tables.store_capacity) > 0),
        (ANSWER_COLUMNS, tables.answer_streams > 0),
        (VERSION_COLUMNS, compiled.adaptations is not None),
        (MOVE_COLUMNS, moves),
    )
    found = dict(GRAPH_COLUMNS)
    for columns, there in further:
        found = {name: first + columns.get(name, ()) if there else first for name, first in found.items()}
    return found
