"""The regret of thresholds chosen online and its guarantee, for print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from experiments.lab.quality_checks import Regret
from experiments.reports.style import COLOURS, PLOT_STYLE, PLOT_WIDTH, save_figure


def plot_bandit_regret(path: Path, curves: Mapping[str, Regret]) -> None:
    """Write one picture: mean regret over the streams by slot, and the bound of all of them.

    Args:
        path: of the picture.
        curves: by label, of equally many slots and thresholds.
    """
    with plt.rc_context(PLOT_STYLE):
        figure, axes = plt.subplots(figsize=(PLOT_WIDTH, 2.8), layout="constrained")
        for colour, (label, regret) in zip(COLOURS, curves.items(), strict=False):
            slots = np.arange(1, len(regret.mean) + 1)
            axes.plot(slots, regret.mean, color=colour, lw=1.2, label=label)
            axes.plot(slots, regret.bound, color="#7f7f7f", lw=0.8, ls="--")
        axes.set(xlabel="slot", ylabel="regret (dashed: bound)", xlim=(0, None))
        axes.legend(frameon=False)
        save_figure(figure, path)
