"""Power of nodes that does not depend on serving: idle power, and that of accelerators that hold a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Residents
from idn_gym.scenarios.compile.routes import Network


@dataclass(frozen=True)
class StandingPower:
    """Power of all workers of all devices of each node."""

    always: Floats
    """(N,) [W] idle power; with that of holding a model where one is pinned"""
    holding: Floats
    """(N,) [W] more while the node holds any model; 0 where one is pinned"""

    def where(self, counted: bool) -> StandingPower:
        """The same where it counts, else nothing."""
        return StandingPower(counted * self.always, counted * self.holding)


def standing_power(network: Network, pinned: Residents) -> StandingPower:
    """Standing power from the devices; an elastic node has none.

    Args:
        network: nodes and their devices.
        pinned: (N, M) segment of each model that never leaves the node, or EMPTY.

    Raises:
        ConfigError: a node with a battery draws more while it holds a model.
    """
    for node, device in zip(network.nodes, network.devices, strict=True):
        if node.battery is not None and device.context_watts > 0.0 and np.isfinite(node.servers):
            raise ConfigError(
                f"topology.nodes.{node.name}.battery",
                f"is not allowed on device {device.name!r}; batteries do not supply its context_watts",
            )
    workers = np.array([node.servers if np.isfinite(node.servers) else 0.0 for node in network.nodes])
    workers = workers * network.count
    idle = np.array([device.idle_watts for device in network.devices]) * workers
    context = np.array([device.context_watts for device in network.devices]) * workers
    pins = (pinned != EMPTY).any(1)
    return StandingPower(idle + np.where(pins, context, 0.0), np.where(pins, 0.0, context))
