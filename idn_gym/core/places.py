"""Position of a slot in arrays that keep only some slots of an episode."""

from __future__ import annotations

from typing import Any

from idn_gym.core.kernel import rule


@rule
def place_of(slot: Any, kept: Any) -> Any:
    """Position of a slot in an array with room for `kept` slots; a past slot makes room for it.

    An environment keeps a few hundred slots of a long episode. What kernels get as their `t` is a place.
    """
    return slot % kept
