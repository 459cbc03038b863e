"""Table, figures and one self-contained page of a study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from agents.registry import CLAIRVOYANT
from experiments.reports.agent_styles import agent_styles
from experiments.studies import front_report, transfer_report
from experiments.studies import plots as study_figures
from experiments.studies.bracket_run import BracketRun
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.columns import COST_COLUMNS, RESULT_COLUMNS, between_ends, measure_table
from experiments.studies.config import BASELINE, Study
from experiments.studies.envelope_run import EnvelopeRun
from experiments.studies.front_run import FrontUnit
from experiments.studies.measures import MEASURES, Measure, cell_label
from experiments.studies.metric_names import DEVICE_METRICS, GAIN_METRICS, MOVING_METRICS
from experiments.studies.page import DataFile, Table, write_page
from experiments.studies.results import RESULT_METRICS, Plays
from experiments.studies.run import Unit
from experiments.studies.transfer_run import TransferBracket, TransferUnit
from idn_gym.config_reader import to_plain as to_plain
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.comparison import own_tariff
from idn_gym.evaluation.intervals import (
    ITSELF,
    LEAST_FOR_IQM,
    UNKNOWN,
    Interval,
    alone,
    interquartile_interval,
    interquartile_mean,
    mean_interval,
    paired_difference,
)
from idn_gym.evaluation.tables import interval_text, known, marked_agent, write_csv
from idn_gym.files import write_text

DATA_FILES = {
    "table.csv": "what the tables of parts show and more, with intervals, in SI units",
    "table.json": "the same as JSON",
    "runs.csv": "one line per run",
    "latencies.csv": "percentiles of latency per run, task and request class",
    "fronts.csv": "indicators of fronts, with intervals",
    "front-points.csv": "the points of fronts",
    "front-queries.csv": "what was asked of fronts",
    "transfer.csv": "scores of transfer, with intervals",
    "transfer-runs.csv": "one line per scenario and run of transfer",
    "units": "the record of every run (JSON), with what happened slot by slot (NumPy archives)",
}
"""What lies beside the page; see `docs/metrics.md` for columns."""

MEASURED_KINDS = ("course", "sweep", "frontier", "dots")
"""Figures whose axes are measures."""


class CellReport(NamedTuple):
    """Content of the page about one cell of a part's grid."""

    title: str
    table: Table
    note: str
    """how many seeds and trainings, and how wide the bracket of the optimum is"""
    tariff: str
    """what requests are served by, where the cost weighs other things; else "" """


class PartReport(NamedTuple):
    """Content of the page about one part."""

    name: str
    pictures: list[Path]
    cells: list[CellReport]


class Played(NamedTuple):
    """Content of a report; all of it has been played."""

    units: Sequence[Unit]
    """runs of parts"""
    fronts: Sequence[FrontUnit]
    transfers: Sequence[TransferUnit]
    """runs of measurements of transfer"""
    brackets: Sequence[BracketRun]
    """of episodes of parts"""
    envelopes: Sequence[EnvelopeRun]
    """of episodes of fronts"""
    ends: Sequence[TransferBracket]
    """brackets of episodes in which transfer is measured"""


def report_study(study: Study, given: Played, out: Path, head: dict[str, Any]) -> Path:
    """Write ``report.html``, the tables as CSV and the figures.

    Args:
        study: its configuration.
        given: what has been played.
        out: where it was played to.
        head: command, versions and the like, printed with the configuration.
    """
    units, fronts, transfers, brackets, envelopes, ends = given
    played: list[CachedRun] = [*units, *fronts, *transfers]
    other = dict.fromkeys(unit.part for unit in played if _codes(unit, out) != {code_stamp()})
    bounds: list[BracketRun | EnvelopeRun | TransferBracket] = [*brackets, *envelopes, *ends]
    other |= dict.fromkeys(one.part for one in bounds if one.read(out)["code"] != code_stamp())
    told = _parts(study, Plays(units, out, brackets), out) if units else {"parts": []}
    compared = front_report.report_fronts(study, fronts, envelopes, out) if fronts else []
    return write_page(
        out / "report.html",
        "study.html",
        title=study.title,
        study=study,
        left_out=head.get("left out", []),
        fronts=compared,
        transfers=transfer_report.report_transfers(study.transfers, transfers, ends, out),
        other=list(other),
        record=yaml.safe_dump({**head, "study": to_plain(study)}, sort_keys=False),
        measures=_measures(study, told, compared),
        data=[DataFile(name, about) for name, about in DATA_FILES.items() if (out / name).exists()],
        **told,
        bracket_minutes=sum(one.read(out)["seconds"] for one in brackets) / 60,
    )


