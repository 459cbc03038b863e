"""Numbers of links: what the scenario sets, else what the catalogue says of their kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from idn_gym.catalog.schema import LinkKind
from idn_gym.core.arrays import Floats
from idn_gym.radio.lorawan import RECEIVE_DELAYS
from idn_gym.scenarios.config import Explicit, Link


def link_values(links: Sequence[Link], kinds: Sequence[LinkKind], field: str) -> Floats:
    """A field of every link (E,): the scenario's own, or its kind's; 0 where neither has one."""
    values: list[Any] = []
    for link, kind in zip(links, kinds, strict=True):
        given = getattr(link, field)
        values.append((getattr(kind, field) or 0.0) if given is None else given)
    return np.array(values, float)


def link_joules(topology: Explicit, kinds: Sequence[LinkKind]) -> Floats:
    """Energy of a byte on each link (E,), allocated or marginal [J/byte]; what a scenario sets stays."""
    joules = link_values(topology.links, kinds, "energy")
    if topology.network_energy == "marginal":
        for e, (link, kind) in enumerate(zip(topology.links, kinds, strict=True)):
            if link.energy is None and kind.marginal is not None:
                joules[e] = kind.marginal
    return joules


def link_delays(topology: Explicit, kinds: Sequence[LinkKind]) -> Floats:
    """Round-trip delay [s], without the wait for answers where none come down; what a link sets stays."""
    delay = link_values(topology.links, kinds, "delay")
    if topology.radio.answers == "none":
        for e, (link, kind) in enumerate(zip(topology.links, kinds, strict=True)):
            if link.delay is None and kind.lorawan is not None and kind.lorawan.answer_airtime > 0.0:
                delay[e] -= RECEIVE_DELAYS[0] + kind.lorawan.answer_airtime
    return delay
