"""How long the requests of an episode took: percentiles over requests and their exit branches.

The kernel that serves a slot counts the requests later than a deadline, exit branch by exit branch. How it
serves them does not depend on the deadline, so the slots are served again under other deadlines until the
percentile is found; the rules are nowhere written down twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.core.costs import serve
from idn_gym.policy import Feedback

EXACT = 1e-6
"""[s] to which delays are found"""


class SlotOutcome(NamedTuple):
    """A slot that is over; B episodes."""

    revealed: Instance  # as an instance of one slot
    resident: Residents  # (B, N, M) the placement that served it, or came to in the slot


def keep_slot(feedback: Feedback) -> SlotOutcome:
    """What `delays` needs of a slot, as rollouts tell it (`on_slot`)."""
    return SlotOutcome(feedback.revealed, feedback.resident.copy())


def delays(slots: Sequence[SlotOutcome], shares: Sequence[float], b: int = 0) -> Floats:
    """Delays within which these shares of an episode's requests were answered.

    Args:
        slots: of the episode, from `keep_slot`.
        shares: such as 0.5 for the median.
        b: row of the episode.

    Returns:
        [s] one per share, found to a microsecond from above; infinite where more than the rest was dropped.
    """
    requests = sum(float(slot.revealed.draw.demand[b].sum()) for slot in slots)
    found = []
    for share in shares:
        # Shares of branches add up to 1 but for rounding.
        most = (1.0 - share + 1e-9) * requests
        low, high = 0.0, np.inf
        if later(slots, np.inf, b) <= most:
            high = 1.0
            while later(slots, high, b) > most:
                low, high = high, 2.0 * high
        while high - low > EXACT and high < np.inf:
            middle = (low + high) / 2.0
            low, high = (middle, high) if later(slots, middle, b) > most else (low, middle)
        found.append(high)
    return np.array(found)


def later(slots: Sequence[SlotOutcome], seconds: float, b: int = 0) -> float:
    """Requests of an episode that took longer than this [s], dropped ones included.

    Each slot is served anew by the placement at its end, as if loads had been over before it began.
    """
    count = 0.0
    for slot in slots:
        tables = slot.revealed.tables
        due = tables._replace(class_deadline=np.full_like(tables.class_deadline, seconds))
        count += float(serve(Instance(due, slot.revealed.draw), 0, slot.resident[b], b).late[b].sum())
    return count