def _measures(
    study: Study, told: dict[str, Any], fronts: Sequence[front_report.FrontReport]
) -> list[Measure]:
    """Those that tables and figures of the page show, in the order of `MEASURES`."""
    tables = [cell.table for part in told["parts"] for cell in part.cells]
    tables += [table for front in fronts for table in (front.table, *(one for _, one in front.answers))]
    tables += [told["across"]] if told["parts"] else []
    shown = {key for table in tables for key in table.keys}
    for figure in study.figures if told["parts"] else ():
        shown |= {*figure.y, figure.x or ""} if figure.kind in MEASURED_KINDS else set()
    return [measure for key, measure in MEASURES.items() if key in shown]


def _codes(unit: CachedRun, out: Path) -> set[str]:
    """Stamps of the code that played a run, and of that which trained what it played."""
    record = unit.read(out)
    return {record["code"], *record.get("training_code", [])}


def _parts(study: Study, plays: Plays, out: Path) -> dict[str, Any]:
    """Content of the page about the parts; also as ``runs.csv`` (one line per run) and ``table.csv``.

    ``latencies.csv`` has percentiles of latency per run, task and class.
    """
    doubled = {(part.name, BASELINE) for part in study.parts if part.names_baseline()}
    shown = [play for play in plays.all if (play.unit.part, play.unit.label) not in doubled]
    records = [play.row() for play in shown]
    write_csv(out / "runs.csv", records)
    write_csv(out / "latencies.csv", [line for play in shown for line in play.latencies()])
    styles = agent_styles(study.agents())
    pictures = [
        (figure, study_figures.plot_figure(figure, plays, out, study.names, styles))
        for figure in study.figures
    ]
    seconds = sum(r["cpu_seconds_to_build"] + r["cpu_seconds_per_slot"] * r["slots"] for r in records)
    rows, parts = [], []
    for part in plays.parts():
        cells, labels = [], [label for label in plays.labels(part) if (part, label) not in doubled]
        confidence = 1.0 - 0.05 / (max(1, len(labels) - 1) if study.corrected else 1)
        for cell in plays.cells(part):
            lines = [_row(plays, part, label, cell, study.reference, confidence) for label in labels]
            lines.sort(key=_rank)
            rows += lines
            cells.append(_cell(cell_label(cell, study.names), lines, _tariff(plays, part, cell)))
        parts.append(PartReport(part, [path for figure, path in pictures if figure.part == part], cells))
    write_csv(out / "table.csv", rows)
    write_text(out / "table.json", json.dumps(known(rows), indent=1) + "\n")
    return {
        "parts": parts,
        "across": _across(plays),
        "corrected": study.corrected,
        "least_for_iqm": LEAST_FOR_IQM,
        "runs": len(plays.all),
        "cpu_minutes": seconds / 60,
    }


def _tariff(plays: Plays, part: str, cell: dict[str, Any]) -> str:
    """Tariff that serves the requests of a cell if it differs from the preference; otherwise ""."""
    unit = plays.of(part, BASELINE, cell)[0].unit
    return own_tariff(unit.scenario, unit.preference)


