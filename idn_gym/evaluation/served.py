"""Who served: requests of a rollout by task, model and operating point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import SHARED, Floats
from idn_gym.core.flows import option_flows, play_loads
from idn_gym.core.loading import held_segments
from idn_gym.core.slots import one_row
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


class ServedRequests(NamedTuple):
    """Requests over all slots and episodes of a rollout."""

    options: Floats
    """(O,) [requests] that each option served"""
    dropped: Floats
    """(R,) [requests] of each class that nobody served"""


class ServedLog:
    """Adds up who served in a rollout: `note` is its `on_slot`. Each slot is played again, loads included.

    Attributes:
        requests: who served so far; None before the first slot.
    """

    def __init__(self) -> None:
        """Start with no slots."""
        self.requests: ServedRequests | None = None

    def note(self, feedback: Feedback) -> None:
        """Add a slot that all rows have played."""
        revealed, held = feedback.revealed, held_segments(feedback.after)
        options = np.zeros(len(revealed.tables.option_model))
        for b in range(len(held)):
            if revealed.tables.capacity == SHARED:
                options += play_loads(revealed, feedback.before, held[b], b).flows
            else:
                options += option_flows(one_row(revealed, b), 0, held[b])[0]
        dropped = (feedback.outcome.arrived - feedback.outcome.served).sum(axis=0)
        if self.requests is not None:
            options, dropped = options + self.requests.options, dropped + self.requests.dropped
        self.requests = ServedRequests(options, dropped)


def served_rows(compiled: Compiled, requests: ServedRequests) -> list[dict[str, object]]:
    """One row per task and operating point that served, most requests first, and one for drops.

    Args:
        compiled: the scenario.
        requests: who served.

    Returns:
        Rows of ``task``, ``model``, ``point`` (both "" for drops), ``requests`` and ``share`` of the task's
        requests.
    """
    tables, names = compiled.tables, compiled.names
    task = np.repeat(tables.class_task, np.diff(tables.option_start))  # (O,)
    rows: list[dict[str, object]] = []
    for k, name in enumerate(names.tasks):
        found: dict[tuple[str, str], float] = {}
        for o in np.flatnonzero((task == k) & (requests.options > 0.0)):
            m = tables.option_model[o]
            key = names.models[m].split("@")[0], names.points[m][tables.option_point[o]]
            found[key] = found.get(key, 0.0) + float(requests.options[o])
        served = sorted(found.items(), key=lambda one: -one[1])
        dropped = float(requests.dropped[tables.class_task == k].sum())
        # What rounding leaves of no drops at all is none.
        lines = [*served, (("", ""), dropped)] if dropped > 1e-9 * sum(found.values()) else served
        total = sum(number for _, number in lines)
        rows += [
            {"task": name, "model": model, "point": point, "requests": number, "share": number / total}
            for (model, point), number in lines
        ]
    return rows
