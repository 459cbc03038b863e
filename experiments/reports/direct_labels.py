"""Words beside what they name, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from idn_gym.core.arrays import Floats
from idn_gym.rendering.layout import spread_apart

LABEL_SIZE = 6.5
"""[points]"""

MOST_ENDS = 12
"""Lines of a panel that are labelled at their ends; of more, a legend tells."""

_AROUND = [(1, 0), (1, 1), (1, -1), (0, 1), (0, -1), (-1, 0), (-1, 1), (-1, -1)]
"""Places that are tried around a point: right first, left last."""


def fit_title(text: str, inches: float, size: float = 8.0) -> str:
    """The same in lines that are no longer than a panel is wide, which would shrink it otherwise.

    Args:
        text: of the title.
        inches: that the panel has of the figure, labels of its axes included.
        size: of the letters [points], which are 0.6 times as wide on average.
    """
    return fill(text, max(8, int(0.8 * inches * 72 / (0.6 * size))))


def label_ends(axes: Any) -> bool:
    """Name the lines of a panel at their right ends, as far apart as letters are high.

    Call it when everything else is drawn.

    Args:
        axes: the panel; lines whose label begins with an underscore are passed over.

    Returns:
        Whether it was done; with more than `MOST_ENDS` lines it is not.
    """
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    lines = [line for line in lines if np.isfinite(np.asarray(line.get_ydata(), float)).any()]
    if not 0 < len(lines) <= MOST_ENDS:
        return False
    axes.figure.draw_without_rendering()  # limits and the panel's height are known now
    box = axes.get_window_extent()
    ends = [_end(line, box) for line in lines]
    order = sorted(range(len(lines)), key=lambda k: ends[k][1])
    lines, ends = [lines[k] for k in order], [ends[k] for k in order]
    high = 1.25 * LABEL_SIZE * axes.figure.dpi / 72
    heights = spread_apart(np.array([y for _, y in ends]), high, box.y0, box.y1)
    for line, (x, y), to in zip(lines, ends, heights, strict=True):
        (at_x, at_y), (_, place) = axes.transAxes.inverted().transform([(x, y), (x, to)])
        axes.annotate(
            line.get_label(),
            (at_x, at_y),
            (1.04, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=LABEL_SIZE,
            color=line.get_color(),
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "lw": 0.4,
                "color": line.get_color(),
                "shrinkA": 1,
                "shrinkB": 1,
                "relpos": (0.0, 0.5),  # to where the word begins; on its way to the middle it crosses others
            },
        )
    return True


def _end(line: Any, box: Bbox) -> tuple[float, float]:
    """Last known point of a line, or the place at the panel's edge that is nearest to it [pixels]."""
    x, y = (np.asarray(values, float) for values in line.get_data(orig=False))
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    at: Floats = line.get_transform().transform((x[known[-1]], y[known[-1]]))
    return float(at[0]), float(np.clip(at[1], box.y0, box.y1))


class PointLabel(NamedTuple):
    """A word that belongs to a point."""

    text: str
    x: float
    y: float
    colour: str


def label_points(
    axes: Any,
    labels: Sequence[PointLabel],
    reach: float = 5.0,
    covered: Sequence[Bbox] = (),
    drawn: Sequence[tuple[float, float]] = (),
    lines: Sequence[Floats] | Floats = (),
) -> list[PointLabel]:
    """Write words beside points where they cover neither points nor each other, and stay in the panel.

    Where there is room a word is nearer to its own point than to all others.

    Call it when everything else is drawn.

    Args:
        axes: the panel.
        labels: in the order of their weight: the last ones are left out where there is no room.
        reach: from the point to its word [points]; with `lines`, twice as far before a word covers one.
        covered: places [pixels] where there must be no words, beside the points.
        drawn: more points of the panel that no word is to cover, such as places on curves.
        lines: (2, 2) ends of straight lines that words leave free where there is room.

    Returns:
        Those that found no place.
    """
    axes.figure.draw_without_rendering()
    renderer = axes.figure.canvas.get_renderer()
    room = axes.get_window_extent()
    scale = axes.figure.dpi / 72
    points = axes.transData.transform([(label.x, label.y) for label in labels]) if labels else []
    dots = [*points, *(axes.transData.transform(drawn) if len(drawn) else ())]
    taken = [Bbox.from_bounds(x - 2.5 * scale, y - 2.5 * scale, 5 * scale, 5 * scale) for x, y in dots]
    taken += covered
    left = []
    ways = [Path(axes.transData.transform(ends)) for ends in lines]
    for i, label in enumerate(labels):
        others = np.delete(points, i, axis=0)
        # A word that is nearer to another point would be read as that one's, but is better than none.
        if not any(
            _written(axes, label, taken, clear, room, renderer, far, points[i], strangers)
            for strangers, clear, far in (
                (others, ways, reach),
                *([(others, ways, 2 * reach), (others, [], reach)] if ways else []),
                (others[:0], [], reach),
            )
        ):
            left.append(label)
    return left


def _written(
    axes: Any,
    label: PointLabel,
    taken: list[Bbox],
    lines: Sequence[Path],
    room: Bbox,
    renderer: Any,
    reach: float,
    at: Floats,
    others: Floats,
) -> bool:
    for across, up in _AROUND:
        word = axes.annotate(
            label.text,
            (label.x, label.y),
            (reach * across, reach * up),
            textcoords="offset points",
            fontsize=LABEL_SIZE,
            color=label.colour,
            ha=("center", "left", "right")[across],
            va=("center", "bottom", "top")[up],
        )
        box = word.get_window_extent(renderer)
        inside = room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
        near = _distances(box, at[None])[0] <= _distances(box, others).min(initial=np.inf)
        free = not any(box.overlaps(other) for other in taken)
        if inside and near and free and not any(way.intersects_bbox(box, filled=False) for way in lines):
            taken.append(box)
            return True
        word.remove()
    return False


def _distances(box: Bbox, points: Floats) -> Floats:
    """Distance of every point (n, 2) from a box, (n,)."""
    out = np.maximum(np.maximum(box.min - points, points - box.max), 0.0)
    found: Floats = np.hypot(out[:, 0], out[:, 1])
    return found
