"""Hedonic games as a picture: cost over moves, and the prices of selfishness over the load of the radio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.style import COLOURS, GRID_STYLE, PLOT_WIDTH, save_figure
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.games.dynamics import ShiftRun

PRICE_LABELS = {
    "anarchy": "worst stable: all alone",
    "nearest": "nearest gateway, nobody moves",
    "together": "worst stable, not all alone",
    "reached": "where dynamics end",
    "stability": "best stable",
}


def draw_games(
    path: Path, runs: Mapping[str, ShiftRun], loads: Sequence[float], prices: Mapping[str, Floats]
) -> None:
    """Write both panels as PNG.

    Args:
        path: of the picture.
        runs: of one game from one start, by rule.
        loads: Erlang at each gateway.
        prices: (loads, instances) costs over the optimum, by name.
    """
    with plt.rc_context(GRID_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(PLOT_WIDTH, 3.0), layout="constrained")
        _draw_courses(left, runs)
        _draw_prices(right, loads, prices)
        save_figure(figure, path)


def _draw_courses(axes: Any, runs: Mapping[str, ShiftRun]) -> None:
    for i, (rule, run) in enumerate(runs.items()):
        axes.plot(run.cost, color=COLOURS[i], lw=1.3, label=f"{rule}: {run.ending}")
        if run.ending == "stopped":
            axes.plot(len(run.moves), run.cost[-1], "o", color=COLOURS[i], ms=4)
    axes.set(xlabel="moves", ylabel="cost of all devices")
    axes.legend(title="next mover: ending", title_fontsize=8)


def _draw_prices(axes: Any, loads: Sequence[float], prices: Mapping[str, Floats]) -> None:
    for i, (name, label) in enumerate(PRICE_LABELS.items()):
        mean, low, high = np.array([mean_interval(row) for row in prices[name]]).T
        axes.plot(loads, mean, "o-", color=COLOURS[i], ms=3, lw=1.3, label=label)
        axes.fill_between(loads, low, high, color=COLOURS[i], alpha=0.2, lw=0)
    axes.axhline(1.0, color="#7f7f7f", lw=0.8)
    axes.set(xlabel="load of a gateway [Erlang]", ylabel="cost over the optimum", yscale="log")
    ticks = (1, 1.5, 2, 3, 4, 6)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(top=14.0)
    axes.legend(ncols=1, fontsize=6.5, loc="upper right")
