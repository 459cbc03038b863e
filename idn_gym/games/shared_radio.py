"""Cost of reaching a gateway over a shared radio with limited airtime.

A device sends messages whose airtime depends on the gateway (on the spreading factor that it needs there).
Frames that overlap in one cell (gateway, channel, spreading factor) are lost and sent again: in pure ALOHA a
frame gets through with probability exp(-2 G), G the cell's offered load [Erlang per channel], so it is sent
exp(2 G) times on average. A duty cycle d allows a device one second of airtime in 1 / d seconds. So a message
takes

    airtime exp(2 G) / d    seconds.

G counts first transmissions, the device's own included; what repeated frames add to it is left out, which
flatters crowded cells. Cells of different gateways do not disturb each other, as where gateways have channels
of their own: only that makes a coalition's cost its own affair.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import read_value
from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.checked_arrays import checked_array, checked_numbers
from idn_gym.messages import ConfigError, show

HOPELESS = 300.0
"""Load beyond which seconds no longer grow, so that they stay finite."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedRadio:
    """Seconds per message by coalition.

    Raises:
        ConfigError: numbers that are not of the given shapes and bounds.
    """

    airtime: Floats
    """(P, K) seconds on air of one message of each device to each gateway, at least 0; inf: out of reach"""
    rate: Floats
    """(P,) messages per second of each device, at least 0"""
    duty: float = 0.01
    """share of time that a device may be on air, above 0 and up to 1"""
    channels: int = 1
    """of each gateway, among which devices choose evenly"""
    cell: Ints | None = None
    """(P, K) index from 0 of the cell that a device uses at a gateway, such as its spreading factor less 7;
    None: all at one gateway disturb each other"""

    def __post_init__(self) -> None:
        airtime = checked_numbers("airtime", self.airtime, (None, None), least=0.0, infinite=True)
        object.__setattr__(self, "airtime", airtime)
        object.__setattr__(self, "rate", checked_numbers("rate", self.rate, (len(airtime),), least=0.0))
        object.__setattr__(self, "duty", read_value(float, self.duty, "duty", {"above": 0.0, "most": 1.0}))
        read_value(int, self.channels, "channels", {"least": 1})
        cell = np.zeros(airtime.shape, np.intp) if self.cell is None else checked_array(self.cell)
        if cell.shape != airtime.shape or cell.dtype.kind not in "iu" or np.any((cell < 0) | (cell > 999)):
            raise ConfigError(
                "cell",
                f"{show(self.cell)} is not allowed; must be whole numbers from 0 to 999, "
                f"of shape {airtime.shape}",
            )
        object.__setattr__(self, "cell", cell.astype(np.intp))

    @functools.cached_property
    def own_load(self) -> Floats:
        """(P, K) what each device adds to the load of its cell, in Erlang per channel."""
        within = np.where(np.isfinite(self.airtime), self.airtime, 0.0)
        return np.asarray(self.rate[:, None] / self.channels * within)

    @functools.cached_property
    def cells(self) -> int:
        """Cells of a gateway."""
        assert self.cell is not None
        return int(self.cell.max()) + 1

    def offered(self, partition: Ints, sites: Ints) -> Floats:
        """Load of the cell that each device uses or would use at each of the gateways, itself counted in.

        Args:
            partition: (P,) gateway of each device, or `ALONE`.
            sites: (S,).

        Returns:
            (P, S) Erlang per channel; a device out of reach adds nothing.
        """
        assert self.cell is not None
        each, cells, gateways = self.own_load, self.cells, self.airtime.shape[1]
        inside = np.flatnonzero(partition >= 0)
        at = partition[inside]
        load = np.bincount(at * cells + self.cell[inside, at], each[inside, at], gateways * cells)
        others = load[sites * cells + self.cell[:, sites]]
        return np.asarray(others + np.where(partition[:, None] == sites, 0.0, each[:, sites]))

    def seconds(self, partition: Ints, sites: Ints) -> Floats:
        """Seconds until a device's budget allows its message with all its repetitions, per gateway.

        Args:
            partition: (P,) gateway of each device, or `ALONE`.
            sites: (S,).

        Returns:
            (P, S); inf where a gateway is out of reach.
        """
        load = np.minimum(self.offered(partition, sites), HOPELESS)
        return np.asarray(self.airtime[:, sites] * np.exp(2.0 * load) / self.duty)