def _row(
    plays: Plays, part: str, label: str, cell: dict[str, Any], reference: str, confidence: float
) -> dict[str, Any]:
    """One agent in one cell, all seeds; `confidence` of the differences from the reference."""
    mine = plays.of(part, label, cell)
    trained = _trained(mine[0].unit)

    def values(name: str, of: str = label) -> Floats:
        return plays.values(part, of, cell, name)

    def ahead(name: str) -> Interval:
        if label == reference:
            return ITSELF
        there = bool(plays.of(part, reference, cell))
        if there and trained and trained == _trained(plays.of(part, reference, cell)[0].unit):
            # The same policies play, so that differences are paired by training, too.
            return mean_interval(values(name) - values(name, reference), confidence)
        return paired_difference(values(name), values(name, reference), confidence) if there else UNKNOWN

    trainings, seeds = values("cost").shape
    row: dict[str, Any] = {"part": part, "cell": json.dumps(cell), "agent": label}
    row["informed"] = mine[0].unit.agent in CLAIRVOYANT
    row |= {"trainings": trainings if mine[0].unit.training else 0, "seeds": seeds}
    row |= interval_text("ntag", mean_interval(values("ntag"))) | interval_text("ahead", ahead("ntag"))
    row |= interval_text("cost", mean_interval(values("cost")))
    row |= interval_text("cost_increase", ahead("cost"))
    row |= interval_text("share", _interval(values("share")))
    fractional = [play.row()["fractional_share"] for play in mine]
    row["fractional_share"] = float(np.mean(fractional))
    for name in (*GAIN_METRICS, *MOVING_METRICS):
        row |= interval_text(name, _interval(values(name)))
    row["regret_bound"] = float(np.mean([play.row()["regret_bound"] for play in mine]))
    for name in (*RESULT_METRICS, *DEVICE_METRICS):
        row[name] = float(values(name).mean())
    for name in ("training_steps", "training_cpu_seconds"):
        row[name] = float(np.mean([play.record.get(name, np.nan) for play in mine]))
    row["bound_gap"] = float(np.mean([play.row()["bound_gap"] for play in mine]))
    row["us_per_slot"] = 1e6 * float(np.mean([play.record["cpu_seconds_per_slot"] for play in mine]))
    return row


def _trained(unit: Unit) -> list[str]:
    """The policies that a run plays: combiners may have those of another agent."""
    return [training.name for training in unit.trainings()]


def _rank(row: dict[str, Any]) -> float:
    """What lines are sorted by, best first: the cost where there is a bracket of it, otherwise the gain."""
    return float(-row["ntag"] if np.isnan(row["saved"]) else row["cost"])


def _interval(values: Floats) -> Interval:
    return UNKNOWN if np.isnan(values).any() else mean_interval(values)


def _cell(title: str, rows: Sequence[dict[str, Any]], tariff: str) -> CellReport:
    moving = [row for row in rows if not np.isnan(row["headroom"])]
    order = dict.fromkeys([*(COST_COLUMNS if moving else ()), *RESULT_COLUMNS])
    columns = {key: [RESULT_COLUMNS[key](row) for row in rows] for key in order}
    columns = {key: cells for key, cells in columns.items() if set(cells) != {"-"}}
    agents = [marked_agent(row["agent"], row["informed"]) for row in rows]
    trainings = max((row["trainings"] for row in rows), default=0)
    note = _count(rows[0]["seeds"], "seed") if rows else ""
    note += f", {_count(trainings, 'training')}" if trainings else ""
    gaps = [row["bound_gap"] for row in rows if not np.isnan(row["bound_gap"])]
    note += f"; the bracket of the optimum is {100 * gaps[0]:.2g} % wide" if gaps else ""
    note += f"; headroom {between_ends(moving[0], 'headroom', '.0f')} % of the static cost" if moving else ""
    return CellReport(title, measure_table("agent", agents, columns), note, tariff)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _across(plays: Plays) -> Table:
    """Interquartile mean of the share over seeds and cells, for agents that are in several of them."""
    tasks = [(part, cell) for part in plays.parts() for cell in plays.cells(part)]
    lines = []
    for label in dict.fromkeys(name for part in plays.parts() for name in plays.labels(part)):
        there = [(part, cell) for part, cell in tasks if plays.of(part, label, cell)]
        found = [plays.values(part, label, cell, "share") for part, cell in there]
        found = [values for values in found if not np.isnan(values).any()]
        if label == BASELINE or len(found) < 2:
            continue
        seeds = min(values.shape[1] for values in found)
        scores = np.stack([values.mean(axis=0)[:seeds] for values in found], axis=1)
        once = all(len(values) == 1 for values in found)
        interval = interquartile_interval(scores) if once else alone(interquartile_mean(scores))
        lines.append((interval, label, len(found), seeds))
    lines.sort(key=lambda line: -line[0].estimate)
    body = [[label, f"{share:.3f}", str(cells), str(seeds)] for share, label, cells, seeds in lines]
    return Table(["agent", MEASURES["share"].label, "cells", "seeds each"], body, ["", "share", "", ""])
