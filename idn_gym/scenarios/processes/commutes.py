"""Commuting users, and the number of those away by time of day."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Bools, Floats
from idn_gym.scenarios.config_mobility import Commute
from idn_gym.scenarios.processes.named_things import INGRESS, select
from idn_gym.scenarios.spans import Span


def homes_and_works(commute: Commute, span: Span, key: str) -> tuple[Bools, Bools]:
    """Ingress nodes that are homes, and those that are work, (G,) each.

    Raises:
        ConfigError: a name of none, or a node that is both.
    """
    found = []
    for field in ("homes", "works"):
        found.append(select(getattr(commute, field), span.names, f"{key}.{field}", INGRESS))
        if not found[-1].any():
            raise ConfigError(f"{key}.{field}", "() is not allowed; needs at least one ingress node")
    both = np.flatnonzero(found[0] & found[1])
    if both.size:
        raise ConfigError(f"{key}.works", f"{show(span.names[both[0]][0])} is also among the homes")
    return found[0], found[1]


def share_away(commute: Commute, span: Span) -> Floats:
    """Share (T, 1) of the homes' users who are at work: half a sine over the day."""
    day = span.slots / commute.period % 1.0
    turn = (day - commute.leave) / (commute.back - commute.leave)
    return np.where((turn > 0.0) & (turn < 1.0), commute.share * np.sin(np.pi * turn), 0.0)
