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
"""What scores with an axis held out are divided by for its generality ratio."""

SCORE = "(static - cost) / (static - bound)"
"""Costs per slot in one episode: `static` of the best placement found to keep in it, `bound` that no sequence
of placements undercuts. 0: as good as standing still with foresight; 1: as good as nobody can be."""


@dataclass(frozen=True)
class TransferProtocol:
    """What is played. Every number of it counts: another number is another protocol."""

    id: str
    context: str
    """name of a file in configs/contexts"""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """of the context's scenario"""
    split: str = "test"
    held_out: tuple[str, ...] = HELD_OUT
    """played one after the other"""
    seeds: int = 26
    """of episodes, from 0; each has a scenario of its own, the same axes alike whatever is held out"""
    preference: str = "balanced"
    bracket: float = 10.0
    """[s] processor time for both ends of an episode's bracket"""
    least_headroom: float = 0.02
    """share of the static cost that a bracket has to leave to gain; scores of other episodes do not count"""
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
"""By id. One that is published stays as it is; what changes becomes another one."""

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
    """Of its numbers, and of the file of its context."""
    file = read_yaml(shipped_files("contexts")[protocol.context])
    return _digest([asdict(protocol), file])


def draws_digest(protocol: TransferProtocol) -> str:
    """Of what its axes draw, episode by episode.

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
    """What the axes of a context have drawn: devices by node, delays [ns] by link, models, numbers."""
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
