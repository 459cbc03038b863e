"""The placement to keep that is best by any utility of its mean reward vector, weighted sums among them.

A weighted sum is best at a corner of the convex hull of what can be reached, whatever the weights, and never
at a point of the front that lies behind a line between two others. The augmented Chebyshev utility

    - max over d of w_d (z_d - r_d) / s_d  -  AUGMENTED x sum over d of (z_d - r_d) / s_d

with an ideal z and sizes s is best at any point of the front for some weights w (Steuer and Choo 1983, "An
interactive weighted Tchebycheff procedure for multiple objective programming"), as far as the second term,
which keeps away points that are only weakly on the front, is small enough.

`front_between` needs no weights: between two neighbours of the front found so far, ideal and sizes are those
of the box that they span, and what the search finds inside it splits the box, until every box is empty. That
is IPRO (Roepke et al. 2024, arXiv 2402.07182) in two objectives, with a local search in the place of its
oracle, so that an empty box proves nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Instance, Residents
from idn_gym.core.geometry import held_bytes, nominal_free_bytes
from idn_gym.optimum.static import static_outcome
from idn_gym.rewards import compute_rewards
from idn_gym.scenarios.compile import Compiled

AUGMENTED = 1e-4
"""Weight of the plain sum in the Chebyshev utility."""

VectorUtility = Callable[[Floats], float]
"""Utility of a mean reward vector (D,); larger is better."""


def linear_utility(weights: Floats, ideal: Floats, size: Floats) -> VectorUtility:
    """The weighted sum.

    Args:
        weights: (D,) at least 0.
        ideal: (D,) reward vector from which losses count.
        size: (D,) losses that weigh the same.
    """
    return lambda vector: -float(weights @ ((ideal - vector) / size))


def chebyshev_utility(weights: Floats, ideal: Floats, size: Floats) -> VectorUtility:
    """The largest weighted loss, augmented; arguments are those of `linear_utility`."""

    def value(vector: Floats) -> float:
        loss = (ideal - vector) / size
        return -float((weights * loss).max() + AUGMENTED * loss.sum())

    return value


class KeptVectors:
    """Mean reward vectors per slot of placements that are kept, each played once.

    Attributes:
        found: reward vector (D,) of every placement that was played, by its bytes.
    """

    def __init__(self, compiled: Compiled, instance: Instance) -> None:
        """Nothing is played yet.

        Args:
            compiled: the scenario.
            instance: episodes drawn from it; vectors are means over them. Serving follows their tariff.

        Raises:
            ConfigError: an objective that cannot be computed from totals over slots.
        """
        for objective in compiled.objectives:
            if objective.measure is not None:
                raise ConfigError("objectives", f"{objective.name!r} is not allowed here; it is per slot")
        self.compiled, self.instance = compiled, instance
        self.found: dict[bytes, Floats] = {}
        tables = compiled.tables
        self._free, self._held = nominal_free_bytes(tables), tables.pinned == EMPTY

    def vector(self, placement: Residents) -> Floats:
        """(D,) of a placement (N, M), its first load included."""
        key = placement.tobytes()
        if key not in self.found:
            outcome = static_outcome(self.instance, placement)
            draw, scenario = self.instance.draw, self.compiled
            vectors, _ = compute_rewards(
                scenario.tables, outcome, draw.weights, scenario.scales, scenario.objectives
            )
            self.found[key] = vectors.mean(axis=0) / draw.demand.shape[1]
        return self.found[key]

    def best(self, utility: VectorUtility) -> Residents:
        """The first of all played placements with the largest utility (N, M)."""
        key = max(self.found, key=lambda key: utility(self.found[key]))
        pinned = self.compiled.tables.pinned
        return np.frombuffer(key, pinned.dtype).reshape(pinned.shape)

    def neighbours(self, placement: Residents) -> Iterator[Residents]:
        """Placements (N, M) that fit and differ in one model on one node, or in one on each of two nodes."""
        changes = [self._changes(placement, v) for v in range(len(placement))]
        for v, mine in enumerate(changes):
            for row in mine:
                one = placement.copy()
                one[v] = row
                yield one
        for v in range(len(changes)):
            for w in range(v):
                for row, other in product(changes[v], changes[w]):
                    two = placement.copy()
                    two[v], two[w] = row, other
                    yield two

    def _changes(self, placement: Residents, v: int) -> list[Residents]:
        """Rows (M,) of a node in which one model changes, or gives way to a segment of another one."""
        tables, rows = self.compiled.tables, []
        for m in np.flatnonzero(self._held[v]):
            mine = np.flatnonzero(self.compiled.placeable[v] & (tables.segment_model == m))
            for s in (EMPTY, *mine):
                if s == placement[v, m]:
                    continue
                row = placement[v].copy()
                row[m] = s
                rows.append(row)
                for other in np.flatnonzero(self._held[v] & (row != EMPTY)) if s != EMPTY else ():
                    if other != m:
                        rows.append(row.copy())
                        rows[-1][other] = EMPTY
        return [row for row in rows if self._fits(row, v)]

    def _fits(self, row: Residents, v: int) -> bool:
        loaded = held_bytes(self.compiled.tables.segment_bytes, row)[self._held[v]]
        return bool(loaded.sum() <= self._free[v])


def climb_kept(vectors: KeptVectors, utility: VectorUtility) -> Residents:
    """The placement (N, M) at which a search by steepest ascent ends.

    It starts at the best of all that `vectors` has played, which searches for other utilities leave behind.
    """
    vectors.vector(vectors.compiled.tables.pinned.copy())
    best = vectors.best(utility)
    while True:
        for other in vectors.neighbours(best):
            vectors.vector(other)
        better = vectors.best(utility)
        if utility(vectors.vector(better)) <= utility(vectors.vector(best)):
            return best
        best = better


def front_between(vectors: KeptVectors, ends: Iterable[Residents]) -> list[Residents]:
    """Placements (N, M) whose vectors are on a front of two objectives, as far as searches find it.

    Args:
        vectors: of the scenario.
        ends: placements (N, M) that are best in one objective each.

    Returns:
        The ends, and what boxes between neighbours hold.
    """
    found, weights = list(ends), np.ones(2)
    boxes = [(found[0], found[-1])]
    while boxes:
        pair = boxes.pop()
        one, other = (vectors.vector(placement) for placement in pair)
        if ((one >= other).all()) or (one <= other).all():
            continue
        utility = chebyshev_utility(weights, np.maximum(one, other), np.abs(one - other))
        inner = climb_kept(vectors, utility)
        if (vectors.vector(inner) > np.minimum(one, other)).all():
            found.append(inner)
            boxes += [(pair[0], inner), (inner, pair[1])]
    return found
