"""Reports of the fluid against events: a table, lines about a ranking, a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from idn_gym.evaluation.events import RequestStatistics
from idn_gym.evaluation.fluid_check import DISPATCHES, FluidCheck
from idn_gym.evaluation.fluid_ranking import RankedPlacement
from idn_gym.evaluation.loading_check import LoadingCheck
from idn_gym.text_tables import rounded, significant

COMPARED = {
    "p95": ("p95 [s]", 1.0),
    "p99": ("p99 [s]", 1.0),
    "late": ("late [%]", 100.0),
    "dropped": ("dropped [%]", 100.0),
    "cost": ("tariff", 1.0),
    "node_load": ("node load [%]", 100.0),
    "link_load": ("link load [%]", 100.0),
}
"""Columns that show all models beside each other: heading and factor from SI."""

ARRIVAL_COLUMNS = ("late", "dropped", "cost")

HEAD = ["load", "latency [s]", "fluid off [%]", "s.e. [%]", "s.e. of late [%]"]
"""Columns of all tables."""


class FluidReport(NamedTuple):
    """The comparison on one scenario."""

    scenario: str
    about: str
    """the placement, and what load 1 is"""
    checks: tuple[FluidCheck, ...]
    ranking: tuple[str, ...]
    """lines; empty where nothing was ranked"""
    arriving: str
    """what arrives within a slot; empty where that was not looked at"""
    arrival: tuple[LoadingCheck, ...]


def arrival_table(checks: Iterable[LoadingCheck]) -> tuple[list[str], list[list[str]]]:
    """Head, and one row per load of a slot within which a segment arrives: the fluid / events."""
    rows = []
    for check in checks:
        loads = [check.node_load, check.events_node_load]
        latencies = [check.latency, check.events.latency]
        rows.append(
            [
                *_first_cells(check.load, latencies, check.events),
                f"{100.0 * check.served:.0f}",
                *(_cell((check, check.events), key) for key in ARRIVAL_COLUMNS),
                _beside(loads, COMPARED["node_load"][1]),
            ]
        )
    columns = [COMPARED[key][0] for key in (*ARRIVAL_COLUMNS, "node_load")]
    return [*HEAD, "served by it [%]", *columns], rows


def check_table(checks: Iterable[FluidCheck]) -> tuple[list[str], list[list[str]]]:
    """Head, and one row per load; in a cell the models stand side by side, in the order of `FluidCheck`."""
    rows = []
    for load, group in groupby(checks, key=lambda check: check.load):
        models = list(group)
        first = _first_cells(load, [model.latency for model in models], models[1])
        settling = significant(models[0].settling, 2)
        rows.append([*first, settling, *(_cell(models, key) for key in COMPARED)])
    return [*HEAD, "settling", *(name for name, _ in COMPARED.values())], rows


def _first_cells(
    load: float, latencies: Sequence[float], events: FluidCheck | RequestStatistics
) -> list[str]:
    """Under `HEAD`.

    Args:
        load: of the row.
        latencies: [s] of the fluid, of `events`, and maybe of others.
        events: sent in the fluid's proportions.
    """
    return [
        f"{load:g}",
        _beside(latencies, 1.0),
        rounded(100.0 * (latencies[0] / latencies[1] - 1.0), "+.0f"),
        f"{100.0 * events.latency_error / events.latency:.1f}",
        f"{100.0 * events.late_error:.1f}",
    ]


def _cell(models: Sequence[Any], key: str) -> str:
    return _beside([getattr(model, key) for model in models], COMPARED[key][1])


def _beside(values: Sequence[float], factor: float) -> str:
    """Three significant digits of each, or one behind the point in per cent."""
    return " / ".join(
        f"{value * factor:.3g}" if factor == 1.0 else f"{value * factor:.1f}" for value in values
    )


def rank_correlations(ranked: Sequence[RankedPlacement]) -> dict[str, float]:
    """Kendall's tau between the fluid's cost and that of events, by dispatch; nan for less than two."""
    from scipy.stats import kendalltau

    if len(ranked) < 2:
        return dict.fromkeys(DISPATCHES, math.nan)
    fluid = [item.fluid for item in ranked]
    return {
        name: float(kendalltau(fluid, [getattr(item, name) for item in ranked]).statistic)
        for name in DISPATCHES
    }


def ranking_lines(ranked: Sequence[RankedPlacement], among: str) -> tuple[str, ...]:
    """Summary of a ranking.

    Args:
        ranked: cheapest first.
        among: of which placements these are the cheapest, in words.
    """
    tau = rank_correlations(ranked)
    lines = [f"{len(ranked)} cheapest distinct of {among}, at the nominal demand:"]
    for name in DISPATCHES:
        best, own = min(getattr(item, name) for item in ranked), getattr(ranked[0], name)
        lines.append(
            f"{name}: Kendall's tau with the fluid {tau[name]:.2f}; the fluid's best costs {own:.3g}, "
            f"the best of them {best:.3g}"
        )
    return tuple(lines)


def fluid_page(reports: Iterable[FluidReport], command: str) -> str:
    """All of it as a page of Markdown.

    Args:
        reports: one per scenario.
        command: that made it, as typed.
    """
    lines = [
        "# The fluid beside events",
        "",
        f"Made by `{command}`;",
        "[events](events.md) says what it shows.",
    ]
    lines += ["Cells are " + " / ".join(("fluid", *DISPATCHES)) + "."]
    for report in reports:
        head, rows = check_table(report.checks)
        lines += ["", f"## {report.scenario}", "", report.about, "", *_page_table(head, rows)]
        lines += (
            ["", report.ranking[0], "", *(f"- {line}" for line in report.ranking[1:])]
            if report.ranking
            else []
        )
        if report.arrival:
            lines += ["", f"{report.arriving} Cells are fluid / {DISPATCHES[0]}.", ""]
            lines += _page_table(*arrival_table(report.arrival))
    return "\n".join(lines) + "\n"


def _page_table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---:"] * len(head), *rows)]
