"""Nodes and links of a scenario: a list, a tree, or a real network by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.config_batteries import Battery
from idn_gym.scenarios.config_radio import RadioCells

MOST_DEVICES = 1_000_000_000
"""Maximum number of devices of a cohort; above it, rounding of their sums becomes visible."""

Medium = Literal["own", "shared"]
"""Whether each device of a cohort has the rate of a link to itself."""


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """Factors on nominal values; base of all topologies."""

    memory_scale: float = bounded(1.0, above=0, most=1e6)
    """[1] factor on the memory of all nodes without pinned models"""
    rate_scale: float = bounded(1.0, above=0, most=1e6)
    """[1] factor on the rates of all links, both directions"""
    radio: RadioCells = field(default_factory=RadioCells)
    """radio cells of gateways that receive LoRaWAN frames"""
    network_energy: Literal["allocated", "marginal"] = "allocated"
    """energy per byte on a fixed network: a share of the total power, or the marginal energy"""


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
    """workers side by side: servers x slot_seconds compute seconds per slot; .inf: elastic"""
    demand: float = bounded(0.0, least=0)
    """weight among the ingress nodes, of each device for a cohort; 0: no requests enter here"""
    count: int = bounded(1, least=1, most=MOST_DEVICES)
    """number of devices; above 1 the node is a cohort, with memory and workers given per device"""
    pins: tuple[str, ...] = ()
    """pinned models; ["all"]: all models. A node with pinned models is a repository"""
    battery: Battery | None = None
    """power supply of the node; null: mains"""


@dataclass(frozen=True)
class Link:
    """A directed link, from the devices' side towards a repository."""

    source: str
    """node on the devices' side"""
    target: str
    """node on the repository's side"""
    link: str
    """row of the catalogue, which provides values that are null below"""
    delay: float | None = bounded(None, least=0)
    """[s] round trip"""
    rate: float | None = bounded(None, above=0)
    """[bytes/s] nominal"""
    energy: float | None = bounded(None, least=0)
    """[J/byte] of traffic on the link"""
    down_rate: float | None = bounded(None, least=0)
    """[bytes/s] from the repository's side back; 0: both directions share `rate`"""
    medium: Medium = "own"
    """own: each device of a cohort has `rate` to itself; shared: all devices share it, as in a radio cell"""
    duty_cycle: float | None = bounded(None, above=0, most=1)
    """[1] share of time for which `source` may send, over an hour; null: the catalogue's value, or no
    limit"""
    power: float | None = bounded(None, least=-200, most=60)
    """[dBm] at which `target` receives LoRaWAN frames of `source`; null: 10 dB above its sensitivity"""


@dataclass(frozen=True)
class Explicit(Scaled):
    """Nodes and links, listed."""

    nodes: tuple[Node, ...]
    """all nodes"""
    links: tuple[Link, ...]
    """all links"""
    routes: int = bounded(1, least=1)
    """number of loopless routes per request class: the k shortest to the repositories of its task"""
    kind: Literal["explicit"] = "explicit"


@dataclass(frozen=True)
class Tier:
    """One level of a tree; every node of the level above has `fan_out` children."""

    name: str
    """name of the tier, and prefix of its nodes' names in a tree"""
    device: str
    """device of the catalogue"""
    fan_out: int = bounded(1, least=1)
    """children per node above; in the first tier the number of trees; unused in real topologies"""
    memory: float | None = bounded(None, least=0)
    """[bytes] for models, per node; null: the device's memory"""
    servers: float = bounded(1.0, above=0, infinite=True)
    """workers side by side, per node; .inf: elastic"""
    count: int = bounded(1, least=1, most=MOST_DEVICES)
    """number of devices of each node; above 1 a cohort, with memory and workers given per device"""
    pins: tuple[str, ...] = ()
    """pinned models; ["all"]: all models. A node with pinned models is a repository"""
    uplink: str = "metro_fibre"
    """link of the catalogue that leads to the level above"""
    delay: float | None = bounded(None, least=0)
    """[s] round trip to the level above; null: the catalogue's value, or by length in a real topology"""
    rate: float | None = bounded(None, above=0)
    """[bytes/s] to the level above; null: the catalogue's value"""
    down_rate: float | None = bounded(None, least=0)
    """[bytes/s] from the level above; 0: both directions share `rate`; null: the catalogue's value"""
    medium: Medium = "own"
    """own: each device of a cohort has `rate` to itself; shared: all devices share it, as in a radio cell"""
    duty_cycle: float | None = bounded(None, above=0, most=1)
    """[1] share of time for which a node may send to the level above, over an hour; null: no limit"""
    battery: Battery | None = None
    """power supply of each node; null: mains"""


