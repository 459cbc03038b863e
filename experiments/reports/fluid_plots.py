"""The fluid and its simulations over the load of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from idn_gym.evaluation.fluid_check import DISPATCHES, FluidCheck
from idn_gym.files import atomically


def draw_checks(path: Path, checks: Sequence[FluidCheck], title: str) -> None:
    """Mean latency, late share and drops over the load, one line per model."""
    figure = Figure(figsize=(9.0, 2.8), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    figure.suptitle(title)
    for name, label, axis in zip(
        ("latency", "late", "dropped"), ("mean latency [s]", "late share", "drop share"), axes, strict=True
    ):
        for model, marker in zip(("fluid", *DISPATCHES), ("o", "s", "^"), strict=True):
            points = [(check.load, getattr(check, name)) for check in checks if check.model == model]
            axis.plot(*zip(*points, strict=True), marker=marker, markersize=3, linewidth=1, label=model)
        axis.set(xlabel="load", ylabel=label, ylim=(0.0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    atomically(path, lambda file: figure.savefig(file, format="png"))
