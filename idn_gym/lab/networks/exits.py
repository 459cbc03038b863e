"""Early exits (BranchyNet, Teerapittayanon et al., 2016): heads, when to leave, and which thresholds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray
from torch import nn

from idn_gym.catalog.exit_rules import leave, split
from idn_gym.catalog.schema import Exit, OperatingPoint
from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import Bools, Floats
from idn_gym.lab.networks.chain import Chain, Size, convolution, three_tier

try:
    from scipy.special import log_softmax
except ImportError as error:
    raise DependencyNotInstalled(
        f'{error.name} is not installed; run `pip install "idn-gym[lab]"`'
    ) from error

DoubtCriterion = Literal["entropy", "normalised entropy", "probability", "margin"]
CRITERIA: tuple[DoubtCriterion, ...] = ("entropy", "normalised entropy", "probability", "margin")


def branchy(size: Size, side: int, classes: int, after: Sequence[int]) -> Chain:
    """The three-tier network with exits after some of its tiers, besides the one at its end.

    Each exit halves the map, convolves it once more and ends in a linear layer.

    Raises:
        ConfigError: an exit that is not after tier 1 or 2, or is there twice.
    """
    check_after(after)
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


def check_after(after: Sequence[int]) -> None:
    """Check that early exits can be after these tiers.

    Raises:
        ConfigError: an exit that is not after tier 1 or 2, or is there twice.
    """
    if len(set(after)) < len(after) or not set(after) <= {1, 2}:
        raise ConfigError("after", f"{list(after)} is not allowed; must be out of 1 and 2, each once at most")


def doubt(scores: NDArray[np.floating], criterion: DoubtCriterion) -> NDArray[np.float64]:
    """Doubt of logits (..., C), (...): lower values are surer.

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


class Setting(NamedTuple):
    """Thresholds, and what they gave on the pictures they were screened on."""

    thresholds: tuple[float, ...]  # (X - 1,) one per exit but the last
    accuracy: float
    """share of right answers"""
    cost: float
    """mean over the pictures, in the unit of `screen`'s `costs`"""


def screen(doubts: Floats, right: Bools, costs: Sequence[float], steps: int = 41) -> tuple[Setting, ...]:
    """Try thresholds, on validation data, and keep those that nothing beats in accuracy and mean cost.

    Args:
        doubts: (X, S) of every exit, such as those of `doubt`.
        right: (X, S) whether its answer is right.
        costs: (X,) of a picture that leaves at each exit, in MACs, bytes or seconds.
        steps: thresholds tried per exit, quantiles of its doubts.

    Returns:
        The front, cheapest first; accuracy rises along it.
    """
    spent = np.asarray(costs, np.float64)
    rows = np.arange(right.shape[1])
    tried = []
    # Below every doubt no input leaves; then quantiles, up to all inputs.
    shares = np.linspace(0, 1, steps)
    grids = [[-1.0, *np.unique(np.quantile(row, shares, method="inverted_cdf"))] for row in doubts[:-1]]
    for thresholds in itertools.product(*grids):
        exits = leave(doubts, thresholds)
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


def cheapest_setting(front: Sequence[Setting], accuracy: float) -> Setting:
    """The cheapest setting of a front that is at least so accurate, or the most accurate one there is."""
    return next((setting for setting in front if setting.accuracy >= accuracy), front[-1])


def point_of_thresholds(
    name: str, doubts: Floats, right: Bools, after: Sequence[int], thresholds: Sequence[float]
) -> OperatingPoint:
    """Shares and accuracies of the exits, measured on these pictures; exits that nothing takes are left out.

    Args:
        name: of the point.
        doubts: (X, S) of every exit.
        right: (X, S) whether its answer is right.
        after: (X,) blocks done at each exit.
        thresholds: (X - 1,).
    """
    rows = list(zip(after, *split(doubts, right, thresholds), strict=True))
    found = [
        Exit(blocks, float(share), float(accuracy))
        for blocks, share, accuracy in rows
        if share or blocks == after[-1]
    ]
    return OperatingPoint(name, tuple(found))
