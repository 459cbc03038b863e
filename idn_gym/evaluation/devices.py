"""Statistics of devices over an episode: battery lifetimes, fairness of service, time on the air."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Outcome, State, Tables
from idn_gym.core.nominal import ingress_nodes
from idn_gym.scenarios.compile import Compiled


class DeviceLog:
    """Service of each ingress node in B episodes, accumulated slot by slot."""

    def __init__(self, compiled: Compiled, batch: int) -> None:
        """Start with no slots.

        Args:
            compiled: the scenario.
            batch: number of episodes B.
        """
        tables = compiled.tables
        self._nodes, self._place = np.unique(ingress_nodes(tables), return_inverse=True)
        self._count = tables.node_count[self._nodes]
        self._arrived, self._served = np.zeros((2, batch, len(self._nodes)))
        self._bands = np.unique(tables.link_store[tables.link_store != EMPTY])
        self._airtime = np.zeros(batch)

    def note(self, outcome: Outcome) -> None:
        """Add a slot that all rows have played."""
        rows = np.arange(len(outcome.arrived))[:, None]
        np.add.at(self._arrived, (rows, self._place), outcome.arrived)
        np.add.at(self._served, (rows, self._place), outcome.served)
        self._airtime += outcome.drawn[:, self._bands].sum(axis=1)

    def fairness(self) -> tuple[float, ...]:
        """Jain's index, per episode, of the shares of requests served at ingress nodes, so far.

        Nodes without any arrival are left out; a cohort counts as many identical devices.
        """
        arrived = self._arrived > 0.0
        share = np.divide(self._served, self._arrived, out=np.zeros_like(self._served), where=arrived)
        return tuple(
            jain_index(row[there], self._count[there]) for row, there in zip(share, arrived, strict=True)
        )

    def airtime(self) -> tuple[float, ...]:
        """Seconds on the air per request, per episode, so far, over links with a duty cycle.

        All transmissions of frames count, those of lost messages among them. Nothing where there are no such
        links.
        """
        if not len(self._bands):
            return ()
        requests = self._arrived.sum(axis=1)
        found = np.divide(self._airtime, requests, out=np.zeros_like(requests), where=requests > 0.0)
        return tuple(found.tolist())


def jain_index(values: Floats, weights: Floats | None = None) -> float:
    """Fairness of a distribution: (sum w x)^2 / (W sum w x^2), W the sum of w.

    It is 1 if all values are equal, 1/n if one of n has everything, and also 1 if all values are 0 or there
    are none. Jain, Chiu, Hawe. A Quantitative Measure of Fairness and Discrimination for Resource Allocation
    in Shared Computer Systems, DEC-TR-301, 1984; a weight counts a value several times.

    Args:
        values: (n,) of at least 0.
        weights: (n,) above 0; None: 1 each.
    """
    w = np.ones(len(values)) if weights is None else weights
    squares = float((w * values**2).sum())
    return float((w * values).sum() ** 2 / (w.sum() * squares)) if squares > 0.0 else 1.0


def battery_lifetimes(tables: Tables, state: State) -> tuple[float, ...]:
    """Seconds until the first battery of each episode switched off, or the time played if none did.

    So a lifetime of the whole horizon is censored: the true one is at least that, and means over episodes are
    too short where some are. Nothing where there are no batteries.

    Args:
        tables: the scenario's tables.
        state: after the last slot that was played.
    """
    if not (tables.node_store != EMPTY).any():
        return ()
    return tuple((state.lasted * tables.slot_seconds).tolist())
