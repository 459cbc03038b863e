"""Tables of comparisons: printed, CSV, JSON; what is not known is a dash, an empty cell, null."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from idn_gym.evaluation.comparison import HAS_INTERVALS, ComparisonRow
from idn_gym.evaluation.intervals import Interval
from idn_gym.evaluation.latencies import LATENCY_COLUMNS
from idn_gym.evaluation.rollout import Episodes
from idn_gym.files import write_text
from idn_gym.metrics import METRICS
from idn_gym.objective_records import OBJECTIVE_RECORDS, Objective
from idn_gym.text_tables import aligned, significant

COMPARISON_COLUMNS: dict[str, tuple[str, float]] = {
    "accuracy": ("accuracy [%]", 100.0),
    "latency": ("latency [ms]", 1e3),
    "latency_p50": ("p50 [ms]", 1e3),
    "latency_p95": ("p95 [ms]", 1e3),
    "latency_p99": ("p99 [ms]", 1e3),
    "wait": ("wait [ms]", 1e3),
    "late_rate": ("late [%]", 100.0),
    "drop_rate": ("dropped [%]", 100.0),
    "node_load": ("node load [%]", 100.0),
    "node_load_max": ("busiest [%]", 100.0),
    "link_load_max": ("busiest link [%]", 100.0),
    "energy": ("energy [J]", 1.0),
    "penalty_energy": ("+ drops [J]", 1.0),
    "traffic": ("traffic [kB-hops]", 1e-3),
    "penalty_traffic": ("+ drops [kB-hops]", 1e-3),
    "update": ("update [%]", 100.0),
    "fractional_update": ("of fractions [%]", 100.0),
    "lifetime": ("lifetime [h]", 1 / 3600),
    "airtime": ("airtime [ms]", 1e3),
    "fairness": ("fairness [1]", 1.0),
    "message_bytes": ("messages [kB]", 1e-3),
}
"""Figures that tables show: heading and factor from SI."""

PENALTY_COLUMNS = ("penalty_energy", "penalty_traffic")
"""Figures of drops, which tables show only where requests are dropped."""

DROP_COLUMNS = (*PENALTY_COLUMNS, "fairness")
"""All that tables show only there."""

DEVICE_NOTE = (
    "Lifetime is the time until the first battery is empty, the whole episode where none is: its mean is "
    "too low there."
)

FRACTION_NOTE = "Beside update is what learners' fractions load before they are rounded."

MESSAGE_NOTE = "Messages are what nodes tell each other per slot, so that a policy can act."

TABLE_NOTE = (
    "Percentiles are over all requests, drops at their timeout. Node load is seconds used over seconds "
    "offered: mean and highest over nodes and slots."
)
PENALTY_NOTE = "Energy and traffic are what was used; what drops add to them in the cost stands beside."

INFORMED_NOTE = (
    "Informed policies are told the episodes beforehand; their cost is no bound on what others can reach."
)

TARIFF_NOTE = (
    "Requests are served by serving.tariff ({served_by}), which serving cost adds up per slot; "
    "cost per slot weighs other things, as the preference says."
)

BEST_STATIC_NOTE = "best-static is the best static placement in serving cost, not in cost per slot."
"""Note on scenarios with a tariff of their own."""


class ScenarioTable(NamedTuple):
    """The comparison on one scenario, for people."""

    title: str
    head: list[str]
    body: list[list[str]]
    note: str
    """what has to be said below; may be empty"""


def scenario_tables(rows: Sequence[ComparisonRow], seeds: str) -> list[ScenarioTable]:
    """One table per scenario; a plus says that the agent costs more than the reference.

    Args:
        rows: of all scenarios.
        seeds: the episodes, in words.
    """
    tables = []
    for scenario in dict.fromkeys(row.scenario for row in rows):
        mine = [row for row in rows if row.scenario == scenario]
        served_by = mine[0].served_by
        columns = table_columns(mine)
        head = ["agent", "cost per slot", f"minus {mine[0].reference}'s"]
        body = [
            [
                marked_agent(row.agent, row.informed),
                f"{row.cost:.3f}",
                "-" if row.agent == row.reference else f"{row.difference:+.4f}",
                *(_figure(key, row.metrics[key] * factor) for key, (_, factor) in columns.items()),
            ]
            for row in mine
        ]
        sure = "95 % intervals over seeds" if np.isfinite(mine[0].cost.low) else "no interval from one"
        if not HAS_INTERVALS:
            sure = "no intervals without SciPy (extra solve)"
        title = f"{scenario}: {seeds}, {sure}, lower cost is better"
        notes = [TABLE_NOTE, *([PENALTY_NOTE] if PENALTY_COLUMNS[0] in columns else [])]
        notes += [DEVICE_NOTE] if "lifetime" in columns else []
        notes += [FRACTION_NOTE] if "fractional_update" in columns else []
        notes += [MESSAGE_NOTE] if "message_bytes" in columns else []
        notes += [INFORMED_NOTE] if any(row.informed for row in mine) else []
        if served_by:
            notes += [TARIFF_NOTE.format(served_by=served_by)]
            notes += [BEST_STATIC_NOTE] if any(row.agent == "best-static" for row in mine) else []
        note = " ".join(notes)
        tables.append(ScenarioTable(title, [*head, *(name for name, _ in columns.values())], body, note))
    return tables


def _figure(key: str, value: float) -> str:
    """A cell; a dash where there are no fractions."""
    return "-" if key == "fractional_update" and value == 0.0 else significant(value)


def marked_agent(agent: str, informed: bool) -> str:
    """Return the name of an agent in tables; informed ones are marked."""
    return f"{agent} (informed)" if informed else agent


def table_columns(rows: Sequence[ComparisonRow]) -> dict[str, tuple[str, float]]:
    """The figures that a table of these rows shows, with heading and factor from SI."""
    dropping = any(row.metrics["drop_rate"] > 0.0 for row in rows)
    talking = any(row.metrics["message_bytes"] > 0.0 for row in rows if "message_bytes" in row.metrics)
    rounding = any(row.metrics.get("fractional_update", 0.0) > 0.0 for row in rows)
    columns = {
        name: column
        for name, column in COMPARISON_COLUMNS.items()
        if all(name in row.metrics for row in rows)
        and (dropping or name not in DROP_COLUMNS)
        and (talking or name != "message_bytes")
        and (rounding or name != "fractional_update")
    }
    if rows[0].served_by:
        columns["tariff_cost"] = ("serving cost", 1.0)
    for key, (record, sign) in further_columns(rows[0].metrics).items():
        columns[key] = (f"{record.name} [{record.unit.removesuffix(' per nominal request')}]", sign)
    return columns


def further_columns(metrics: Iterable[str]) -> dict[str, tuple[Objective, float]]:
    """Objectives among the columns of `Episodes.records` that no metric tells of, and their signs.

    Args:
        metrics: names of the columns.
    """
    names = [name.removeprefix("reward_") for name in metrics if name.startswith("reward_")]
    records = [OBJECTIVE_RECORDS[name] for name in names if name not in METRICS and name in OBJECTIVE_RECORDS]
    return {
        f"reward_{record.name}": (record, 1.0 if record.sense == "maximise" else -1.0) for record in records
    }


def comparison_table(rows: Sequence[ComparisonRow], seeds: str) -> str:
    """The tables of all scenarios as plain text; see `scenario_tables`."""
    lines = []
    for title, head, body, note in scenario_tables(rows, seeds):
        lines += ["", title, "", *aligned(head, body), *(["", note] if note else [])]
    return "\n".join(lines)


def plain_rows(rows: Sequence[ComparisonRow]) -> list[dict[str, object]]:
    """The table for programs, all in SI units; each interval is three columns."""
    plain = []
    for row in rows:
        cells: dict[str, object] = {"scenario": row.scenario, "agent": row.agent, "reference": row.reference}
        cells["informed"] = row.informed
        cells |= interval_text("cost", row.cost) | interval_text("difference", row.difference)
        cells |= interval_text("relative", row.relative)
        plain.append(cells | row.metrics)
    return plain


def write_table(out: Path, rows: Sequence[ComparisonRow], text: str) -> None:
    """``table.txt`` for people; ``table.csv`` and ``table.json``, all in SI units, for programs."""
    write_text(out / "table.json", json.dumps(known([asdict(row) for row in rows]), indent=2) + "\n")
    write_csv(out / "table.csv", plain_rows(rows))
    write_text(out / "table.txt", text + "\n")  # last: where it is, all is there


def write_episodes(path: Path, played: Mapping[str, Episodes]) -> None:
    """One line per agent and seed."""
    write_csv(
        path, [{"agent": agent, **row} for agent, episodes in played.items() for row in episodes.records()]
    )


def write_latencies(
    path: Path, played: Mapping[str, Episodes], tasks: Sequence[str], classes: Sequence[str]
) -> None:
    """Percentiles of latency [s]: of each agent and seed a line for all requests, per task, and per class.

    Args:
        path: CSV file.
        played: the episodes of each agent, with latencies.
        tasks: names.
        classes: names.
    """
    rows: list[dict[str, object]] = []
    for agent, episodes in played.items():
        for seed, found in zip(episodes.seeds, episodes.latencies, strict=True):
            groups = [("all", "", found.overall)]
            groups += [("task", name, values) for name, values in zip(tasks, found.tasks, strict=True)]
            groups += [("class", name, values) for name, values in zip(classes, found.classes, strict=True)]
            for of, name, values in groups:
                line = {"agent": agent, "seed": seed, "of": of, "name": name}
                rows.append(line | dict(zip(LATENCY_COLUMNS, values.tolist(), strict=True)))
    write_csv(path, rows)


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the same keys as CSV; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(known(list(rows)))
    write_text(path, text.getvalue())


def interval_text(name: str, interval: Interval) -> dict[str, float]:
    """An interval as three columns."""
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def known(value: Any) -> Any:
    """The same with None for every nan, in lists and dictionaries."""
    if isinstance(value, Mapping):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [known(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
