"""Expected error of devices that estimate a mean alone, or together with those of their coalition.

Device i has n_i samples of its own mean t_i; a sample differs from t_i with variance mu (`noise`). Alone it
takes their average. A coalition takes the average of all samples of its N = sum n_i, and what that is off
for member j is, squared and in expectation,

    mu / N  +  s2 (sum_{i != j} n_i^2 + (sum_{i != j} n_i)^2) / N^2  +  |sum_i n_i m_i / N - m_j|^2

where t_i = m_i + an unknown part of variance s2 (`spread`), independent from device to device, and m_i is
known (`means`). The first part is the variance, which falls with the coalition's data; the others are the
bias of unlike data. Without known means it is the setting of Donahue and Kleinberg (arXiv 2010.00753); the
formula is worked out here, and tests compare it with draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import read_value
from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.checked_arrays import checked_numbers
from idn_gym.games.partitions import joined_sums


@dataclass(frozen=True, eq=False, kw_only=True)
class FederatedError:
    """Errors by coalition; their unit is that of the estimated quantity, squared.

    Raises:
        ConfigError: numbers that are not of the given shapes and bounds.
    """

    samples: Floats
    """(P,) of each device, above 0"""
    noise: float
    """variance of one sample, at least 0"""
    spread: float = 0.0
    """variance of the unknown part of the devices' means, at least 0; 0: data differ only by `means`"""
    means: Floats | None = None
    """(P, D) known part of each device's mean, in D features; its error is the sum over them"""

    def __post_init__(self) -> None:
        samples = checked_numbers("samples", self.samples, (None,), positive=True)
        object.__setattr__(self, "samples", samples)
        for name in ("noise", "spread"):
            object.__setattr__(self, name, read_value(float, getattr(self, name), name, {"least": 0.0}))
        if self.means is not None:
            means = checked_numbers("means", self.means, (len(samples), None))
            object.__setattr__(self, "means", means)

    def alone(self) -> Floats:
        """(P,) error of each device that stays alone."""
        return np.asarray(self.noise / self.samples)

    def together(self, partition: Ints, sites: Ints) -> Floats:
        """Error of each device in the coalition at each of the sites, itself counted in.

        Args:
            partition: (P,) site of each device, or `ALONE`.
            sites: (S,).

        Returns:
            (P, S).
        """
        own = self.samples[:, None]
        total = joined_sums(self.samples, partition, sites)
        error = self.noise / total
        if self.spread:
            others = total - own
            squares = joined_sums(self.samples**2, partition, sites) - own**2
            error += self.spread * (squares + others**2) / total**2
        if self.means is not None:
            for mean in self.means.T:
                error += (joined_sums(self.samples * mean, partition, sites) / total - mean[:, None]) ** 2
        return np.asarray(error)
