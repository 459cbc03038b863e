"""Arrays that kernels write to: work space and outcomes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import SHARED, Floats, Ints, Outcome, Tables


class Scratch(NamedTuple):
    """Work space of the kernels, so that a slot allocates nothing."""

    pace: Floats  # (J,) [s/byte] from the ingress to the position
    seconds_left: Floats  # (N, M) [s]; column 0 alone is used when capacity is shared
    bytes_left: Floats  # (E,)
    option: Ints  # (max options of a class,) usable options
    cost: Floats  # (max options of a class,) [cost]; inf once taken
    latency: Floats  # (max options of a class,) [s]
    taken: Floats  # (max options of a class,) [requests]; only where the cost is inf
    longest: int  # positions of the longest path, L


def make_scratch(tables: Tables) -> Scratch:
    """Allocate the work space for one call of a kernel."""
    nodes, models = tables.pinned.shape
    widest = int(np.max(np.diff(tables.option_start)))
    return Scratch(
        pace=np.zeros(len(tables.path_node)),
        seconds_left=np.zeros((nodes, models)),
        bytes_left=np.zeros(len(tables.link_rate)),
        option=np.zeros(widest, np.int64),
        cost=np.zeros(widest),
        latency=np.zeros(widest),
        taken=np.zeros(widest),
        longest=_longest(tables),
    )


def _longest(tables: Tables) -> int:
    return int(np.max(np.diff(tables.path_start)))


def empty_outcome(tables: Tables, batch: int, longest: int | None = None) -> Outcome:
    """An outcome of zeros.

    Args:
        tables: the scenario's tables.
        batch: number of rows.
        longest: `Scratch.longest`, which takes longer to find than the zeros do; None: found here.
    """
    arrived, served, correct, latency, energy, traffic, late, split, early = np.zeros(
        (9, batch, len(tables.class_task))
    )
    longest = _longest(tables) if longest is None else longest
    shared = (batch, len(tables.class_task), longest if tables.capacity == SHARED else 0)
    return Outcome(
        arrived=arrived,
        served=served,
        correct=correct,
        latency=latency,
        energy=energy,
        traffic=traffic,
        charged=np.zeros((batch, len(tables.class_task), tables.node_charge.shape[1])),
        late=late,
        split=split,
        early=early,
        started=np.zeros((batch, len(tables.class_task), longest + 1)),
        spent=np.zeros(shared),
        sent=np.zeros(shared),
        tariff_cost=np.zeros(batch),
        busy=np.zeros((batch, len(tables.node_memory))),
        carried=np.zeros((batch, len(tables.link_rate))),
        idle_energy=np.zeros(batch),
        idle_charged=np.zeros((batch, tables.node_charge.shape[1])),
        loaded=np.zeros(batch),
        refused=np.zeros(batch, np.int64),
    )
