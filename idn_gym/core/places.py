"""Where a slot stands in arrays that keep only some of an episode."""

from __future__ import annotations

from typing import Any

from idn_gym.core.kernel import rule


@rule
def place_of(slot: Any, kept: Any) -> Any:
    """Where a slot stands in an array with room for `kept` of them; one that is over makes room for it.

    An environment keeps a few hundred slots of a long episode. What kernels get as their `t` is a place.
    """
    return slot % kept
