"""Table, figures and one self-contained page of a study."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from experiments import study_figures
from experiments.code_stamp import code_stamp
from experiments.report import write_csv
from experiments.study_config import BASELINE, Study
from experiments.study_data import REGRETS, Play, Plays
from experiments.unit import Unit
from idn_gym.evaluation.intervals import Interval, mean_interval, paired_difference, stratified_interval
from idn_gym.strict import write as to_plain

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; color: #222 }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; font-size: 12.5px; margin: .6rem 0 1.4rem }}
th, td {{ padding: .15rem .55rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left }}
img {{ max-width: 100%; margin: .6rem 0 }}
pre {{ background: #f6f6f6; padding: .8rem; overflow-x: auto; font-size: 12px }}
.scroll {{ overflow-x: auto }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def write(study: Study, units: Sequence[Unit], out: Path, head: dict[str, Any]) -> Path:
    """Write ``runs.csv`` (one line per run), ``table.csv``, figures and ``report.html``.

    Args:
        study: its configuration.
        units: its runs, all of them played.
        out: where they were played to.
        head: command, versions and the like, printed with the configuration.
    """
    plays = Plays(units, out)
    records = [play.row() for play in plays.all]
    write_csv(out / "runs.csv", records)
    pictures = [(figure, study_figures.draw(figure, plays, out)) for figure in study.figures]
    body = [f"<p>{html.escape(study.about)}</p>"]
    body += [f"<p>Not here: {html.escape(line)}</p>" for line in head.get("left out", [])]
    body += [
        "<p>Means over seeds with 95 % bootstrap intervals. <i>Gain</i>: tariff saved per request against "
        "the repositories alone, averaged over slots. <i>Share</i>: gain over the upper bound of all static "
        "placements in hindsight; a policy that moves may pass 1. <i>Ahead</i>: gain minus that of the "
        f"reference ({html.escape(study.reference)}), seed by seed. <i>Second half</i>: gain per request in "
        "the second half of the slots. <i>Regret</i>: gain by which the best static placement is ahead, and "
        "1 - 1/e of it. <i>Of fractions</i>: by which the best static fractions are ahead of a learner's, "
        "from what the best placement found gains to what no fractions can; a proven bound holds for the "
        "value in between. <i>Dynamic</i>, <i>of clairvoyant</i>: gain by which the greedy "
        "that knows each slot is ahead, and share of its gain.</p>"
    ]
    body += _across(plays)
    seconds = sum(r["cpu_seconds_to_build"] + r["cpu_seconds_per_slot"] * r["slots"] for r in records)
    body.append(f"<p>{len(plays.all)} runs took {seconds / 60:.0f} CPU minutes, trainings not counted.</p>")
    own = code_stamp()
    other = list(dict.fromkeys(play.unit.part for play in plays.all if play.record.get("code") != own))
    if other:
        body.append(f"<p>Played, at least in part, by other code than this: {', '.join(other)}.</p>")
    rows = []
    for part in plays.parts():
        body.append(f"<h2>{html.escape(part)}</h2>")
        body += [_picture(path) for figure, path in pictures if figure.part == part]
        for cell in plays.cells(part):
            table = [_row(plays, part, label, cell, study.reference) for label in plays.labels(part)]
            table = sorted((row for row in table if row), key=lambda row: -row["gain"])
            rows += table
            body.append(_table(cell, table))
    write_csv(out / "table.csv", rows)
    record = {**head, "study": to_plain(study)}
    text = html.escape(yaml.safe_dump(record, sort_keys=False))
    body.append(f"<h2>Command, versions, configuration</h2><pre>{text}</pre>")
    page = out / "report.html"
    page.write_text(PAGE.format(title=html.escape(study.title), body="\n".join(body)))
    return page


def _row(plays: Plays, part: str, label: str, cell: dict[str, Any], reference: str) -> dict[str, Any]:
    """One agent in one cell, all seeds."""
    mine = plays.of(part, label, cell)
    others = plays.of(part, reference, cell)
    row: dict[str, Any] = {"part": part, "cell": json.dumps(cell), "agent": label, "seeds": len(mine)}
    row |= _spread("gain", mean_interval(_values(mine, "ntag")))
    ahead = (
        paired_difference(_values(mine, "ntag"), _values(others, "ntag"))
        if others
        else Interval(*[np.nan] * 3)
    )
    row |= _spread("ahead", ahead)
    row |= _spread("share", _interval(_values(mine, "share")))
    fractional = [play.row()["fractional_share"] for play in mine]
    row["fractional_share"] = float(np.mean(fractional))
    for name in (*REGRETS, "competitive", "second_half"):
        row |= _spread(name, _interval(_values(mine, name)))
    row["regret_bound"] = float(np.mean([play.row()["regret_bound"] for play in mine]))
    for name in ("update", "accuracy", "latency", "drop_rate", "split_rate"):
        row[name] = float(_values(mine, name).mean())
    row["bound_gap"] = float(np.mean([play.row()["bound_gap"] for play in mine]))
    row["us_per_slot"] = 1e6 * float(np.mean([play.record["cpu_seconds_per_slot"] for play in mine]))
    return row


def _values(plays: Sequence[Play], name: str) -> Any:
    return np.array([play.value(name) for play in plays])


def _interval(values: Any) -> Interval:
    return Interval(*[np.nan] * 3) if np.isnan(values).any() else mean_interval(values)


def _spread(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


SHOWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "gain per request": lambda row: _with_bounds(row, "gain"),
    "ahead": lambda row: _with_bounds(row, "ahead", "+"),
    "share": lambda row: _with_bounds(row, "share"),
    "fractional": lambda row: _number(row["fractional_share"]),
    "second half": lambda row: _with_bounds(row, "second_half"),
    "regret": lambda row: _with_bounds(row, "regret"),
    "with factor 1-1/e": lambda row: _with_bounds(row, "rounding_regret"),
    "of fractions, from": lambda row: _with_bounds(row, "fractional_regret"),
    "to": lambda row: _with_bounds(row, "fractional_regret_most"),
    "proven at most": lambda row: _number(row["regret_bound"]),
    "dynamic": lambda row: _with_bounds(row, "dynamic_regret"),
    "of clairvoyant": lambda row: _with_bounds(row, "competitive"),
    "update %": lambda row: _number(100 * row["update"]),
    "accuracy %": lambda row: _number(100 * row["accuracy"]),
    "latency ms": lambda row: _number(1e3 * row["latency"]),
    "dropped %": lambda row: _number(100 * row["drop_rate"]),
    "us per slot": lambda row: f"{row['us_per_slot']:.0f}",
}
"""Columns of the page; a dash where there is nothing to show."""


def _number(value: float, sign: str = "") -> str:
    return "-" if np.isnan(value) else f"{value:{sign}.3g}"


def _with_bounds(row: dict[str, Any], name: str, sign: str = "") -> str:
    if np.isnan(row[name]):
        return "-"
    return " ".join(
        (
            _number(row[name], sign),
            f"[{_number(row[f'{name}_low'], sign)}, {_number(row[f'{name}_high'], sign)}]",
        )
    )


def _table(cell: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("agent", *SHOWN))
    lines = [
        "<tr>"
        + "".join(
            f"<td>{html.escape(text)}</td>"
            for text in (row["agent"], *(show(row) for show in SHOWN.values()))
        )
        for row in rows
    ]
    seeds = f"{rows[0]['seeds']} seeds" if rows else ""
    title = ", ".join(f"{key} = {value}" for key, value in cell.items())
    caption = f"<h3>{html.escape(title)}</h3>" if title else ""
    gaps = [row["bound_gap"] for row in rows if not np.isnan(row["bound_gap"])]
    note = f"; the bracket of the optimum is {100 * gaps[0]:.2g} % wide" if gaps else ""
    return f"{caption}<div class=scroll><table><tr>{head}{''.join(lines)}</table></div><p>{seeds}{note}.</p>"


def _across(plays: Plays) -> list[str]:
    """Interquartile mean of the share over seeds and cells, for agents that are in most of them."""
    tasks = [(part, cell) for part in plays.parts() for cell in plays.cells(part)]
    lines = []
    for label in dict.fromkeys(name for part in plays.parts() for name in plays.labels(part)):
        found = [_values(plays.of(part, label, cell), "share") for part, cell in tasks]
        found = [values for values in found if len(values) and not np.isnan(values).any()]
        if label == BASELINE or len(found) < 2:
            continue
        seeds = min(len(values) for values in found)
        interval = stratified_interval(np.stack([values[:seeds] for values in found], axis=1))
        lines.append((interval, label, len(found), seeds))
    if not lines:
        return []
    body = "".join(
        f"<tr><td>{html.escape(label)}<td>{i.estimate:.3f} [{i.low:.3f}, {i.high:.3f}]<td>{cells}<td>{seeds}"
        for i, label, cells, seeds in sorted(lines, key=lambda line: -line[0].estimate)
    )
    return [
        "<h2>All parts</h2><p>Interquartile mean of the share over seeds and cells, with stratified "
        "bootstrap intervals. Agents that are in fewer cells met other, perhaps easier, ones.</p>"
        f"<table><tr><th>agent<th>share<th>cells<th>seeds each{body}</table>"
    ]


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">'
