"""Observation codecs: what a policy sees before it acts.

Outcomes up to the last slot, and the state of nodes and links in the coming one (unless the scenario
hides it); never the batches to come.
"""

from __future__ import annotations

from collections.abc import Callable

from idn_gym.config_reader import ConfigError
from idn_gym.observations.base import DEMAND_BOUND, RATE_BOUND, Observations, Observer, put_rows, row_of
from idn_gym.observations.flat import FlatObserver
from idn_gym.observations.graph import GraphObserver
from idn_gym.scenarios.compile import Compiled

__all__ = [
    "DEMAND_BOUND",
    "OBSERVERS",
    "RATE_BOUND",
    "Observations",
    "Observer",
    "make_observer",
    "put_rows",
    "row_of",
]

OBSERVERS: dict[str, Callable[[Compiled, bool], Observer]] = {"flat": FlatObserver, "graph": GraphObserver}


def make_observer(name: str, compiled: Compiled, preference: bool) -> Observer:
    """The named observation codec.

    Args:
        name: of the codec.
        compiled: the scenario.
        preference: whether preferences differ between episodes.

    Raises:
        ConfigError: an unknown name.
    """
    if not isinstance(name, str) or name not in OBSERVERS:
        raise ConfigError("observation", f"{name!r} is not allowed; allowed: {', '.join(OBSERVERS)}")
    return OBSERVERS[name](compiled, preference)
