"""Tables of comparisons: printed, CSV, JSON; what is not known is a dash, an empty cell, null."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idn_gym.core.arrays import PRICED
from idn_gym.evaluation.intervals import (
    ITSELF,
    UNKNOWN,
    Interval,
    mean_interval,
    paired_difference,
    relative_difference,
)
from idn_gym.evaluation.rollout import Episodes
from idn_gym.files import write_text
from idn_gym.objectives import PRICES, find_objectives, read_preference, scales_of, tariff_of
from idn_gym.scenarios.config import Scenario

COLUMNS: dict[str, tuple[str, float]] = {
    "accuracy": ("accuracy [%]", 100.0),
    "latency": ("latency [ms]", 1e3),
    "energy": ("energy [J]", 1.0),
    "traffic": ("traffic [kB-hops]", 1e-3),
    "update": ("update [%]", 100.0),
    "drop_rate": ("dropped [%]", 100.0),
    "late_rate": ("late [%]", 100.0),
}
"""Figures that tables show: heading and factor from SI."""


TARIFF = (
    "Requests are served by serving.tariff ({served_by}), which serving cost adds up per slot; "
    "cost per slot weighs other things, as the preference says."
)


@dataclass(frozen=True)
class Row:
    """One agent on one scenario."""

    scenario: str
    agent: str
    reference: str
    cost: Interval
    """mean scalar cost per slot"""
    difference: Interval
    """cost minus the reference's, seed by seed"""
    figures: dict[str, float]
    """means over the seeds of the columns of `Episodes.records`"""
    served_by: str = ""
    """the scenario's own tariff, where the cost weighs other things; see `own_tariff`"""
    relative: Interval = UNKNOWN
    """difference as a share of the reference's cost"""


def own_tariff(scenario: Scenario, preference: Any) -> str:
    """What requests are served by, where the scenario fixes it and the preference weighs otherwise; else "".

    A multiple of the preference is no other tariff: it orders the options in the same way.
    """
    tariff = scenario.serving.tariff
    if tariff is None:
        return ""
    objectives = find_objectives(scenario.objectives)
    fixed = np.array([getattr(tariff, name) for name in PRICES])
    weights = read_preference(preference, objectives)
    if weights is not None:
        weighed = tariff_of(weights, scales_of(scenario, objectives), objectives)[:PRICED]
        alike = np.allclose(fixed * weighed.sum(), weighed * fixed.sum(), rtol=1e-9, atol=0.0)
        if weighed.any() and alike:
            return ""
    return ", ".join(f"{name} {value:g}" for name, value in zip(PRICES, fixed, strict=True) if value)


def summarise(
    scenario: Scenario, played: Mapping[str, Episodes], reference: str, preference: Any = "balanced"
) -> list[Row]:
    """One row per agent, best first."""
    served_by = own_tariff(scenario, preference)
    costs = {agent: -episodes.scalar.mean(axis=1) for agent, episodes in played.items()}
    rows = []
    for agent, episodes in played.items():
        records = episodes.records()
        means = {
            name: float(np.mean([row[name] for row in records])) for name in records[0] if name != "seed"
        }
        difference, relative = (
            ITSELF if agent == reference else compared(costs[agent], costs[reference])
            for compared in (paired_difference, relative_difference)
        )
        cost = mean_interval(costs[agent])
        rows.append(Row(scenario.name, agent, reference, cost, difference, means, served_by, relative))
    return sorted(rows, key=lambda row: row.cost.estimate)


def to_text(rows: Sequence[Row], seeds: str) -> str:
    """The table for people; a plus says that the agent costs more than the reference."""
    lines = []
    for scenario in dict.fromkeys(row.scenario for row in rows):
        mine = [row for row in rows if row.scenario == scenario]
        served_by = mine[0].served_by
        columns = {**COLUMNS, **({"tariff_cost": ("serving cost", 1.0)} if served_by else {})}
        head = [
            "agent",
            "cost per slot",
            f"minus {mine[0].reference}'s",
            *(name for name, _ in columns.values()),
        ]
        body = [
            [
                row.agent,
                f"{row.cost:.3f}",
                "-" if row.agent == row.reference else f"{row.difference:+.4f}",
                *(f"{row.figures[key] * factor:.3g}" for key, (_, factor) in columns.items()),
            ]
            for row in mine
        ]
        sure = "95 % intervals over seeds" if np.isfinite(mine[0].cost.low) else "no interval from one"
        lines += ["", f"{scenario}: {seeds}, {sure}, lower cost is better", ""]
        lines += aligned(head, body)
        if served_by:
            lines += ["", TARIFF.format(served_by=served_by)]
    return "\n".join(lines)


def aligned(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table for people: the first column to the left, the others to the right."""
    widths = [max(len(cells[i]) for cells in [head, *body]) for i in range(len(head))]
    lines = []
    for cells in [head, ["-" * width for width in widths], *body]:
        padded = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append("  ".join([cells[0].ljust(widths[0]), *padded]))
    return lines


def write_table(out: Path, rows: Sequence[Row], text: str) -> None:
    """``table.txt`` for people; ``table.csv`` and ``table.json``, all in SI units, for programs."""
    write_text(out / "table.json", json.dumps(known([asdict(row) for row in rows]), indent=2) + "\n")
    plain = []
    for row in rows:
        cells: dict[str, object] = {"scenario": row.scenario, "agent": row.agent, "reference": row.reference}
        cells |= spread("cost", row.cost) | spread("difference", row.difference)
        cells |= spread("relative", row.relative)
        plain.append(cells | row.figures)
    write_csv(out / "table.csv", plain)
    write_text(out / "table.txt", text + "\n")  # last: where it is, all is there


def write_episodes(path: Path, played: Mapping[str, Episodes]) -> None:
    """One line per agent and seed."""
    write_csv(
        path, [{"agent": agent, **row} for agent, episodes in played.items() for row in episodes.records()]
    )


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the same keys as CSV; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(known(list(rows)))
    write_text(path, text.getvalue())


def spread(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def known(value: Any) -> Any:
    """The same with None for every nan, in lists and dictionaries."""
    if isinstance(value, Mapping):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [known(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
