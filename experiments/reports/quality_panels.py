"""Panels of an episode whose quality is hidden: accuracies over conditions, samples and versions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.reports.quality_course import QualityCourse
from experiments.reports.style import COLOURS
from idn_gym.core.arrays import Instance, Ints
from idn_gym.scenarios.compile import Compiled

MOST_PAIRS = 6
"""pairs of a node and a model whose samples are drawn: those that have most"""

SHADES = ("white", *COLOURS[1:6], *COLOURS[7:])
"""Of conditions, pale, behind lines that are blue and black."""

PAIR_LINES: tuple[Any, ...] = ("-", (0, (5, 3)), (0, (1, 1.5)), (0, (5, 1, 1, 1)), (0, (2, 4)), (0, (1, 4)))
"""Of pairs; those of one node often have the same samples, and dashes let the line below be seen."""

_PALE = 0.3
_MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "ms": 5.0, "mec": "white", "lw": 3.0, "label": "a version, from here on in force"},
    {"marker": "x", "ms": 6.0, "mew": 1.0, "ls": "", "label": "unloaded, or the catalogue's again"},
)
_LINES = {"true": ("#000000", "-"), "in force": (COLOURS[0], "--")}


def shown_class(compiled: Compiled, instance: Instance, node: int) -> int:
    """The request class whose condition is shown: the busiest of those that enter at a node, or of all."""
    asked = instance.draw.demand[0].sum(axis=0)
    there = compiled.class_ingress == node
    return int(np.where(there, asked, -1.0).argmax() if there.any() else asked.argmax())


def draw_accuracies(
    panels: Sequence[Any],
    key: Any,
    courses: Sequence[QualityCourse],
    compiled: Compiled,
    instance: Instance,
    node: int,
) -> None:
    """Accuracy in force and true accuracy, before the true condition where requests enter.

    Args:
        panels: one per course.
        key: panel that has the legend.
        courses: of an episode, one per policy.
        compiled: the scenario.
        instance: the episode.
        node: whose condition is shown if requests enter there; else that of the busiest ingress node.
    """
    quality = compiled.scenario.quality
    assert quality is not None
    names = quality.conditions.names
    shown = shown_class(compiled, instance, node)
    condition = instance.draw.condition[0, :, shown]
    for axes, course in zip(panels, courses, strict=True):
        _shade(axes, condition)
        for name, shares in (("in force", course.in_force), ("true", course.true)):
            colour, line = _LINES[name]
            axes.plot(100.0 * shares, color=colour, ls=line, lw=0.9)
        axes.set(ylim=(0.0, 103.0))
    panels[0].set_ylabel("accuracy [%]")
    lines = [Line2D([], [], color=c, ls=s, lw=0.9, label=f"accuracy, {n}") for n, (c, s) in _LINES.items()]
    shades = [
        Patch(fc=_shade_of(k), alpha=_PALE, ec="#7f7f7f", lw=0.4, label=names[k])
        for k in np.unique(condition)
    ]
    _legend(
        key,
        [*lines, *shades],
        f"background: condition\nat {compiled.names.nodes[compiled.class_ingress[shown]]}",
    )


def draw_versions(
    panels: Sequence[Any], key: Any, courses: Sequence[QualityCourse], compiled: Compiled
) -> None:
    """Samples of pairs in time, and versions as lines at the number of samples that they are of.

    Args:
        panels: one per course.
        key: panel that has the legend.
        courses: of an episode, one per policy.
        compiled: the scenario.
    """
    plan = compiled.adaptations
    assert plan is not None
    pairs = shown_pairs(courses)
    # Samples may fade below what a version is of.
    most = [
        float(counts[:, pairs].max(initial=1.0)) for one in courses for counts in (one.samples, one.adapted)
    ]
    top = 1.08 * max(most)
    for axes, course in zip(panels, courses, strict=True):
        for k, v in enumerate(pairs):
            _draw_pair(axes, course, v, k)
        axes.set(ylim=(0.0, top))
    panels[0].set_ylabel("samples")
    models, nodes = compiled.names.models, compiled.names.nodes
    handles = []
    for k, v in enumerate(pairs):
        of = f"{models[plan.pair_model[v]]}, {nodes[plan.pair_node[v]]}"
        handles.append(Line2D([], [], color=COLOURS[k], ls=PAIR_LINES[k], lw=0.8, label=of))
    handles += [Line2D([], [], color="#7f7f7f", **marks) for marks in _MARKS]
    _legend(key, handles, "samples of a model at a node")


def _draw_pair(axes: Any, course: QualityCourse, pair: int, place: int) -> None:
    """Samples as a thin line, versions as thick ones, thinner from pair to pair: pulled ones are alike."""
    colour, size, less = COLOURS[place], course.adapted[:, pair], 0.6 * place
    began, ended = course.began(pair), course.ended(pair)
    axes.plot(course.samples[:, pair], color=colour, ls=PAIR_LINES[place], lw=0.8)
    in_force = np.where(size > 0.0, size, np.nan)
    axes.plot(in_force, color=colour, lw=4.2 - less, ds="steps-post", solid_capstyle="butt")
    axes.plot(began, size[began], "o", color=colour, ms=5.8 - less, mec="white", mew=0.3)
    axes.plot(ended, size[ended - 1], "x", color=colour, ms=7.0 - less, mew=1.0)


def shown_pairs(courses: Sequence[QualityCourse]) -> list[int]:
    """Pairs with most samples, mean over slots and policies; none that never has any, nor a version."""
    samples = np.concatenate([course.samples for course in courses]).mean(axis=0)
    adapted = np.concatenate([course.adapted for course in courses]).mean(axis=0)
    order = np.lexsort([-adapted, -samples])
    return [int(v) for v in order if samples[v] > 0.0 or adapted[v] > 0.0][:MOST_PAIRS]


def _shade(axes: Any, condition: Ints) -> None:
    """Tint the slots of each condition from top to bottom."""
    starts = np.flatnonzero(np.diff(condition, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(condition)]):
        axes.axvspan(start - 0.5, end - 0.5, color=_shade_of(condition[start]), alpha=_PALE, lw=0)


def _shade_of(condition: int) -> str:
    return SHADES[condition % len(SHADES)]


def _legend(key: Any, handles: Sequence[Any], title: str) -> None:
    key.axis("off")
    key.legend(
        handles=handles,
        title=title,
        title_fontsize=6,
        fontsize=5.5,
        loc="center left",
        bbox_to_anchor=(-0.5, 0.5),
    )
