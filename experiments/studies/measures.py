"""The measures of studies: what figures and tables call each, in which unit they show it, and what it means.

`measures.yaml` is the one table behind axes, columns, explanations on pages of studies and `docs/metrics.md`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from idn_gym.config_reader import read_yaml
from idn_gym.metrics import METRIC_RECORDS

UNIT_FACTORS = {
    "%": 100.0,
    "% of memory": 100.0,
    "ms": 1e3,
    "mJ": 1e3,
    "kB-hops": 1e-3,
    "h": 1 / 3600,
    "CPU min": 1 / 60,
}
"""From SI to the units that are shown; of all others 1."""


class Measure(NamedTuple):
    """One measure."""

    key: str
    """column of records and tables"""
    name: str
    """of it for people"""
    unit: str
    """that it is shown in; 1: it has none"""
    meaning: str
    """one sentence without its full stop"""

    @property
    def factor(self) -> float:
        """From SI to the unit."""
        return UNIT_FACTORS.get(self.unit, 1.0)

    @property
    def label(self) -> str:
        """Name and unit, for axes and heads of tables."""
        return f"{self.name}{self.unit_label}"

    @property
    def unit_label(self) -> str:
        """The unit in brackets; nothing for plain numbers, and for costs, whose names say so."""
        return "" if self.unit in ("1", "cost") else f" [{self.unit}]"

    def possible(self, ends: Any) -> Any:
        """Ends of intervals in the unit that is shown, as far as the measure can have such values.

        Metrics of slots are not below 0, and shares of requests not above 100 %.
        """
        record = _USUAL.get(self.key)
        if record is None:
            return ends
        share = self.unit == "%" and record.over in ("requests", "served")
        return np.clip(ends, 0.0, 100.0 if share else None)

    def shown(self, values: Any) -> Any:
        """Values in the unit that is shown."""
        return np.asarray(values, float) * self.factor


_USUAL = {metric.name: metric for metric in METRIC_RECORDS}


def _read() -> dict[str, Measure]:
    usual = {name: metric.meaning.replace("`", "") for name, metric in _USUAL.items()}
    rows = read_yaml(Path(__file__).with_name("measures.yaml"))
    return {
        key: Measure(key, row["name"], row.get("unit", "1"), row.get("meaning") or usual[key])
        for key, row in rows.items()
    }


MEASURES = _read()
"""By key."""

KEY_LABELS = {
    "workload.rate": "requests per s",
    "topology.memory_scale": "memory, times the usual",
    "topology.rate_scale": "link rates, times the usual",
    "topology.links.0.rate": "rate of the first link [bytes/s]",
    "workload.popularity.length": "mean stay of a user [slots]",
    "slot_seconds": "length of a slot [s]",
    "serving.tariff.error": "price of an error [cost]",
    "agent.refresh": "slots between two placements",
    "agent.scale": "step size, times the usual",
    "agent.seed": "seed of the agent",
}
"""What axes and titles call the keys of grids that ship; see also `Study.names`."""


def key_label(key: str, names: dict[str, str] | None = None) -> str:
    """What a key of a grid is called: as the study says, as the project does, or else by its last words."""
    known = {**KEY_LABELS, **(names or {})}
    return known.get(key, " ".join(key.split(".")[-2:]).replace("_", " "))


def cell_label(cell: dict[str, Any], names: dict[str, str] | None = None) -> str:
    """A cell of a grid in words, values with their units: "memory, times the usual: 2"."""
    return "; ".join(f"{key_label(key, names)}: {value}" for key, value in cell.items())
