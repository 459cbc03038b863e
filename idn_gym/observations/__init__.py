"""Observation codecs: the information that a policy has before it acts.

Outcomes up to the last slot, and the state of nodes and links in the coming slot (unless the scenario hides
it); never the batches of the coming slot.
"""

from __future__ import annotations

from typing import get_args

from idn_gym.config_reader import ConfigError, show
from idn_gym.observations.base import (
    DEMAND_BOUND,
    RATE_BOUND,
    NativeObserver,
    Observations,
    Observer,
    View,
    copy_of,
    put_rows,
    row_of,
)
from idn_gym.observations.flat import FlatObserver
from idn_gym.observations.graph import GraphObserver
from idn_gym.observations.graph_moves import MovesObserver
from idn_gym.registry import Registry
from idn_gym.scenarios.compile import Compiled

__all__ = [
    "DEMAND_BOUND",
    "OBSERVERS",
    "RATE_BOUND",
    "NativeObserver",
    "Observations",
    "Observer",
    "View",
    "copy_of",
    "extensions_of",
    "make_observer",
    "put_rows",
    "register_observation",
    "row_of",
]

OBSERVERS: Registry[type[Observer]] = Registry("observation")


def register_observation(name: str, observer: type[Observer]) -> None:
    """Add an observation codec, so that environments can name it.

    Args:
        name: name of the codec, as ``gym.make`` takes it.
        observer: a class with the attributes and methods of `Observer`.

    Raises:
        ConfigError: the name is taken, or the class does not declare the form of its observations.
    """
    if getattr(observer, "view", None) not in get_args(View):
        allowed = f"view must be one of {', '.join(get_args(View))}"
        raise ConfigError("observation", f"{show(observer)} is not allowed; {allowed}")
    OBSERVERS.add(name, observer)


register_observation("flat", FlatObserver)
register_observation("graph", GraphObserver)
register_observation("graph-moves", MovesObserver)


def extensions_of(base: str) -> tuple[str, ...]:
    """Names of `base` and of the observations that add columns to its tables.

    Who finds columns by their names can read any of these instead.
    """
    others = (name for name, observer in OBSERVERS.items() if getattr(observer, "extends", None) == base)
    return (base, *others)


def make_observer(name: str, compiled: Compiled, preference: bool) -> Observer:
    """Build the named observation codec.

    Args:
        name: name of the codec.
        compiled: the scenario.
        preference: whether preferences differ between episodes.

    Raises:
        ConfigError: an unknown name.
    """
    return OBSERVERS.find(name)(compiled, preference)
