"""Table, figures and one self-contained page of a study."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from experiments.reports.tables import interval_text, own_tariff, write_csv
from experiments.studies import front_report
from experiments.studies import plots as study_figures
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import BASELINE, Study
from experiments.studies.front_run import FrontUnit
from experiments.studies.page import PAGE, html_number, html_picture, html_table, with_bounds
from experiments.studies.results import REGRETS, Plays
from experiments.studies.run import Unit
from idn_gym.config_reader import to_plain as to_plain
from idn_gym.core.arrays import Floats
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
from idn_gym.files import write_text

ABOUT_STUDY = (
    "<p>Means over seeds with 95 % intervals: Student's t over seeds, and over trainings of agents that were "
    "trained several times; [-] where there is a single seed. <i>Gain</i>: tariff saved per request "
    "against the repositories alone, averaged over slots. <i>Share</i>: gain over the upper bound of all "
    "static placements in hindsight; a policy that moves may pass 1. <i>Ahead</i>: gain minus that of the "
    "reference ({reference}), seed by seed. <i>Cost per slot</i>: what trained agents lower, with all that "
    "the study's preference weighs; <i>dearer</i>: than the reference. <i>Second half</i>: gain per request "
    "in the second half of the slots. <i>Regret</i>: gain by which the best static placement is ahead, and "
    "1 - 1/e of it. <i>Of fractions</i>: by which the best static fractions are ahead of a learner's, "
    "from what the best placement found gains to what no fractions can; a proven bound holds for the "
    "value in between. <i>Dynamic</i>, <i>of clairvoyant</i>: gain by which the greedy "
    "that knows each slot is ahead, and share of its gain.</p>"
)


def report_study(
    study: Study, units: Sequence[Unit], fronts: Sequence[FrontUnit], out: Path, head: dict[str, Any]
) -> Path:
    """Write ``report.html``, the tables as CSV and the figures.

    Args:
        study: its configuration.
        units: the runs of its parts, all of them played.
        fronts: those of its fronts, likewise.
        out: where they were played to.
        head: command, versions and the like, printed with the configuration.
    """
    body = [f"<p>{html.escape(study.about)}</p>"]
    body += [f"<p>Not here: {html.escape(line)}</p>" for line in head.get("left out", [])]
    if fronts:
        body += front_report.report_fronts(study, fronts, out)
    if units:
        body += _parts(study, Plays(units, out), out)
    played: list[CachedRun] = [*units, *fronts]
    other = list(dict.fromkeys(unit.part for unit in played if _codes(unit, out) != {code_stamp()}))
    if other:
        body.append(f"<p>Played, at least in part, by other code than this: {', '.join(other)}.</p>")
    record = {**head, "study": to_plain(study)}
    text = html.escape(yaml.safe_dump(record, sort_keys=False))
    body.append(f"<h2>Command, versions, configuration</h2><pre>{text}</pre>")
    page = out / "report.html"
    write_text(page, PAGE.format(title=html.escape(study.title), body="\n".join(body)))
    return page


def _codes(unit: CachedRun, out: Path) -> set[str]:
    """Stamps of the code that played a run, and of that which trained what it played."""
    record = unit.read(out)
    return {record["code"], *record.get("training_code", [])}


def _parts(study: Study, plays: Plays, out: Path) -> list[str]:
    """Tables and figures of the parts; also as ``runs.csv`` (one line per run) and ``table.csv``."""
    records = [play.row() for play in plays.all]
    write_csv(out / "runs.csv", records)
    pictures = [(figure, study_figures.plot_figure(figure, plays, out)) for figure in study.figures]
    body = [ABOUT_STUDY.format(reference=html.escape(study.reference)), *_across(plays)]
    seconds = sum(r["cpu_seconds_to_build"] + r["cpu_seconds_per_slot"] * r["slots"] for r in records)
    body.append(f"<p>{len(plays.all)} runs took {seconds / 60:.0f} CPU minutes, trainings not counted.</p>")
    rows = []
    for part in plays.parts():
        body.append(f"<h2>{html.escape(part)}</h2>")
        body += [html_picture(path) for figure, path in pictures if figure.part == part]
        for cell in plays.cells(part):
            lines = [_row(plays, part, label, cell, study.reference) for label in plays.labels(part)]
            lines = sorted((row for row in lines if row), key=lambda row: -row["gain"])
            rows += lines
            body.append(_table(cell, lines))
            body += _served_by(plays, part, cell)
    write_csv(out / "table.csv", rows)
    return body


def _served_by(plays: Plays, part: str, cell: dict[str, Any]) -> list[str]:
    """A line where requests are served by other weights than the cost has."""
    unit = plays.of(part, BASELINE, cell)[0].unit
    tariff = own_tariff(unit.scenario, unit.preference)
    if not tariff:
        return []
    weighs = "gains count that tariff, and cost per slot what the preference weighs"
    return [f"<p>Requests are served by serving.tariff ({tariff}): {weighs}.</p>"]


def _row(plays: Plays, part: str, label: str, cell: dict[str, Any], reference: str) -> dict[str, Any]:
    """One agent in one cell, all seeds."""
    mine = plays.of(part, label, cell)

    def values(name: str, of: str = label) -> Floats:
        return plays.values(part, of, [cell], name)

    def ahead(name: str) -> Interval:
        if label == reference:
            return ITSELF
        there = bool(plays.of(part, reference, cell))
        return paired_difference(values(name), values(name, reference)) if there else UNKNOWN

    trainings, seeds = values("cost").shape
    row: dict[str, Any] = {"part": part, "cell": json.dumps(cell), "agent": label}
    row |= {"trainings": trainings if mine[0].unit.training else 0, "seeds": seeds}
    row |= interval_text("gain", mean_interval(values("ntag"))) | interval_text("ahead", ahead("ntag"))
    row |= interval_text("cost", mean_interval(values("cost"))) | interval_text("dearer", ahead("cost"))
    row |= interval_text("share", _interval(values("share")))
    fractional = [play.row()["fractional_share"] for play in mine]
    row["fractional_share"] = float(np.mean(fractional))
    for name in (*REGRETS, "competitive", "second_half"):
        row |= interval_text(name, _interval(values(name)))
    row["regret_bound"] = float(np.mean([play.row()["regret_bound"] for play in mine]))
    for name in ("update", "accuracy", "latency", "energy", "traffic", "drop_rate", "split_rate"):
        row[name] = float(values(name).mean())
    for name in ("training_steps", "training_cpu_seconds"):
        row[name] = float(np.mean([play.record.get(name, np.nan) for play in mine]))
    row["bound_gap"] = float(np.mean([play.row()["bound_gap"] for play in mine]))
    row["us_per_slot"] = 1e6 * float(np.mean([play.record["cpu_seconds_per_slot"] for play in mine]))
    return row


def _interval(values: Floats) -> Interval:
    return UNKNOWN if np.isnan(values).any() else mean_interval(values)


RESULT_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "gain per request": lambda row: with_bounds(row, "gain"),
    "ahead": lambda row: with_bounds(row, "ahead", "+.3g"),
    "cost per slot": lambda row: with_bounds(row, "cost"),
    "dearer": lambda row: with_bounds(row, "dearer", "+.3g"),
    "share": lambda row: with_bounds(row, "share"),
    "fractional": lambda row: html_number(row["fractional_share"]),
    "second half": lambda row: with_bounds(row, "second_half"),
    "regret": lambda row: with_bounds(row, "regret"),
    "with factor 1-1/e": lambda row: with_bounds(row, "rounding_regret"),
    "of fractions, from": lambda row: with_bounds(row, "fractional_regret"),
    "to": lambda row: with_bounds(row, "fractional_regret_most"),
    "proven at most": lambda row: html_number(row["regret_bound"]),
    "dynamic": lambda row: with_bounds(row, "dynamic_regret"),
    "of clairvoyant": lambda row: with_bounds(row, "competitive"),
    "update %": lambda row: html_number(100 * row["update"]),
    "accuracy %": lambda row: html_number(100 * row["accuracy"]),
    "latency ms": lambda row: html_number(1e3 * row["latency"]),
    "energy mJ": lambda row: html_number(1e3 * row["energy"]),
    "traffic kB-hops": lambda row: html_number(1e-3 * row["traffic"]),
    "dropped %": lambda row: html_number(100 * row["drop_rate"]),
    "us per slot": lambda row: f"{row['us_per_slot']:.0f}",
    "training steps": lambda row: html_number(row["training_steps"] or np.nan),
    "training CPU s": lambda row: html_number(row["training_cpu_seconds"] or np.nan),
}
"""Columns of the page; a dash where there is nothing to show, and no column where that is everywhere."""


def _table(cell: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    columns = {name: [show(row) for row in rows] for name, show in RESULT_COLUMNS.items()}
    columns = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    lines = list(zip([row["agent"] for row in rows], *columns.values(), strict=True))
    trainings = max((row["trainings"] for row in rows), default=0)
    seeds = _count(rows[0]["seeds"], "seed") if rows else ""
    seeds += f", {_count(trainings, 'training')}" if trainings else ""
    title = ", ".join(f"{key} = {value}" for key, value in cell.items())
    caption = f"<h3>{html.escape(title)}</h3>" if title else ""
    gaps = [row["bound_gap"] for row in rows if not np.isnan(row["bound_gap"])]
    note = f"; the bracket of the optimum is {100 * gaps[0]:.2g} % wide" if gaps else ""
    return f"{caption}{html_table(['agent', *columns], lines)}<p>{seeds}{note}.</p>"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _across(plays: Plays) -> list[str]:
    """Interquartile mean of the share over seeds and cells, for agents that are in most of them."""
    tasks = [(part, cell) for part in plays.parts() for cell in plays.cells(part)]
    lines = []
    for label in dict.fromkeys(name for part in plays.parts() for name in plays.labels(part)):
        there = [(part, cell) for part, cell in tasks if plays.of(part, label, cell)]
        found = [plays.values(part, label, [cell], "share") for part, cell in there]
        found = [values for values in found if not np.isnan(values).any()]
        if label == BASELINE or len(found) < 2:
            continue
        seeds = min(values.shape[1] for values in found)
        scores = np.stack([values.mean(axis=0)[:seeds] for values in found], axis=1)
        once = all(len(values) == 1 for values in found)
        interval = interquartile_interval(scores) if once else alone(interquartile_mean(scores))
        lines.append((interval, label, len(found), seeds))
    if not lines:
        return []
    body = "".join(
        f"<tr><td>{html.escape(label)}<td>{i:.3f}<td>{cells}<td>{seeds}"
        for i, label, cells, seeds in sorted(lines, key=lambda line: -line[0].estimate)
    )
    return [
        "<h2>All parts</h2><p>Interquartile mean of the share over seeds and cells, all cells on the same "
        f"seeds; with 95 % intervals from {LEAST_FOR_IQM} seeds on, for agents that were not trained several "
        "times. Agents that are in fewer cells met other, perhaps easier, ones.</p>"
        f"<table><tr><th>agent<th>share<th>cells<th>seeds each{body}</table>"
    ]
