"""Early exits (BranchyNet, Teerapittayanon et al., 2016): heads, when to leave, and which thresholds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import nn

from idn_gym.catalog.schema import Exit, OperatingPoint
from idn_gym.lab.networks import Chain, Size, convolution, three_tier
from idn_gym.strict import ConfigError, closest

Criterion = Literal["entropy", "normalised entropy", "probability", "margin"]
CRITERIA: tuple[Criterion, ...] = ("entropy", "normalised entropy", "probability", "margin")


def branchy(size: Size, side: int, classes: int, after: Sequence[int]) -> Chain:
    """The three-tier network with exits after some of its tiers, besides the one at its end.

    Each exit halves the map, convolves it once more and ends in a linear layer.

    Raises:
        ConfigError: an exit that is not after tier 1 or 2, or is there twice.
    """
    if len(set(after)) < len(after) or not set(after) <= {1, 2}:
        raise ConfigError(
            "after", f"{tuple(after)} is not allowed; must be out of 1 and 2, each once at most"
        )
    trunk = three_tier(size, classes)
    heads: dict[int, nn.Module] = {3: trunk.heads["3"]}
    for tier in after:
        width, rows = size.widths[tier - 1], -(-size.sides(side)[tier - 1] // 2)
        heads[tier] = nn.Sequential(
            nn.MaxPool2d(2, ceil_mode=True),
            convolution(width, width),
            nn.Flatten(),
            nn.Linear(width * rows * rows, classes),
        )
    return Chain(list(trunk.tiers), heads)


def doubt(scores: NDArray[np.floating], criterion: Criterion) -> NDArray[np.float64]:
    """How unsure logits (..., C) are, (...): the lower, the surer.

    ``entropy`` in nats (BranchyNet); ``normalised entropy`` in [0, 1], divided by log C (as DDNN does
    from memory; not verified); ``probability``: 1 - the largest; ``margin``: 1 - (largest - second largest).

    Raises:
        ConfigError: no such criterion.
    """
    logs = log_softmax(np.asarray(scores, np.float64), axis=-1)
    if criterion in ("entropy", "normalised entropy"):
        entropy = -(np.exp(logs) * logs).sum(axis=-1)
        return entropy if criterion == "entropy" else entropy / np.log(logs.shape[-1])
    best = np.exp(np.partition(logs, -2, axis=-1)[..., -2:])
    if criterion == "probability":
        return 1 - best[..., 1]
    if criterion == "margin":
        return 1 - (best[..., 1] - best[..., 0])
    raise ConfigError("criterion", f"{criterion!r} is not allowed; {closest(criterion, CRITERIA)}")


def taken(doubts: NDArray[np.float64], thresholds: Sequence[float]) -> NDArray[np.intp]:
    """The exit that each picture takes, (S,): the first whose doubt is at most its threshold, else the last.

    Args:
        doubts: (X, S).
        thresholds: (X - 1,), of all exits but the last.
    """
    return (doubts <= np.array([*thresholds, np.inf])[:, None]).argmax(axis=0)


class Setting(NamedTuple):
    """Thresholds, and what they gave on the pictures they were screened on."""

    thresholds: tuple[float, ...]  # (X - 1,) one per exit but the last
    accuracy: float
    """share of right answers"""
    cost: float
    """mean over the pictures, in the unit of `screen`'s `costs`"""


def screen(
    scores: NDArray[np.floating],
    labels: NDArray[np.int64],
    costs: Sequence[float],
    criterion: Criterion = "entropy",
    steps: int = 41,
) -> tuple[Setting, ...]:
    """Try thresholds, on validation data, and keep those that nothing beats in accuracy and mean cost.

    Args:
        scores: logits (X, S, C).
        labels: (S,).
        costs: (X,) of a picture that leaves at each exit, in MACs, bytes or seconds.
        criterion: what the thresholds are compared with.
        steps: thresholds tried per exit, quantiles of its doubts.

    Returns:
        The front, cheapest first; accuracy rises along it.
    """
    doubts = doubt(scores, criterion)
    right = scores.argmax(axis=-1) == labels  # (X, S)
    spent = np.asarray(costs, np.float64)
    rows = np.arange(len(labels))
    tried = []
    # Below every doubt, nobody leaves; then quantiles up to everybody.
    grids = [[-1.0, *np.quantile(row, np.linspace(0, 1, steps))] for row in doubts[:-1]]
    for thresholds in itertools.product(*grids):
        exits = taken(doubts, thresholds)
        tried.append(
            Setting(
                tuple(map(float, thresholds)), float(right[exits, rows].mean()), float(spent[exits].mean())
            )
        )
    front: list[Setting] = []
    for setting in sorted(tried, key=lambda setting: (setting.cost, -setting.accuracy)):
        if not front or setting.accuracy > front[-1].accuracy:
            front.append(setting)
    return tuple(front)


def cheapest(front: Sequence[Setting], accuracy: float) -> Setting:
    """The cheapest setting of a front that is at least so accurate, or the most accurate one there is."""
    return next((setting for setting in front if setting.accuracy >= accuracy), front[-1])


def operating_point(
    name: str,
    scores: NDArray[np.floating],
    labels: NDArray[np.int64],
    after: Sequence[int],
    thresholds: Sequence[float],
    criterion: Criterion = "entropy",
) -> OperatingPoint:
    """Shares and accuracies of the exits, measured on these pictures; exits that nothing takes are left out.

    Args:
        name: of the point.
        scores: logits (X, S, C).
        labels: (S,).
        after: (X,) blocks done at each exit.
        thresholds: (X - 1,).
        criterion: what the thresholds are compared with.
    """
    exits = taken(doubt(scores, criterion), thresholds)
    right = scores.argmax(axis=-1) == labels
    found = []
    for number, blocks in enumerate(after):
        here = exits == number
        if here.any() or number == len(after) - 1:
            share = float(here.mean())
            found.append(Exit(blocks, share, float(right[number, here].mean()) if share else 0.0))
    return OperatingPoint(name, tuple(found))
