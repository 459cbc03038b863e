"""Tables of comparisons: printed, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from idn_gym.evaluation.intervals import Interval, mean_interval, paired_difference
from idn_gym.evaluation.rollout import Episodes
from idn_gym.files import write_text

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


def summarise(scenario: str, played: Mapping[str, Episodes], reference: str) -> list[Row]:
    """One row per agent, best first."""
    costs = {agent: -episodes.scalar.mean(axis=1) for agent, episodes in played.items()}
    rows = []
    for agent, episodes in played.items():
        records = episodes.records()
        means = {
            name: float(np.mean([row[name] for row in records])) for name in records[0] if name != "seed"
        }
        difference = paired_difference(costs[agent], costs[reference])
        rows.append(Row(scenario, agent, reference, mean_interval(costs[agent]), difference, means))
    return sorted(rows, key=lambda row: row.cost.estimate)


def to_text(rows: Sequence[Row], seeds: str) -> str:
    """The table for people; a plus says that the agent costs more than the reference."""
    lines = []
    for scenario in dict.fromkeys(row.scenario for row in rows):
        mine = [row for row in rows if row.scenario == scenario]
        head = [
            "agent",
            "cost per slot",
            f"minus {mine[0].reference}'s",
            *(name for name, _ in COLUMNS.values()),
        ]
        body = [
            [
                row.agent,
                _with_bounds(row.cost, ".3f"),
                "-" if row.agent == row.reference else _with_bounds(row.difference, "+.4f"),
                *(f"{row.figures[key] * factor:.3g}" for key, (_, factor) in COLUMNS.items()),
            ]
            for row in mine
        ]
        lines += ["", f"{scenario}: {seeds}, 95 % bootstrap intervals over seeds, lower cost is better", ""]
        lines += aligned(head, body)
    return "\n".join(lines)


def aligned(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table for people: the first column to the left, the others to the right."""
    widths = [max(len(cells[i]) for cells in [head, *body]) for i in range(len(head))]
    lines = []
    for cells in [head, ["-" * width for width in widths], *body]:
        padded = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append("  ".join([cells[0].ljust(widths[0]), *padded]))
    return lines


def _with_bounds(interval: Interval, form: str) -> str:
    return "{:{f}} [{:{f}}, {:{f}}]".format(*interval, f=form)


def write_table(out: Path, rows: Sequence[Row], text: str) -> None:
    """``table.txt`` for people; ``table.csv`` and ``table.json``, all in SI units, for programs."""
    write_text(out / "table.json", json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    plain = []
    for row in rows:
        cells: dict[str, object] = {"scenario": row.scenario, "agent": row.agent, "reference": row.reference}
        for name, interval in (("cost", row.cost), ("difference", row.difference)):
            cells |= {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
        plain.append(cells | row.figures)
    write_csv(out / "table.csv", plain)
    write_text(out / "table.txt", text + "\n")  # last: where it is, all is there


def write_episodes(path: Path, played: Mapping[str, Episodes]) -> None:
    """One line per agent and seed."""
    write_csv(
        path, [{"agent": agent, **row} for agent, episodes in played.items() for row in episodes.records()]
    )


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the same keys as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
