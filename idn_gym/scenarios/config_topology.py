"""Nodes and links of a scenario: listed, as a tree, or a real network by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.config_batteries import Battery
from idn_gym.scenarios.config_radio import RadioCells

MOST_DEVICES = 1_000_000_000
"""Devices of a cohort: beyond them rounding of their sums shows."""

Medium = Literal["own", "shared"]
"""Whether the devices of a cohort each have the rate of a link to themselves."""


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """Factors on nominal values, whatever they come from; base of all topologies."""

    memory_scale: float = bounded(1.0, above=0, most=1e6)
    """[1] on the memory of all nodes that pin nothing"""
    rate_scale: float = bounded(1.0, above=0, most=1e6)
    """[1] on the rates of all links, both ways"""
    radio: RadioCells = field(default_factory=RadioCells)
    """the cells of gateways that hear LoRaWAN frames"""
    network_energy: Literal["allocated", "marginal"] = "allocated"
    """what a byte counts on a fixed network: its share of all that this draws, or what it adds to it"""


@dataclass(frozen=True)
class Node:
    """A compute node."""

    name: str
    """unique"""
    device: str
    """device of the catalogue"""
    tier: str
    """free label; nodes of one tier are drawn and reported together"""
    memory: float | None = bounded(None, least=0)
    """[bytes] for models; null: the device's memory"""
    servers: float = bounded(1.0, above=0, infinite=True)
    """workers side by side, so servers x slot_seconds compute seconds a slot; .inf: elastic"""
    demand: float = bounded(0.0, least=0)
    """weight of this node among the ingress nodes, of each device of a cohort; 0: no requests enter here"""
    count: int = bounded(1, least=1, most=MOST_DEVICES)
    """devices that the node stands for: above 1 it is a cohort, whose memory and workers are those of each"""
    pins: tuple[str, ...] = ()
    """models held for ever; ["all"]: all. A node that pins is a repository"""
    battery: Battery | None = None
    """what the node lives on; null: mains"""


@dataclass(frozen=True)
class Link:
    """A directed link, from the side of the devices towards a repository."""

    source: str
    """node on the side of the devices"""
    target: str
    """node on the side of the repository"""
    link: str
    """row of the catalogue; gives what is null below"""
    delay: float | None = bounded(None, least=0)
    """[s] round trip"""
    rate: float | None = bounded(None, above=0)
    """[bytes/s] nominal"""
    energy: float | None = bounded(None, least=0)
    """[J/byte] of what crosses it"""
    down_rate: float | None = bounded(None, least=0)
    """[bytes/s] from the repository's side back; 0: both directions share `rate`"""
    medium: Medium = "own"
    """own: each device of a cohort has `rate` to itself; shared: all of them share it, as in a radio cell"""
    duty_cycle: float | None = bounded(None, above=0, most=1)
    """[1] share of time that `source` may send, over an hour; null: the catalogue's, or no limit"""
    power: float | None = bounded(None, least=-200, most=60)
    """[dBm] at which `target` receives LoRaWAN frames of `source`; null: 10 dB above its sensitivity"""


@dataclass(frozen=True)
class Explicit(Scaled):
    """Nodes and links, listed."""

    nodes: tuple[Node, ...]
    """every node by itself"""
    links: tuple[Link, ...]
    """every link by itself"""
    routes: int = bounded(1, least=1)
    """loopless routes that requests of a class may take, the k shortest to the repositories of its task"""
    kind: Literal["explicit"] = "explicit"


