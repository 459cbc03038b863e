"""What comes into the stores of a scenario, slot by slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.scenarios.spans import SpanDrawer

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


def draw_refill(compiled: Compiled, drawer: SpanDrawer) -> Floats:
    """What comes into each store in the slots of a span (T, Z), in its unit: nominal, as nothing moves it."""
    refill = compiled.tables.store_refill
    return np.broadcast_to(refill, (drawer.length, len(refill)))
