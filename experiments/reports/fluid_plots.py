"""The fluid and its simulations over the load of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from experiments.reports.style import COLOURS, GRID_STYLE, PLOT_WIDTH, save_figure
from idn_gym.evaluation.fluid_check import DISPATCHES, FluidCheck

PANELS = {"latency": "mean latency [s]", "late": "late requests [%]", "dropped": "dropped requests [%]"}


def draw_checks(path: Path, checks: Sequence[FluidCheck], title: str) -> None:
    """Draw mean latency, late share and drops over the load, one line for the fluid and each simulation."""
    with plt.rc_context(GRID_STYLE):
        figure, axes = plt.subplots(1, len(PANELS), figsize=(PLOT_WIDTH, 2.4), layout="constrained")
        figure.suptitle(title, fontsize=8)
        for (name, label), axis in zip(PANELS.items(), axes, strict=True):
            factor = 100.0 if "%" in label else 1.0
            for model, marker, colour in zip(("fluid", *DISPATCHES), "os^", COLOURS, strict=False):
                points = [
                    (check.load, factor * getattr(check, name)) for check in checks if check.model == model
                ]
                axis.plot(
                    *zip(*points, strict=True),
                    marker=marker,
                    color=colour,
                    markersize=3,
                    linewidth=1,
                    label=model,
                )
            axis.set(xlabel="load", ylabel=label, ylim=(0.0, None))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        save_figure(figure, path)
