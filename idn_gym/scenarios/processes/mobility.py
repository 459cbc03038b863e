"""Users who move between ingress nodes: the demand of each, its total staying as it is."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config_mobility import Commuting, Roaming
from idn_gym.scenarios.processes.named_things import INGRESS, ColumnNames, select
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
    _roam(place, upto, moves, process.move, first, counts)
    return counts / (process.users * weights / upto[-1]), place


def draw_commuting(process: Commuting, weights: Floats, span: Span) -> tuple[Floats, None]:
    """Factors (T, G): less than 1 at homes and more at work in the course of the day."""
    homes, works = _members(process, span.names)
    day = span.slots / process.period % 1.0
    turn = (day - process.leave) / (process.back - process.leave)
    away = np.where((turn > 0.0) & (turn < 1.0), process.share * np.sin(np.pi * turn), 0.0)
    gain = weights[homes].sum() / weights[works].sum()
    return 1.0 + away * (gain * works - homes), None


def _members(process: Commuting, names: ColumnNames) -> tuple[Bools, Bools]:
    """Which ingress nodes are homes, and which are work, (G,) each.

    Raises:
        ConfigError: a name of none, or a node that is both.
    """
    found = []
    for field in ("homes", "works"):
        found.append(select(getattr(process, field), names, f"{MOBILITY_KEY}.{field}", INGRESS))
        if not found[-1].any():
            raise ConfigError(f"{MOBILITY_KEY}.{field}", "() is not allowed; needs at least one ingress node")
    both = np.flatnonzero(found[0] & found[1])
    if both.size:
        raise ConfigError(f"{MOBILITY_KEY}.works", f"{show(names[both[0]][0])} is among the homes, too")
    return found[0], found[1]


@kernel
def _roam(place: Ints, upto: Floats, moves: Floats, move: float, first: bool, counts: Floats) -> None:
    """Let users move, and count them.

    Args:
        place: (U,) node of each user, changed.
        upto: (G,) cumulated weights.
        moves: (2, T, U) uniform numbers: whether a user moves, and where to.
        move: probability of the former.
        first: whether row 0 is the slot in which all have just come.
        counts: (T, G) written to.
    """
    nodes = upto.size
    for t in range(counts.shape[0]):
        for u in range(place.size):
            if (t > 0 or not first) and moves[0, t, u] < move:
                g, at = 0, moves[1, t, u] * upto[nodes - 1]
                while g < nodes - 1 and at >= upto[g]:
                    g += 1
                place[u] = g
            counts[t, place[u]] += 1.0
