"""Columns of the tables of a study's parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.studies.page import html_number, with_bounds
from idn_gym.evaluation.intervals import Interval

RESULT_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "gain per request": lambda row: with_bounds(row, "gain"),
    "ahead": lambda row: with_bounds(row, "ahead", "+.3g"),
    "cost per slot": lambda row: with_bounds(row, "cost"),
    "cost increase": lambda row: with_bounds(row, "cost_increase", "+.3g"),
    "saved %": lambda row: _percent(row, "saved"),
    "of the dynamic optimum": lambda row: between_ends(row, "of_dynamic", "of_dynamic_most"),
    "dynamic regret": lambda row: between_ends(row, "dynamic_regret", "dynamic_regret_most", ".3g"),
    "competitive ratio": lambda row: between_ends(row, "competitive", "competitive_most"),
    "share": lambda row: with_bounds(row, "share"),
    "fractional": lambda row: html_number(row["fractional_share"]),
    "second half": lambda row: with_bounds(row, "second_half"),
    "regret": lambda row: with_bounds(row, "regret"),
    "with factor 1-1/e": lambda row: with_bounds(row, "rounding_regret"),
    "of fractions, from": lambda row: with_bounds(row, "fractional_regret"),
    "to": lambda row: with_bounds(row, "fractional_regret_most"),
    "proven at most": lambda row: html_number(row["regret_bound"]),
    "behind greedy": lambda row: with_bounds(row, "behind_greedy"),
    "of greedy": lambda row: with_bounds(row, "of_greedy"),
    "update %": lambda row: html_number(100 * row["update"]),
    "accuracy %": lambda row: html_number(100 * row["accuracy"]),
    "latency ms": lambda row: html_number(1e3 * row["latency"]),
    "p50": lambda row: html_number(1e3 * row["latency_p50"]),
    "p95": lambda row: html_number(1e3 * row["latency_p95"]),
    "p99": lambda row: html_number(1e3 * row["latency_p99"]),
    "wait ms": lambda row: html_number(1e3 * row["wait"] or np.nan),
    "dropped %": lambda row: html_number(100 * row["drop_rate"]),
    "late %": lambda row: html_number(100 * row["late_rate"]),
    "node load %": lambda row: html_number(100 * row["node_load"]),
    "busiest node %": lambda row: html_number(100 * row["node_load_max"]),
    "busiest link %": lambda row: html_number(100 * row["link_load_max"]),
    "energy mJ": lambda row: html_number(1e3 * row["energy"]),
    "+ drops mJ": lambda row: html_number(1e3 * row["penalty_energy"] or np.nan),
    "traffic kB-hops": lambda row: html_number(1e-3 * row["traffic"]),
    "+ drops kB-hops": lambda row: html_number(1e-3 * row["penalty_traffic"] or np.nan),
    "lifetime h": lambda row: html_number(row["lifetime"] / 3600),
    "fairness": lambda row: html_number(row["fairness"]),
    "airtime ms": lambda row: html_number(row["airtime"] * 1e3),
    "us per slot": lambda row: f"{row['us_per_slot']:.0f}",
    "training steps": lambda row: html_number(row["training_steps"] or np.nan),
    "training CPU s": lambda row: html_number(row["training_cpu_seconds"] or np.nan),
}
"""Columns of the page; a dash where there is nothing to show, and no column where that is everywhere."""

COST_COLUMNS = (
    "cost per slot",
    "cost increase",
    "saved %",
    "of the dynamic optimum",
    "dynamic regret",
    "competitive ratio",
)
"""First columns where there is a bracket of the best sequence; lines are then sorted by cost."""


def _percent(row: dict[str, Any], name: str) -> str:
    """A share and its interval in per cent."""
    ends = (100.0 * row[key] for key in (name, f"{name}_low", f"{name}_high"))
    return f"{Interval(*ends):+.1f}"


def between_ends(row: dict[str, Any], least: str, most: str, form: str = ".2f") -> str:
    """A number that is known to lie between two columns."""
    return "-" if np.isnan(row[least]) else f"{row[least]:{form}} to {row[most]:{form}}"