@dataclass(frozen=True)
class Hierarchy(Scaled):
    """A tree from the cloud (first tier) to the access nodes (last tier, where requests enter).

    Nodes are named tier-00, tier-01, ... from left to right, or like their tier if it has one node.
    """

    tiers: tuple[Tier, ...]
    """tiers from the cloud down"""
    routes: int = bounded(1, least=1)
    """number of loopless routes per request class; a tree has several where several tiers pin models"""
    kind: Literal["hierarchy"] = "hierarchy"


@dataclass(frozen=True, kw_only=True)
class RealTopology(Scaled):
    """Tiers over a graph of real places.

    Unless an attribute says otherwise, the most central node by betweenness is the repository, the next ones
    are core nodes, and requests enter at the others, with equal weights. Requests take the paths of least
    delay to the nearest repository. Links off these paths are left out, unless `routes` is above 1: then all
    links exist, each direction as the uplink of the node that it leaves. Link delay is 2 x `detour` x
    distance / (2e8 m/s) + `hop_delay`.
    """

    repository: Tier
    """the most central node, without an uplink"""
    core: Tier
    """the next nodes by centrality"""
    access: Tier
    """all other nodes, where requests enter"""
    core_share: float = bounded(0.2, above=0, below=1)
    """share of the nodes, by centrality, that are core nodes: at least one node, never all"""
    detour: float = bounded(1.3, least=1)
    """ratio of a cable's length to the great-circle distance of its ends; lengths from a file are cables'"""
    hop_delay: float = bounded(0.0005, least=0)
    """[s] per hop, so that links of zero length have a delay"""
    routes: int = bounded(1, least=1)
    """number of loopless routes per request class, the k shortest; above 1, all links exist"""


@dataclass(frozen=True, kw_only=True)
class TopoHubTopology(RealTopology):
    """A real topology from TopoHub, by name."""

    name: str
    """name such as "sndlib/germany50"; the two graphs that presets use ship with the package"""
    kind: Literal["topohub"] = "topohub"


@dataclass(frozen=True, kw_only=True)
class FileTopology(RealTopology):
    """A network from a file: GraphML, GML, or JSON in networkx's node-link form.

    The fields below name attributes of the file's nodes and edges.
    """

    path: str
    """.graphml, .gml or .json; in a scenario's file a relative path starts at its folder"""
    label: str | None = None
    """node names; null: the attribute name or label, whichever all nodes have, otherwise their ids. Nodes
    with equal labels get their ids appended"""
    longitude: str | None = None
    """[degrees]; null: Longitude, longitude, lon or x, whichever exists. Nodes without coordinates get the
    mean coordinates of their neighbours; links between nodes without any have length 0"""
    latitude: str | None = None
    """[degrees]; null: Latitude, latitude, lat or y, whichever exists"""
    tier: str | None = None
    """name of the tier; null: by centrality"""
    device: str | None = None
    """device of the catalogue; null, or no value: the tier's device"""
    demand: str | None = None
    """weight among the ingress nodes; null: 1 at access nodes"""
    length: str | None = None
    """[km] length of the cable of an edge; null, or no value: `detour` x the distance of its ends"""
    delay: str | None = None
    """[s] measured delay of an edge, one way and with everything on the way: overrides length, `hop_delay`
    and the tier's delay; null, or no value: by length"""
    rate: str | None = None
    """rate of an edge, in both directions unless the tier has a `down_rate`; null, or no value: the tier's.
    Of parallel edges the highest rate counts, the least delay, and the first that names a link"""
    rate_unit: float = bounded(1.0, above=0)
    """[bytes/s] size of one unit of `rate`: 0.125 for bit/s, 125e6 for Gbit/s"""
    link: str | None = None
    """link of the catalogue that an edge is, with its rate and energy in place of the tier's link numbers;
    null, or no value: the tier's uplink"""
    kind: Literal["file"] = "file"
