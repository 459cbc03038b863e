"""Percentiles of latency: of a slot, and of the requests of whole episodes, by task and by class.

All requests count. A dropped one takes its timeout, and nobody takes longer: where the tail of the waits goes
beyond the timeout, it is cut there. So a percentile that is the timeout says that it lies among the drops.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import SHARED, Floats, Instance, Residents, State, Tables
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.latencies import LatencyMixture, played_latencies, slot_latencies
from idn_gym.core.loading import held_segments
from idn_gym.core.slots import one_row
from idn_gym.core.validate import check_placement, check_slot
from idn_gym.core.waiting import overdue_share, wait_quantile
from idn_gym.messages import ConfigError, show
from idn_gym.policy import Feedback

QUANTILES = (0.5, 0.95, 0.99)
"""Shares that reports show: the median, the 95th and the 99th percentile."""

LATENCY_COLUMNS = tuple(f"latency_p{100 * share:g}" for share in QUANTILES)
"""Their names in tables."""

SHARE_ROUNDING = 1e-12
"""Shares of branches add up to 1 but for less than this."""


class LatencyQuantiles(NamedTuple):
    """Seconds within which shares of the requests were answered; nan where there are none."""

    shares: tuple[float, ...]  # Q of them
    overall: Floats  # (Q,) [s]
    tasks: Floats  # (K, Q) [s]
    classes: Floats  # (R, Q) [s]


def latency_quantiles(
    instance: Instance, t: int, placement: Residents, shares: Sequence[float] = QUANTILES, b: int = 0
) -> LatencyQuantiles:
    """Percentiles of latency in slot `t` of row `b` under a placement (N, M).

    Args:
        instance: the instance.
        t: the slot.
        placement: segment on each node, or EMPTY; must contain the pinned segments.
        shares: such as 0.5 for the median.
        b: row.

    Raises:
        ConfigError: a share that is not allowed, no such slot or row, or a placement of another scenario.
    """
    check_slot(instance, t, b)
    check_placement(instance.tables, placement)
    return find_quantiles(instance.tables, [slot_latencies(instance, t, placement, b)], shares)


class LatencyLog:
    """Keeps what the latencies of a rollout follow from: `note` is its `on_slot`.

    Each slot is played again, loads included.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self._slots: list[tuple[Instance, State, Residents]] = []

    def note(self, feedback: Feedback) -> None:
        """A slot that is over."""
        before = State(**{name: field.copy() for name, field in feedback.before._asdict().items()})
        self._slots.append((feedback.revealed, before, held_segments(feedback.after).copy()))

    def mixtures(self, b: int) -> list[LatencyMixture]:
        """Latencies of every slot of row `b`."""
        shared = bool(self._slots) and self._slots[0][0].tables.capacity == SHARED
        return [
            played_latencies(revealed, before, held[b], b)
            if shared
            else slot_latencies(one_row(revealed, b), 0, held[b])
            for revealed, before, held in self._slots
        ]

    def quantiles(self, shares: Sequence[float] = QUANTILES) -> tuple[LatencyQuantiles, ...]:
        """Percentiles over the requests of each episode; one entry per row.

        Raises:
            ConfigError: a share that is not allowed.
        """
        if not self._slots:
            return ()
        tables = self._slots[0][0].tables
        return tuple(find_quantiles(tables, self.mixtures(b), shares) for b in range(len(self._slots[0][2])))


def find_quantiles(
    tables: Tables, mixtures: Sequence[LatencyMixture], shares: Sequence[float] = QUANTILES
) -> LatencyQuantiles:
    """Percentiles over the requests of several slots.

    Args:
        tables: of the scenario.
        mixtures: of the slots, at least one.
        shares: such as 0.5 for the median; at least 0 and below 1.

    Raises:
        ConfigError: another share.
    """
    for share in shares:
        if not 0.0 <= share < 1.0:
            raise ConfigError("shares", f"{show(share)} is not allowed; must be at least 0 and below 1")
    whole = _join(mixtures)
    whole = whole.pick(np.argsort(whole.request_class, kind="stable"))
    tasks, classes = len(tables.task_model) - 1, len(tables.class_task)
    task = tables.class_task[whole.request_class]
    starts = np.searchsorted(whole.request_class, np.arange(classes + 1))
    by_class = (whole.pick(slice(a, z)) for a, z in pairwise(starts))
    by_task = (whole.pick(task == i) for i in range(tasks))
    return LatencyQuantiles(
        shares=tuple(float(share) for share in shares),
        overall=_quantiles(whole, shares),
        tasks=np.array([_quantiles(mixture, shares) for mixture in by_task]),
        classes=np.array([_quantiles(mixture, shares) for mixture in by_class]),
    )


def later_share(mixture: LatencyMixture, seconds: float) -> float:
    """Share of the requests that take longer than this [s], drops included; nan where there are none."""
    total = float(mixture.requests.sum())
    return _later(mixture, seconds) / total if total > 0.0 else np.nan


def _join(mixtures: Sequence[LatencyMixture]) -> LatencyMixture:
    return LatencyMixture(*(np.concatenate(fields) for fields in zip(*mixtures, strict=True)))


def _quantiles(mixture: LatencyMixture, shares: Sequence[float]) -> Floats:
    if not mixture.requests.sum() > 0.0:
        return np.full(len(shares), np.nan)
    return np.array([_quantile(mixture, float(share)) for share in shares])


@njit_no_alloc
def _later(mixture: LatencyMixture, seconds: float) -> float:
    count = 0.0
    for y in range(len(mixture.requests)):
        if seconds < mixture.timeout[y]:
            slack = seconds - mixture.unloaded[y]
            count += mixture.requests[y] * overdue_share(slack, mixture.wait[y], mixture.idle[y])
    return count


@njit_no_alloc
def _quantile(mixture: LatencyMixture, share: float) -> float:
    """The least latency that leaves at most 1 - share behind; it lies between those of the groups."""
    share = max(0.0, share - SHARE_ROUNDING)
    low, high, total = np.inf, 0.0, 0.0
    for y in range(len(mixture.requests)):
        alone = mixture.unloaded[y] + wait_quantile(share, mixture.wait[y], mixture.idle[y])
        alone = min(alone, mixture.timeout[y])
        low, high = min(low, alone), max(high, alone)
        total += mixture.requests[y]
    if _later(mixture, low) <= (1.0 - share) * total:
        return low
    middle = low + 0.5 * (high - low)
    while low < middle < high:
        if _later(mixture, middle) > (1.0 - share) * total:
            low = middle
        else:
            high = middle
        middle = low + 0.5 * (high - low)
    return high
