"""A comparison in time: requests, costs, and costs behind the least costly agent's, in the first episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.agent_styles import AgentStyle
from experiments.reports.direct_labels import fit_title, label_ends
from experiments.reports.style import PLOT_WIDTH
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.rollout import Episodes
from idn_gym.metrics import COLUMN
from idn_gym.scenarios.config import Scenario

WIDEST, NARROWEST = 2.6, 0.7
"""Lines of the costs [points]: of those that coincide the narrower ones lie on the broader ones."""


def plot_comparison_course(
    scenario: Scenario, played: Mapping[str, Episodes], styles: Mapping[str, AgentStyle], weighed: str
) -> Any:
    """Requests, cost slot by slot, and cost minus the least costly agent's, in the first episode.

    A slot lasts from its beginning to the next one's; what is summed over slots is known at their ends.

    Args:
        scenario: what was played.
        played: episodes of each agent.
        styles: of the agents.
        weighed: what the cost weighs, in words.
    """
    figure, (above, middle, below) = plt.subplots(
        3, 1, figsize=(PLOT_WIDTH, 5.2), sharex=True, height_ratios=(1, 2, 2), layout="constrained"
    )
    first = next(iter(played.values()))
    hours = np.arange(first.scalar.shape[1] + 1) * scenario.slot_seconds / 3600.0
    _draw_requests(above, hours, first.metrics[0, :, COLUMN.requests] / scenario.slot_seconds)
    title = f"{scenario.name}, episode of seed {first.seeds[0]}, {weighed}"
    above.set_title(fit_title(title, PLOT_WIDTH))
    totals = {agent: -float(episodes.scalar[0].sum()) for agent, episodes in played.items()}
    best = min(totals, key=totals.__getitem__)
    for i, agent in enumerate(sorted(totals, key=lambda agent: -totals[agent])):
        width = WIDEST - (WIDEST - NARROWEST) * i / max(1, len(played) - 1)
        style, cost = styles[agent], -played[agent].scalar[0]
        steps = np.append(cost, cost[-1])
        middle.plot(hours, steps, color=style.colour, lw=width, drawstyle="steps-post", label=agent)
        behind = np.append(0.0, np.cumsum(cost + played[best].scalar[0]))
        below.plot(hours, behind, color=style.colour, ls=style.line, lw=1.1, label=agent)
    middle.set_ylim(0.0, 1.1 * max(-float(one.scalar[0].min()) for one in played.values()) or 1.0)
    middle.set_ylabel("cost per slot")
    middle.set_title("where lines coincide, narrower ones lie on broader ones")
    below.set_ylabel(f"cost minus {best}'s,\nsummed over slots")
    below.set_xlabel("time [h]")
    below.set_xlim(hours[0], hours[-1])
    if not (label_ends(middle) and label_ends(below)):
        handles, labels = below.get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=6)
    return figure


def _draw_requests(axes: Any, hours: Floats, requests: Floats) -> None:
    """A line over a field that begins at 0, with room above it, so that a constant rate is seen as one."""
    steps = np.append(requests, requests[-1])
    axes.fill_between(hours, steps, step="post", color="#dddddd", lw=0)
    axes.plot(hours, steps, color="#444444", lw=1.0, drawstyle="steps-post")
    axes.set_ylim(0.0, 1.25 * float(requests.max()) or 1.0)
    axes.locator_params(axis="y", nbins=3)
    axes.set_ylabel("requests\nper s")
