"""What nodes gain that average weights of a model, as measured, against one node with all their samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from idn_gym.catalog.adaptation import Adaptations
from idn_gym.config_reader import ConfigError, closest, show

STEP, MOST = 0.01, 2.0
"""Exponents that are tried, from 0 on."""


@dataclass(frozen=True)
class Averaging:
    """Samples of k nodes that average their weights count as k^-exponent of as many at one node.

    0: averaging is as good as one node with all samples; 1: as good as one node alone.
    """

    rounds: float
    """in which weights go up and come down"""
    exponent: float
    error: float
    """of accuracies after averaging, root of the mean square"""


def measured_averaging(tables: Sequence[Adaptations], method: str, part: str) -> Averaging:
    """Fit the exponent to all that was measured with nodes that share a condition, by least squares.

    Means over trainings are compared: of nodes that average, and of one node with as many samples as the law
    says, read straight over log(1 + n).

    Args:
        tables: the first one that has the method is used.
        method: that nodes train with.
        part: whose test samples judge.

    Raises:
        ConfigError: averaging was not measured with this method.
    """
    for table in tables:
        shared = [r for r, row in enumerate(table.rows) if row.method == method and row.peers == "shared"]
        if shared:
            return _fit(table, shared, part)
    known = sorted({row.method for table in tables for row in table.rows if row.peers == "shared"})
    wrong = f"{show(method)} is not allowed with rule federated"
    raise ConfigError("quality.adaptation.method", f"{wrong}; {closest(method, known)}")


def _fit(table: Adaptations, shared: Sequence[int], part: str) -> Averaging:
    tried = np.arange(0.0, MOST + STEP / 2.0, STEP)
    off = [np.zeros((len(tried), 0))]
    for r in shared:
        network, method, condition, _ = table.rows[r]
        alone = table.curve(table.row(network, method, condition), part=part)
        together = table.curve(r, part=part)
        count = table.nodes[r] ** (1.0 - tried[:, None]) * together.samples[1:]
        at, gain = np.log1p(alone.samples), alone.change.mean(axis=1)
        off.append(np.interp(np.log1p(count), at, gain) - together.change.mean(axis=1)[1:])
    error = np.sqrt(np.mean(np.concatenate(off, axis=1) ** 2, axis=1))
    best = int(np.argmin(error))
    return Averaging(float(table.rounds[shared[0]]), float(tried[best]), float(error[best]))
