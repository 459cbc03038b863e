"""Measure label-free estimates of accuracy on logits: ``python -m experiments.measure_quality FOLDER``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.lab.quality_data import (
    Calibrated,
    Followed,
    Judged,
    Logits,
    calibration_errors,
    diagrams,
    follow,
    read_logits,
    score_signals,
)
from experiments.lab.quality_plots import plot_reliability
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder, write_text
from idn_gym.text_tables import aligned

HIGH = 0.8
"""A condition with an accuracy above this counts as mild."""

NEAR = 0.025
"""Error of the average confidence under mild conditions that claim (g) allows."""


def mean_errors(rows: Sequence[Judged]) -> list[dict[str, Any]]:
    """Mean absolute error per network, calibration, estimator and exit, over conditions and files.

    ``mild_error`` covers only entries with a true accuracy above `HIGH`; nan where there are none.
    """
    table = []
    for key, group in _grouped(rows, lambda row: (row.network, row.calibration, row.estimator, row.exit)):
        errors = np.array([abs(row.estimate - row.accuracy) for row in group])
        mild = np.array([row.accuracy > HIGH for row in group])
        table.append(
            dict(zip(("network", "calibration", "estimator", "exit"), key, strict=True))
            | {"error": errors.mean(), "mild_error": errors[mild].mean() if mild.any() else np.nan}
            | {"cases": len(group), "mild_cases": int(mild.sum())}
        )
    return table


def picks(rows: Sequence[Judged]) -> list[dict[str, Any]]:
    """How often the exit with the highest estimate is the most accurate one, per network.

    Equally accurate exits all count as right. Networks with one exit are left out.
    """
    table = []
    for key, group in _grouped(rows, lambda row: (row.network, row.calibration, row.estimator)):
        cases = [case for _, case in _grouped(group, lambda row: (row.file, row.condition)) if len(case) > 1]
        right = sum(
            max(case, key=lambda row: row.estimate).accuracy == max(row.accuracy for row in case)
            for case in cases
        )
        if cases:
            names = dict(zip(("network", "calibration", "estimator"), key, strict=True))
            table.append(names | {"right": right, "cases": len(cases)})
    return table


def claims(rows: Sequence[Judged], calibrations: Sequence[Calibrated]) -> list[dict[str, Any]]:
    """Headline claim (g), per network: the number of its files for which each of three statements holds.

    The statements: average calibrated confidence is on average within `NEAR` of the truth while the accuracy
    is above `HIGH`; ATC on the largest confidence is more accurate over all conditions; a temperature lowers
    every exit's NLL on validation data.
    """
    table = []
    for (network,), group in _grouped(rows, lambda row: (row.network,)):
        held = np.zeros(3, int)
        files = _grouped(group, lambda row: (row.file,))
        for (file,), mine in files:
            average, atc = (
                [row for row in mine if (row.calibration, row.estimator) == ("calibrated", name)]
                for name in ("AC", "ATC-MC")
            )
            loss = {
                (row.exit, row.calibration): row.validation_nll for row in calibrations if row.file == file
            }
            held += (
                _error([row for row in average if row.accuracy > HIGH]) <= NEAR,
                _error(atc) < _error(average),
                all(loss[row.exit, "temperature"] < loss[row.exit, "raw"] for row in average),
            )
        near, ahead, lower = held.tolist()
        counts = {"confidence_near": near, "atc_ahead": ahead, "temperature_lowers_nll": lower}
        table.append({"network": network, "files": len(files), **counts})
    return table


def _error(rows: Sequence[Judged]) -> float:
    """Mean absolute error; nan for an empty selection, which satisfies no limit."""
    return float(np.mean([abs(row.estimate - row.accuracy) for row in rows])) if rows else np.nan


def quality_summary(
    rows: Sequence[Judged], calibrations: Sequence[Calibrated], followed: Sequence[Followed]
) -> str:
    """All tables as text."""
    lines = ["mean absolute error in points over all conditions (in brackets: accuracy above 80 % only)"]
    for (network,), table in _grouped(mean_errors(rows), lambda row: (row["network"],)):
        exits = sorted({row["exit"] for row in table})
        best = {
            (row["calibration"], row["estimator"]): f"{row['right']} of {row['cases']}"
            for row in picks(rows)
            if row["network"] == network
        }
        head = ["estimate", *(f"exit {x}" for x in exits), "best exit picked"]
        body = [
            [
                f"{estimator}, {calibration}",
                *(f"{100 * row['error']:.1f} ({100 * row['mild_error']:.1f})" for row in group),
                best.get((calibration, estimator), "-"),
            ]
            for (calibration, estimator), group in _grouped(
                table, lambda row: (row["calibration"], row["estimator"])
            )
        ]
        files = len({row.file for row in rows if row.network == network})
        lines += ["", f"{network}, {files} trained", "", *aligned(head, body)]
    lines += ["", "claim (g): in how many of the trained networks it holds that ...", ""]
    head = ["network", "trained", "confidence is near", "ATC is ahead of it", "a temperature lowers the NLL"]
    lines += aligned(head, [list(map(str, row.values())) for row in claims(rows, calibrations)])
    lines += ["", "calibration on clean test data, means over the trained networks", ""]
    lines += _calibration_lines(calibrations)
    lines += ["", "error in points of a window of calibrated confidences on a drifting stream", ""]
    lines += _online_lines(followed)
    return "\n".join(lines)


def _calibration_lines(calibrations: Sequence[Calibrated]) -> list[str]:
    head = ["network", "exit", "", "temperature", "accuracy [%]", "ECE [points]", "NLL [nats]", "Brier"]
    head.append("validation NLL")
    body = []
    for (network, x, calibration), group in _grouped(
        calibrations, lambda row: (row.network, row.exit, row.calibration)
    ):
        means = np.mean([row[4:] for row in group], axis=0) * (1, 100, 100, 1, 1, 1)
        cells = [
            "-" if np.isnan(mean) else f"{mean:.{places}f}"
            for mean, places in zip(means, (3, 2, 2, 4, 4, 4), strict=True)
        ]
        body.append([network, str(x), calibration, *cells])
    return aligned(head, body)


def _online_lines(followed: Sequence[Followed]) -> list[str]:
    head = ["network", "exit", "window", "error", "of a constant", "in the band"]
    body = []
    for (network, x, window), group in _grouped(followed, lambda row: (row.network, row.exit, row.window)):
        error, constant, covered = np.mean([row[4:] for row in group], axis=0)
        cells = [f"{100 * error:.1f}", f"{100 * constant:.1f}", f"{100 * covered:.0f} %"]
        body.append([network, str(x), str(window), *cells])
    return aligned(head, body)


def _grouped(rows: Iterable[Any], key: Callable[[Any], tuple[Any, ...]]) -> list[tuple[Any, list[Any]]]:
    """Group rows with equal keys, in order of first occurrence."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())


