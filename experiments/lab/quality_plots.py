"""Reliability diagrams, for print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.style import COLOURS, PLOT_STYLE, PLOT_WIDTH, save_figure
from idn_gym.lab.calibration.calibration_error import Reliability

PLOT_COLUMNS = 2

LEAST_SAMPLES = 10
"""Bins with fewer samples say nothing and are left out."""


def plot_reliability(path: Path, title: str, diagrams: Mapping[str, Reliability]) -> None:
    """Write one panel per diagram: accuracy against confidence, and where the samples are.

    Args:
        path: of the picture.
        title: of the whole.
        diagrams: by title.
    """
    rows = -(-len(diagrams) // PLOT_COLUMNS)
    with plt.rc_context(PLOT_STYLE):
        figure, grid = plt.subplots(
            rows,
            PLOT_COLUMNS,
            figsize=(PLOT_WIDTH, 0.6 + 2.2 * rows),
            squeeze=False,
            sharex=True,
            layout="constrained",
        )
        for axes, (name, table) in zip(grid.flat, diagrams.items(), strict=False):
            edges = np.linspace(0.0, 1.0, len(table.samples) + 1)
            axes.stairs(table.samples / table.samples.sum(), edges, fill=True, color="#dddddd")
            axes.plot([0.0, 1.0], [0.0, 1.0], color="#7f7f7f", lw=0.8)
            shown = table.samples >= LEAST_SAMPLES
            axes.plot(table.confidence[shown], table.accuracy[shown], "o-", color=COLOURS[0], ms=3.5, lw=1.2)
            axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), title=name)
        for axes in grid.flat[len(diagrams) :]:
            axes.set_visible(False)
        figure.suptitle(title)
        figure.supxlabel("confidence (grey: share of the samples)")
        figure.supylabel("accuracy")
        save_figure(figure, path)
