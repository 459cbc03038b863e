"""Measurements of transfer for the page of a study: tables, and the same as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.studies.page import Table, html_number
from experiments.studies.transfer_config import TransferPart
from experiments.studies.transfer_run import TransferBracket, TransferUnit
from experiments.studies.transfers import MEASURE, Transfers, mean_of
from idn_gym.evaluation.tables import interval_text, write_csv
from idn_gym.evaluation.transfer_protocol import REFERENCE_AXIS, protocol_digest

SHARES_SHOWN: tuple[MEASURE, ...] = ("score", "saved")
"""In the order of the columns."""


class TransferReport(NamedTuple):
    """Content of the page about one measurement."""

    name: str
    protocol: str
    status: str
    """whether all that the protocol asks for was played"""
    score: str
    compared: str
    size: str
    """how many scenarios, which do not count, and how wide brackets are"""
    tables: list[tuple[str, Table]]


def report_transfers(
    parts: Sequence[TransferPart],
    units: Sequence[TransferUnit],
    ends: Sequence[TransferBracket],
    out: Path,
) -> list[TransferReport]:
    """Write ``transfer.csv`` and ``transfer-runs.csv``.

    Args:
        parts: of which all is there, reduced where a smoke test is.
        units: their runs.
        ends: their brackets.
        out: where they were played to.
    """
    reports, rows, runs = [], list[dict[str, Any]](), list[dict[str, Any]]()
    for part in parts:
        mine = [unit for unit in units if unit.part == part.name]
        found = Transfers(part, mine, [one for one in ends if one.part == part.name], out)
        reports.append(_report(found))
        rows += transfer_rows(found)
        runs += found.rows()
    for name, lines in (("transfer", rows), ("transfer-runs", runs)):
        if lines:
            write_csv(out / f"{name}.csv", lines)
    return reports


def _report(found: Transfers) -> TransferReport:
    part = found.part
    always = [label for label in found.labels if not found.tuned(label)]
    always.sort(key=lambda label: -found.matrix("saved", part.axes[-1], label).mean())
    tables = [
        ("Score", _table(found, always, lambda axis, label: f"{found.mean('score', axis, label):.3f}")),
        ("Generality ratio of the score", _ratios(found, always, "score")),
        (f"Ahead of {part.compared}", _table(found, always, lambda axis, label: _ahead(found, axis, label))),
        *_by_size(found, always),
        (
            "Of what placing saves",
            _table(found, always, lambda axis, label: f"{found.mean('saved', axis, label):.3f}"),
        ),
        ("Generality ratio of what placing saves", _ratios(found, always, "saved")),
        ("What it took", _spent(found)),
    ]
    tables += [(f"Tuned, {axis} held out", _tuned(found, axis)) for axis in _tuned_axes(found)]
    frozen = f"{part.protocol}, digest {protocol_digest(part.asked)}"
    return TransferReport(
        name=part.name,
        protocol=frozen,
        status="All that the protocol asks for." if part.whole else "Other than the protocol asks for.",
        score=part.asked.score,
        compared=part.compared,
        size=_size(found),
        tables=tables,
    )


def _size(found: Transfers) -> str:
    words = []
    for axis in found.part.axes:
        room = [found.headroom(axis, seed) for seed in found.counted(axis)] or [np.nan]
        said = f"{axis}: {len(found.counted(axis))} of {len(found.seeds(axis))} scenarios count"
        words.append(f"{said}, headroom at most {min(room):.1%} to {max(room):.1%}, mean {np.mean(room):.1%}")
    gaps = [(end["reached"] - end["bound"]) / end["reached"] for end in found.ends.values()]
    least = f"What leaves less than {found.part.asked.least_headroom:.0%} to gain does not count in scores."
    told = [found.found_share(axis, seed) for axis in found.part.axes for seed in found.counted(axis)]
    best = f"The best sequences found, told the episode, score {np.mean(told or [np.nan]):.3f} on average."
    return f"{'; '.join(words)}. {least} Brackets are {np.mean(gaps):.1%} wide on average. {best}"


def _table(found: Transfers, labels: Sequence[str], cell: Any) -> Table:
    axes = found.part.axes
    body = [[_named(found, label), *(cell(axis, label) for axis in axes)] for label in labels]
    return Table(["agent", *axes], body)


def _named(found: Transfers, label: str) -> str:
    return f"{label} (learnt)" if found.learnt(label) else label


def _ahead(found: Transfers, axis: str, label: str, seeds: Sequence[int] | None = None) -> str:
    if label == found.part.compared:
        return "-"
    return f"{found.ahead(axis, label, seeds=seeds):+.3f}, {found.wins(axis, label, seeds=seeds):.0%}"


def _by_size(found: Transfers, labels: Sequence[str]) -> list[tuple[str, Table]]:
    """One table per size of networks, of those that count: as large as in training, and larger."""
    tables = []
    for size in found.sizes(found.part.axes[0]):
        chosen = {axis: found.sizes(axis)[size] for axis in found.part.axes}
        counts = ", ".join(f"{axis}: {len(seeds)}" for axis, seeds in chosen.items())

        def cell(axis: str, label: str, chosen: dict[str, list[int]] = chosen) -> str:
            return _ahead(found, axis, label, chosen[axis]) if chosen[axis] else "-"

        tables.append((f"Ahead of {found.part.compared}, {size} ({counts})", _table(found, labels, cell)))
    return tables


def _ratios(found: Transfers, labels: Sequence[str], measure: MEASURE) -> Table:
    axes = [axis for axis in found.part.axes if axis != REFERENCE_AXIS]
    body = [
        [_named(found, label), *(f"{found.ratio(measure, axis, label):.2f}" for axis in axes)]
        for label in labels
    ]
    return Table(["agent", *axes], body)


def _spent(found: Transfers) -> Table:
    body = []
    for label in found.labels:
        spent = found.spent(label)
        body.append(
            [
                _named(found, label),
                html_number(spent["training_steps"] or np.nan, ".0f"),
                html_number(spent["training_cpu_seconds"] or np.nan, ".0f"),
                html_number(spent["cpu_seconds"], ".1f"),
            ]
        )
    return Table(["agent", "slots learnt from", "CPU s of learning", "CPU s a scenario"], body)


def _tuned_axes(found: Transfers) -> list[str]:
    return [axis for axis in found.part.axes if found.tuned_at(axis)]


def _tuned(found: Transfers, axis: str) -> Table:
    """All agents on the scenarios on which some have learnt, that they can be compared."""
    seeds = [seed for seed in found.tuned_at(axis) if seed in found.counted(axis)]
    count = found.part.tuning.trainings
    tuned = list(dict.fromkeys(unit.label for unit in found.units if unit.mode == "tuned"))
    lines = []
    for label in found.labels:
        score, saved = (mean_of(found.matrix(measure, axis, label, seeds, count)) for measure in SHARES_SHOWN)
        minus = [found.ahead(axis, label, other, seeds, count) for other in tuned]
        differences = ["-" if label == other else f"{d:+.3f}" for other, d in zip(tuned, minus, strict=True)]
        lines.append((score.estimate, [_named(found, label), f"{score:.3f}", f"{saved:.3f}", *differences]))
    head = ["agent", f"score, seeds {', '.join(map(str, seeds))}", "of what placing saves"]
    return Table(
        [*head, *(f"score minus that of {label}" for label in tuned)],
        [cells for _, cells in sorted(lines, key=lambda line: -line[0])],
    )


def transfer_rows(found: Transfers) -> list[dict[str, Any]]:
    """One line per agent and axis."""
    rows = []
    for axis in found.part.axes:
        for label in (one for one in found.labels if not found.tuned(one)):
            row: dict[str, Any] = {"part": found.part.name, "held_out": axis, "agent": label}
            row |= {"trainings": found.trainings(label) if found.learnt(label) else 0}
            row |= {"scenarios": len(found.seeds(axis)), "counted": len(found.counted(axis))}
            for measure in SHARES_SHOWN:
                row |= interval_text(measure, found.mean(measure, axis, label))
                row |= interval_text(f"{measure}_ratio", found.ratio(measure, axis, label))
            row |= interval_text("ahead", found.ahead(axis, label))
            row["wins"] = found.wins(axis, label)
            rows.append(row | found.spent(label))
    return rows
