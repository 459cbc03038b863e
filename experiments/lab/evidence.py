"""Measurements of trained networks that the headline claims need, one seed at a time, and their findings."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.lab.store import Store
from idn_gym.catalog.exit_rules import split
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.lab.calibration.calibrate import fit_exits
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.exits import DoubtCriterion, cheapest_setting, doubt, screen
from idn_gym.lab.training import codecs
from idn_gym.lab.training.data import Data


class Finding(NamedTuple):
    """One number per seed, and what it should be."""

    claim: str
    what: str
    values: tuple[float, ...]
    least: float | None = None
    most: float | None = None

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds; 0 with one."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    @property
    def holds(self) -> bool | None:
        """Whether the mean keeps its limit; None without a limit."""
        return None if self.least is None and self.most is None else self.keeps(self.mean)

    def keeps(self, value: float) -> bool:
        """Whether a number is within the limit, up to rounding."""
        slack = 1e-9
        return (self.least is None or value >= self.least - slack) and (
            self.most is None or value <= self.most + slack
        )


class Evidence:
    """Measurements of one seed for the claims."""

    def __init__(self, store: Store, seed: int, data: Data) -> None:
        self.store, self.seed, self.data = store, seed, data

    @functools.cached_property
    def baseline(self) -> Chain:
        network = self.store.load("baseline", self.seed, self.data)
        assert isinstance(network, Chain)
        return network

    @functools.cached_property
    def pictures(self) -> dict[str, codecs.Sent]:
        cuts = [codecs.cut_chain(self.baseline, after, self.data) for after in (1, 2)]
        return {sent.name: sent for sent in (*codecs.send_pictures(self.baseline, self.data), *cuts)}

    def accuracy(self, name: str, exit_: int = -1, part: str = "test") -> float:
        """[points] of one exit."""
        return 100 * float(self.store.record(name, self.seed)["accuracy"][part][exit_])

    def screened(
        self,
        name: str,
        costs: Sequence[float],
        allowed: float,
        criterion: DoubtCriterion = "normalised entropy",
    ) -> tuple[float, float, float]:
        """Share that leaves first, mean cost and accuracy [points], on test pictures.

        The setting is the cheapest that on validation pictures reaches the accuracy `allowed` [points];
        doubts are those of calibrated logits.
        """
        scores = self.store.scores(name, self.seed)
        scalings = fit_exits(scores.validation, scores.validation_labels)

        def judge(logits: NDArray[np.floating], labels: Ints) -> tuple[Floats, Bools]:
            scaled = np.stack([scale.scaled(row) for scale, row in zip(scalings, logits, strict=True)])
            return doubt(scaled, criterion), logits.argmax(axis=-1) == labels

        front = screen(*judge(scores.validation, scores.validation_labels), costs)
        shares, right = split(
            *judge(scores.test, scores.test_labels), cheapest_setting(front, allowed / 100).thresholds
        )
        return float(shares[0]), float(shares @ np.asarray(costs)), 100 * float(shares @ right)

    def payload(self, name: str) -> int:
        """[bytes] of a bottleneck's latent."""
        return self.store.lab.payload(name, self.data.side)