@dataclass(frozen=True)
class Tier:
    """One level of a tree; `fan_out` children hang below every node of the level above."""

    name: str
    """of the tier, and the beginning of the names of its nodes in a tree"""
    device: str
    """device of the catalogue"""
    fan_out: int = bounded(1, least=1)
    """children per node above; in the first tier the number of trees; a real topology has no use for it"""
    memory: float | None = bounded(None, least=0)
    """[bytes] for models, per node; null: the device's memory"""
    servers: float = bounded(1.0, above=0, infinite=True)
    """workers side by side, per node; .inf: elastic"""
    count: int = bounded(1, least=1, most=MOST_DEVICES)
    """devices that each node stands for: a cohort, whose memory and workers are those of each"""
    pins: tuple[str, ...] = ()
    """models held for ever; ["all"]: all. A node that pins is a repository"""
    uplink: str = "metro_fibre"
    """link of the catalogue, to the level above"""
    delay: float | None = bounded(None, least=0)
    """[s] round trip to the level above; null: the catalogue's, or by length in a real topology"""
    rate: float | None = bounded(None, above=0)
    """[bytes/s] to the level above; null: the catalogue's"""
    down_rate: float | None = bounded(None, least=0)
    """[bytes/s] from the level above; 0: both directions share `rate`; null: the catalogue's"""
    medium: Medium = "own"
    """own: each device of a cohort has `rate` to itself; shared: all of them share it, as in a radio cell"""
    duty_cycle: float | None = bounded(None, above=0, most=1)
    """[1] share of time that a node may send to the level above, over an hour; null: no limit"""
    battery: Battery | None = None
    """what each node lives on; null: mains"""


@dataclass(frozen=True)
class Hierarchy(Scaled):
    """A tree from the cloud (first tier) to the access nodes (last tier, where demand enters).

    Nodes are called tier-00, tier-01, ... from left to right, or like their tier if alone in it.
    """

    tiers: tuple[Tier, ...]
    """from the cloud down"""
    routes: int = bounded(1, least=1)
    """loopless routes that requests of a class may take; a tree has more than one where several tiers pin"""
    kind: Literal["hierarchy"] = "hierarchy"


@dataclass(frozen=True, kw_only=True)
class RealTopology(Scaled):
    """Tiers over a graph of real places.

    Where no attribute says otherwise, the most central node by betweenness is the repository, the next ones
    are core nodes, and demand enters at the others, all alike. Nodes send over the paths of least delay to
    the nearest repository; links off these are left out, unless `routes` is above 1: then all are there, each
    way the uplink of the node that it leaves. Link delay is 2 x `detour` x length / (2e8 m/s) + `hop_delay`.
    """

    repository: Tier
    """the most central node, without an uplink"""
    core: Tier
    """the next ones by centrality"""
    access: Tier
    """all others, where demand enters"""
    core_share: float = bounded(0.2, above=0, below=1)
    """share of the nodes, by centrality, that are core nodes: at least one, and never the last one"""
    detour: float = bounded(1.3, least=1)
    """route length over great-circle length"""
    hop_delay: float = bounded(0.0005, least=0)
    """[s] per hop, so that links of zero length still take time"""
    routes: int = bounded(1, least=1)
    """loopless routes that requests of a class may take, the k shortest; above 1, all links are there"""


@dataclass(frozen=True, kw_only=True)
class TopoHubTopology(RealTopology):
    """A real topology from TopoHub, by name."""

    name: str
    """such as "sndlib/germany50"; the two graphs that presets use ship with the package"""
    kind: Literal["topohub"] = "topohub"


@dataclass(frozen=True, kw_only=True)
class FileTopology(RealTopology):
    """A network from a file: GraphML, GML, or JSON in networkx's node-link form.

    The fields below name attributes of the file's nodes and edges; null: as it says there.
    """

    path: str
    """.graphml, .gml or .json; in a scenario's file a relative path starts at its folder"""
    label: str | None = None
    """what nodes are called; null: by name or label, whichever all of them have, else by their ids. Nodes of
    one label carry their ids behind it"""
    longitude: str | None = None
    """[degrees]; null: Longitude, longitude, lon or x, whichever there is. Nodes without a place have the
    mean place of their neighbours, links between nodes without any have no length"""
    latitude: str | None = None
    """[degrees]; null: Latitude, latitude, lat or y"""
    tier: str | None = None
    """name of the tier; null: by centrality"""
    device: str | None = None
    """device of the catalogue; null, or no value: the tier's"""
    demand: str | None = None
    """weight among the ingress nodes; null: 1 at access nodes"""
    length: str | None = None
    """[km] of an edge; null, or no value: by the places of its ends"""
    rate: str | None = None
    """rate of an edge; null, or no value: the tier's"""
    rate_unit: float = bounded(1.0, above=0)
    """[bytes/s] that one unit of `rate` is, such as 125e6 for Gbit/s"""
    kind: Literal["file"] = "file"
