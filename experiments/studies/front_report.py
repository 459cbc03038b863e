"""The fronts of a study for its page: tables, verdict and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.reports.agent_styles import agent_styles
from experiments.studies import front_plots as front_figures
from experiments.studies.columns import measure_table, shown_interval
from experiments.studies.config import Study
from experiments.studies.envelope_run import EnvelopeRun
from experiments.studies.front_run import FrontUnit
from experiments.studies.fronts import Fronts
from experiments.studies.measures import MEASURES
from experiments.studies.page import Table, html_number
from idn_gym.evaluation.comparison import own_tariff
from idn_gym.evaluation.tables import write_csv
from idn_gym.scenarios.presets import load_scenario

FRONT_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "runs": lambda row: str(row["runs"]),
    "non_dominated": lambda row: f"{row['non_dominated']:.1f} of {row['points']}",
    "hypervolume": lambda row: shown_interval(row, "hypervolume", ".4f"),
    "envelope_share": lambda row: shown_interval(row, "envelope_share") if "envelope_share" in row else "",
    "compared_ahead": lambda row: shown_interval(row, "compared_ahead", "+.4f"),
    "improvement": lambda row: shown_interval(row, "improvement", ".2f"),
    "placements_apart": lambda row: html_number(row.get("placements_apart", np.nan)),
    "collapsed": lambda row: f"{row['collapsed']} of {row['runs']}" if "collapsed" in row else "",
    "expected_utility": lambda row: shown_interval(row, "expected_utility"),
    "igd_plus": lambda row: html_number(row.get("igd_plus", np.nan)),
    "utility_loss": lambda row: html_number(row.get("utility_loss", np.nan)),
    "discounted_hypervolume": lambda row: shown_interval(row, "discounted_hypervolume", ".4f"),
    "training_steps": lambda row: f"{row['training_steps']:.0f}",
    "training_cpu_seconds": lambda row: html_number(row["training_cpu_seconds"]),
    "cpu_seconds": lambda row: html_number(row["cpu_seconds"]),
}
"""By key of the measure; none where all cells are empty."""

ASKED = ("accuracy", "latency", "energy", "traffic")
"""Objectives that are told of the points that answer a question."""


class FrontReport(NamedTuple):
    """Content of the page about one comparison of fronts."""

    name: str
    episodes: int
    compared: str
    foresight: str
    planned: str
    """label of the agent whose front defines collapse; "": no check"""
    verdict: str
    size: str
    envelope: float
    """volume of the outer envelope in the units of hypervolumes; nan: there is none"""
    envelope_minutes: float
    """of the processor, to prove it"""
    tariff: str
    """tariff that serves requests under every preference; "" if it is the preference"""
    pictures: list[Path]
    table: Table
    answers: list[tuple[str, Table]]
    """configuration of the fronts, and the results of each agent"""


def report_fronts(
    study: Study, units: Sequence[FrontUnit], envelopes: Sequence[EnvelopeRun], out: Path
) -> list[FrontReport]:
    """Write ``fronts.csv``, ``front-points.csv``, ``front-queries.csv`` and pictures."""
    reports = []
    rows: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    styles = agent_styles(study.agents())
    for front in study.fronts:
        around = [run for run in envelopes if run.part == front.name]
        fronts = Fronts(front, [unit for unit in units if unit.part == front.name], out, around)
        mine, asked = fronts.rows(), fronts.answers()
        rows, points, answers = rows + mine, points + fronts.table(), answers + asked
        reports.append(
            FrontReport(
                name=front.name,
                episodes=fronts.episodes,
                compared=front.compared or "no one",
                foresight=front.foresight or "no one",
                planned=front.planned or "",
                verdict=verdict(fronts, mine),
                size=size(mine),
                envelope=fronts.volume(),
                envelope_minutes=sum(run.read(out)["seconds"] for run in around) / 60,
                tariff=own_tariff(load_scenario(front.scenario, front.overrides), "random"),
                pictures=front_figures.plot_fronts(fronts, mine, out, styles),
                table=front_table(mine),
                answers=_queries(asked),
            )
        )
    for name, lines in (("fronts", rows), ("front-points", points), ("front-queries", answers)):
        if lines:
            write_csv(out / f"{name}.csv", lines)
    return reports


def front_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line per agent; columns in which nobody has anything are left out."""
    columns = {key: [show(row) for row in rows] for key, show in FRONT_COLUMNS.items()}
    columns = {key: cells for key, cells in columns.items() if set(cells) - {"", "-"}}
    return measure_table("agent", [row["agent"] for row in rows], columns)


def size(rows: Sequence[dict[str, Any]]) -> str:
    """Costs of a comparison, in one sentence."""
    runs = sum(row["runs"] for row in rows)
    minutes = {
        name: sum(row["runs"] * row[name] for row in rows) / 60
        for name in ("training_cpu_seconds", "cpu_seconds")
    }
    return (
        f"{runs} fronts of {rows[0]['points']} points: {minutes['training_cpu_seconds']:.0f} CPU minutes of "
        f"training, {minutes['cpu_seconds']:.0f} of playing."
    )


def verdict(fronts: Fronts, rows: Sequence[dict[str, Any]]) -> str:
    """Whether the compared agent leads every online one, in one sentence."""
    front = fronts.front
    if front.compared is None or not front.online:
        return ""
    lows = {
        row["agent"]: row["compared_ahead_low"]
        for row in rows
        if row["agent"] in front.online and row["agent"] != front.compared
    }
    behind = [agent for agent, low in lows.items() if not low > 0]
    if not behind:
        return (
            f"{front.compared} is ahead of every online agent ({', '.join(lows)}); no interval reaches zero."
        )
    return f"{front.compared} is not surely ahead of {', '.join(behind)} among the online agents."


def _queries(answers: Sequence[dict[str, Any]]) -> list[tuple[str, Table]]:
    found = []
    for best, least in dict.fromkeys((row["best"], row["least"]) for row in answers):
        mine = [row for row in answers if (row["best"], row["least"]) == (best, least)]
        mine.sort(key=lambda row: -np.nan_to_num(row[best], nan=-np.inf))
        head = ["agent", "runs within", *(MEASURES[name].label for name in ASKED)]
        keys = ["", "", *ASKED]
        lines = [
            [
                row["agent"],
                f"{row['runs_within']} of {row['runs']}",
                *(html_number(MEASURES[name].factor * abs(row[name])) for name in ASKED),
            ]
            for row in mine
        ]
        found.append((f"best {best} where {least}", Table(head, lines, keys)))
    return found
