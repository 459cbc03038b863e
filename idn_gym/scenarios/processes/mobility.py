"""Users who move between ingress nodes: the demand of each node; its total does not change."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config_mobility import Commuting, Roaming
from idn_gym.scenarios.processes.commutes import homes_and_works, share_away
from idn_gym.scenarios.processes.destinations import first_above, upto_destinations
from idn_gym.scenarios.spans import Span

MOBILITY_KEY = "workload.mobility"


def draw_roaming(process: Roaming, weights: Floats, span: Span) -> tuple[Floats, Ints]:
    """Users at each node over those that are there on average (T, G); and where each is at the end (U,)."""
    upto = np.cumsum(weights)
    place: Ints | None = span.state
    first = place is None
    if place is None:
        place = np.searchsorted(upto, span.rng.random(process.users) * upto[-1], side="right")
    place = np.minimum(place, len(weights) - 1)
    moves = span.rng.random((2, span.length, process.users))
    counts = np.zeros((span.length, len(weights)))
    upto_next = upto_destinations(process.nearest, weights, span.delays)
    _roam(place, upto_next, moves, process.move, first, counts)
    return counts / (process.users * weights / upto[-1]), place


def draw_commuting(process: Commuting, weights: Floats, span: Span) -> tuple[Floats, None]:
    """Factors (T, G): less than 1 at homes and more at work in the course of the day."""
    homes, works = homes_and_works(process, span, MOBILITY_KEY)
    gain = weights[homes].sum() / weights[works].sum()
    return 1.0 + share_away(process, span) * (gain * works - homes), None


@kernel
def _roam(place: Ints, upto: Floats, moves: Floats, move: float, first: bool, counts: Floats) -> None:
    """Let users move, and count them.

    Args:
        place: (U,) node of each user, changed.
        upto: (1, G) or (G, G) cumulated, of all nodes or of each: see `upto_destinations`.
        moves: (2, T, U) uniform numbers: whether a user moves, and where to.
        move: probability of the former.
        first: whether row 0 is the slot in which all have just come.
        counts: (T, G) written to.
    """
    rows, nodes = upto.shape
    for t in range(counts.shape[0]):
        for u in range(place.size):
            if (t > 0 or not first) and moves[0, t, u] < move:
                row = upto[min(place[u], rows - 1)]
                place[u] = first_above(row, moves[1, t, u] * row[nodes - 1])
            counts[t, place[u]] += 1.0
