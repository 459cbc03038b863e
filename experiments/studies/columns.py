"""Columns of the tables of a study's parts, by the key of their measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.studies.measures import MEASURES
from experiments.studies.page import Table, html_number, written_out
from idn_gym.evaluation.intervals import Interval


def shown_interval(row: dict[str, Any], name: str, form: str = ".3g") -> str:
    """A measure with its interval as it is shown, from ``name``, ``name_low`` and ``name_high``."""
    ends = (MEASURES[name].factor * row[key] for key in (name, f"{name}_low", f"{name}_high"))
    return written_out(f"{Interval(*ends):{form}}")


def between_ends(row: dict[str, Any], least: str, form: str = ".2f") -> str:
    """A measure that is known to lie between two columns, the second with ``_most`` after its name."""
    if np.isnan(row[least]):
        return "-"
    factor = MEASURES[least].factor
    return written_out(f"{factor * row[least]:{form}} to {factor * row[f'{least}_most']:{form}}")


def _number(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: html_number(MEASURES[name].factor * row[name])


def _interval(name: str, form: str = ".3g") -> Callable[[dict[str, Any]], str]:
    return lambda row: shown_interval(row, name, form)


def _ends(name: str, form: str = ".2f") -> Callable[[dict[str, Any]], str]:
    return lambda row: between_ends(row, name, form)


def _unless_zero(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: html_number(MEASURES[name].factor * row[name] or np.nan)


RESULT_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "ntag": _interval("ntag"),
    "ahead": _interval("ahead", "+.3g"),
    "cost": _interval("cost"),
    "cost_increase": _interval("cost_increase", "+.3g"),
    "saved": _interval("saved", "+.1f"),
    "of_dynamic": _ends("of_dynamic"),
    "dynamic_regret": _ends("dynamic_regret", ".3g"),
    "competitive": _ends("competitive"),
    "share": _interval("share"),
    "fractional_share": _number("fractional_share"),
    "second_half": _interval("second_half"),
    "regret": _interval("regret"),
    "rounding_regret": _interval("rounding_regret"),
    "fractional_regret": _interval("fractional_regret"),
    "fractional_regret_most": _interval("fractional_regret_most"),
    "regret_bound": _number("regret_bound"),
    "behind_greedy": _interval("behind_greedy"),
    "of_greedy": _interval("of_greedy"),
    "update": _number("update"),
    "accuracy": _number("accuracy"),
    "latency": _number("latency"),
    "latency_p50": _number("latency_p50"),
    "latency_p95": _number("latency_p95"),
    "latency_p99": _number("latency_p99"),
    "wait": _unless_zero("wait"),
    "drop_rate": _number("drop_rate"),
    "late_rate": _number("late_rate"),
    "node_load": _number("node_load"),
    "node_load_max": _number("node_load_max"),
    "link_load_max": _number("link_load_max"),
    "energy": _number("energy"),
    "penalty_energy": _unless_zero("penalty_energy"),
    "traffic": _number("traffic"),
    "penalty_traffic": _unless_zero("penalty_traffic"),
    "lifetime": _number("lifetime"),
    "fairness": _number("fairness"),
    "airtime": _number("airtime"),
    "us_per_slot": lambda row: f"{row['us_per_slot']:.0f}",
    "training_steps": _unless_zero("training_steps"),
    "training_cpu_seconds": _unless_zero("training_cpu_seconds"),
}
"""Columns of the page; a dash where there is nothing to show, and no column where that is everywhere."""

COST_COLUMNS = ("cost", "cost_increase", "saved", "of_dynamic", "dynamic_regret", "competitive")
"""Those that come first where there is a bracket of the best sequence: lines are sorted by cost then."""


def measure_table(what: str, lines: Sequence[str], columns: Mapping[str, Sequence[str]]) -> Table:
    """A table of measures.

    Args:
        what: the lines are, head of the first column.
        lines: names of the lines.
        columns: by key of the measure: a cell for every line.
    """
    head = [what, *(MEASURES[key].label for key in columns)]
    return Table(head, list(zip(lines, *columns.values(), strict=True)), ["", *columns])
