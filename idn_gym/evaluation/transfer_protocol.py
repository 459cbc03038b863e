"""Protocols that say how transfer is measured, frozen under an id: what is played, and what a score is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from idn_gym.config_reader import ConfigError, closest, read_yaml, show, to_plain
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_contexts import Context
from idn_gym.scenarios.contexts import HELD_OUT, draw_scenario, load_context
from idn_gym.shipped import shipped_files

REFERENCE_AXIS = "nothing"
"""Axis whose scores divide those with another axis held out, for the generality ratio."""

SCORE = "(static - cost) / (static - bound)"
"""Costs per slot in one episode: `static` of the best static placement found, `bound` a lower bound for every
sequence of placements. 0: as good as the best static placement in hindsight; 1: optimal."""


@dataclass(frozen=True)
class TransferProtocol:
    """A protocol. All of its numbers count: another number is another protocol."""

    id: str
    context: str
    """name of a file in configs/contexts"""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """changes to the context's scenario"""
    split: str = "test"
    held_out: tuple[str, ...] = HELD_OUT
    """played one after the other"""
    seeds: int = 26
    """number of episodes, from seed 0; each has its own scenario, and an axis is drawn independently of the
    others"""
    preference: str = "balanced"
    bracket: float = 10.0
    """[s] for both ends of an episode's bracket, half of them nominal for the sequence"""
    least_headroom: float = 0.02
    """headroom of an episode, as a share of the static cost, below which its score does not count"""
    score: str = SCORE

    def load(self, changes: Mapping[str, Any] | None = None) -> Context:
        """The context.

        Args:
            changes: further ones to its scenario, under which results are none of the protocol.
        """
        return load_context(self.context, {**self.overrides, **(changes or {})})


PROTOCOLS = {
    one.id: one for one in (TransferProtocol("transfer-1", "real-networks", overrides={"horizon": 36}),)
}
"""By id. A published protocol is never changed; a change makes a new one."""

DIGESTS = {"transfer-1": ("9eaabe9f8ddff920", "55fca9c072d0f694")}
"""By id: `protocol_digest` and `draws_digest`."""


def find_protocol(name: str) -> TransferProtocol:
    """The protocol of an id.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError("protocol", f"{show(name)} is unknown; {closest(name, list(PROTOCOLS))}")
    return PROTOCOLS[name]


def protocol_digest(protocol: TransferProtocol) -> str:
    """Digest of its numbers, and of the file of its context."""
    file = read_yaml(shipped_files("contexts")[protocol.context])
    return _digest([asdict(protocol), file])


def draws_digest(protocol: TransferProtocol) -> str:
    """Digest of the draws of its axes, episode by episode.

    Raises:
        DependencyNotInstalled: TopoHub is missing, which has its networks.
    """
    context = protocol.load()
    return _digest(
        [
            drawn(context, draw_scenario(context, protocol.split, seed, axis))
            for axis in protocol.held_out
            for seed in range(protocol.seeds)
        ]
    )


def drawn(context: Context, scenario: Scenario) -> dict[str, Any]:
    """Draws of a context's axes: devices by node, delays [ns] by link, models, numbers."""
    network = expand(scenario.topology)
    found: dict[str, Any] = {"workload.rate": scenario.workload.rate}
    plain = to_plain(scenario)
    found |= {moved.key: _at(plain, moved.key) for moved in context.workload}
    found = {key: float(f"{value:.9g}") for key, value in found.items()}
    found["models"] = {task.name: list(task.models) for task in scenario.tasks}
    found["nodes"] = {node.name: node.device for node in network.nodes}
    found["links"] = [[link.source, link.target, round(1e9 * (link.delay or 0.0))] for link in network.links]
    return found


def _at(plain: Any, key: str) -> Any:
    for word in key.split("."):
        plain = plain[word]
    return plain


def _digest(told: Any) -> str:
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()