def measure_signals(networks: Sequence[Logits], out: Path) -> str:
    """Write tables and pictures of all networks into a folder; return the text."""
    rows = [row for logits in networks for row in score_signals(logits)]
    calibrations = [row for logits in networks for row in calibration_errors(logits)]
    followed = [row for logits in networks for row in follow(logits)]
    text = quality_summary(rows, calibrations, followed)
    write_text(out / "quality.txt", text + "\n")
    write_csv(out / "estimates.csv", [row._asdict() for row in rows])
    write_csv(out / "errors.csv", mean_errors(rows))
    write_csv(out / "calibration.csv", [row._asdict() for row in calibrations])
    write_csv(out / "online.csv", [row._asdict() for row in followed])
    write_csv(out / "claims.csv", claims(rows, calibrations))
    chosen = picks(rows)
    if chosen:
        write_csv(out / "picks.csv", chosen)
    for logits in networks:
        stem = Path(logits.file).stem
        plot_reliability(out / f"reliability-{stem}.png", stem, dict(diagrams(logits)))
    return text


@dataclass(kw_only=True)
class MeasureQualityCommand:
    """Measure label-free estimates of accuracy on the logits of trained networks.

    Reads every npz file in the folder (layout: experiments.lab.quality_data), prints the errors of the
    estimates, and writes the tables as text and CSV (fractions, not points) and reliability diagrams.
    """

    folder: Positional[Path]
    """folder with one npz file per trained network"""
    out: Path | None = None
    """folder to write into (default: FOLDER/quality)"""

    def run(self) -> None:
        """Measure, print and write."""
        paths = sorted(self.folder.glob("*.npz"))
        if not paths:
            raise ConfigError("folder", f"{str(self.folder)!r} holds no npz file; at least one is needed")
        networks = [read_logits(path) for path in paths]
        print(measure_signals(networks, writable_folder(self.out or self.folder / "quality")))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MeasureQualityCommand, words, "python -m experiments.measure_quality")


if __name__ == "__main__":
    main()
