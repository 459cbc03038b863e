"""The picture of what agents keep where: copies of models on the nodes of a tier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.agent_styles import Styles
from experiments.reports.direct_labels import LABEL_SIZE, fit_title
from experiments.reports.style import COLUMN_INCHES
from experiments.studies.config import Figure
from experiments.studies.measures import cell_label
from experiments.studies.results import Play, Plays
from idn_gym.scenarios.compile import compile_scenario

ROW_INCHES = 0.15
"""Height of a model."""


def plot_tiers(figure: Figure, plays: Plays, agents: Styles, names: dict[str, str]) -> Any:
    """Per grid cell and tier: models by agent, as mean number of copies on a node of the tier.

    All panels have the same rows, columns and colours; a place is grey where an agent has no such model or
    tier.
    """
    cells = plays.cells(figure.part)
    found = [{agent: _by_tier(plays.of(figure.part, agent, cell)) for agent in agents} for cell in cells]
    places = dict.fromkeys(place for mine in found for copies in mine.values() for place in copies)
    tiers, models = (list(dict.fromkeys(place[i] for place in places)) for i in (0, 1))
    highest = max(
        (most for mine in found for copies in mine.values() for most in copies.values()), default=0.0
    )
    width, high = COLUMN_INCHES[figure.columns], 0.35 + ROW_INCHES * len(models)
    drawn, grid = plt.subplots(
        len(cells),
        len(tiers),
        figsize=(width, 1.5 + high * len(cells)),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for row, cell, mine in zip(grid, cells, found, strict=True):
        for axes, tier in zip(row, tiers, strict=True):
            shown = np.array([[mine[a].get((tier, model), np.nan) for a in agents] for model in models])
            image = axes.imshow(shown, aspect="auto", cmap="Blues", vmin=0.0, vmax=highest or 1.0)
            axes.set_facecolor("#bbbbbb")
            axes.set_xticks(range(len(agents)), list(agents), rotation=90, fontsize=LABEL_SIZE)
            axes.set_yticks(range(len(models)), models, fontsize=min(LABEL_SIZE, 60 * ROW_INCHES))
            axes.grid(False)
        if cell:
            row[0].set_ylabel(fit_title(cell_label(cell, names), high, LABEL_SIZE), fontsize=LABEL_SIZE)
    for axes, tier in zip(grid[0], tiers, strict=True):
        axes.set_title(tier)
    meaning = "mean number of copies on a node of the tier (copies for different tasks count apart)"
    bar = drawn.colorbar(image, ax=grid, location="bottom", aspect=60, fraction=0.03)
    bar.set_label(fit_title(meaning, width, LABEL_SIZE), fontsize=LABEL_SIZE)
    return drawn


def _by_tier(plays: Sequence[Play]) -> dict[tuple[str, str], float]:
    """Copies on a node, by tier and model; models of a task and its copies together."""
    compiled = compile_scenario(plays[0].unit.scenario)
    names = compiled.names
    resident = np.mean([play.series.resident for play in plays], axis=0)
    resident = np.where(compiled.tables.pinned >= 0, 0.0, resident)
    movable = [v for v in range(len(names.nodes)) if compiled.tables.node_movable[v]]
    copies: dict[tuple[str, str], float] = {}
    for v in movable:
        nodes = sum(names.tiers[u] == names.tiers[v] for u in movable)
        for m, model in enumerate(names.models):
            place = names.tiers[v], model.split("@")[0]
            copies[place] = copies.get(place, 0.0) + float(resident[v, m]) / nodes
    return copies
