"""The fronts of a study for its page: tables, verdict and pictures."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reports.tables import own_tariff, write_csv
from experiments.studies import front_plots as front_figures
from experiments.studies.config import Study
from experiments.studies.front_run import FrontUnit
from experiments.studies.fronts import Fronts
from experiments.studies.page import html_number, html_picture, html_table, with_bounds
from idn_gym.scenarios.presets import load_scenario

ABOUT_FRONTS = (
    "Every agent sweeps the same preferences on the same held-out episodes; a point is the mean reward "
    "vector under one of them. <i>Hypervolume</i>: share of the box between dropping everything and "
    "answering everything correctly for nothing that the front dominates. <i>Compared ahead</i>: hypervolume "
    "of {compared} minus the agent's, and <i>wins</i>: probability that it is larger in an episode, with an "
    "interval where both agents have one run. "
    "<i>Utility</i>: best weighted cost that the front offers, mean over the preferences, with a minus. "
    "<i>IGD+</i> and <i>utility loss</i>: how far the front is from that of {foresight}. 95 % "
    "intervals are Student's t over episodes and runs; these two have kinks, and so none."
)

FRONT_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "agent": lambda row: row["agent"],
    "runs": lambda row: str(row["runs"]),
    "non-dominated": lambda row: f"{row['non_dominated']:.1f} of {row['points']}",
    "hypervolume": lambda row: with_bounds(row, "hypervolume", form=".4f"),
    "compared ahead": lambda row: with_bounds(row, "compared_ahead", form="+.4f"),
    "wins": lambda row: with_bounds(row, "improvement", form=".2f"),
    "utility": lambda row: with_bounds(row, "expected_utility"),
    "IGD+": lambda row: html_number(row.get("igd_plus", np.nan)),
    "utility loss": lambda row: html_number(row.get("utility_loss", np.nan)),
    "discounted hypervolume": lambda row: with_bounds(row, "discounted_hypervolume", form=".4f"),
    "training steps": lambda row: f"{row['training_steps']:.0f}",
    "training CPU min": lambda row: html_number(row["training_cpu_seconds"] / 60),
    "playing CPU min": lambda row: html_number(row["cpu_seconds"] / 60),
}


def report_fronts(study: Study, units: Sequence[FrontUnit], out: Path) -> list[str]:
    """Write ``fronts.csv``, ``front-points.csv``, ``front-queries.csv`` and pictures; returns HTML."""
    body: list[str] = []
    rows: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for front in study.fronts:
        fronts = Fronts(front, [unit for unit in units if unit.part == front.name], out)
        mine = fronts.rows()
        compared, foresight = front.compared or "nobody", front.foresight or "nobody"
        body.append(f"<h2>{html.escape(front.name)}: fronts over {fronts.episodes} episodes</h2>")
        about = ABOUT_FRONTS.format(compared=html.escape(compared), foresight=html.escape(foresight))
        body.append(f"<p>{about}</p><p>{html.escape(verdict(fronts, mine))}</p>")
        body.append(f"<p>{size(mine)}</p>")
        fixed = own_tariff(load_scenario(front.scenario, front.overrides), "random")
        if fixed:
            body.append(f"<p>Under every preference requests are served by serving.tariff ({fixed}).</p>")
        body += [html_picture(path) for path in front_figures.plot_fronts(fronts, mine, out)]
        body.append(
            html_table(list(FRONT_COLUMNS), [[show(row) for show in FRONT_COLUMNS.values()] for row in mine])
        )
        asked = fronts.answers()
        body += _queries(asked)
        rows, points, answers = rows + mine, points + fronts.table(), answers + asked
    for name, lines in (("fronts", rows), ("front-points", points), ("front-queries", answers)):
        if lines:
            write_csv(out / f"{name}.csv", lines)
    return body


def size(rows: Sequence[dict[str, Any]]) -> str:
    """What a comparison took, in one sentence."""
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
    """Whether the compared agent is ahead of every online one, in one sentence."""
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


def _queries(answers: Sequence[dict[str, Any]]) -> list[str]:
    found = []
    for best, least in dict.fromkeys((row["best"], row["least"]) for row in answers):
        mine = [row for row in answers if (row["best"], row["least"]) == (best, least)]
        mine.sort(key=lambda row: -np.nan_to_num(row[best], nan=-np.inf))
        head = ["agent", "runs within", "accuracy", "latency s", "energy J", "traffic byte-hops"]
        lines = [
            [
                row["agent"],
                f"{row['runs_within']} of {row['runs']}",
                html_number(row["accuracy"]),
                *(html_number(-row[name]) for name in ("latency", "energy", "traffic")),
            ]
            for row in mine
        ]
        found.append(f"<h3>best {html.escape(best)} where {html.escape(least)}</h3>{html_table(head, lines)}")
    return found
