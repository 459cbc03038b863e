"""The frozen dataclasses of a scenario. Keyword = YAML key = field, all in SI units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.strict import ConfigError, number

# ---------------------------------------------------------------- topology


@dataclass(frozen=True)
class Node:
    """A compute node."""

    name: str
    device: str
    """device of the catalogue"""
    tier: str
    """free label; nodes of one tier are drawn and reported together"""
    memory: float | None = number(None, least=0)
    """[bytes] for models; null: the device's memory"""
    servers: float = number(1.0, above=0, infinite=True)
    """workers side by side, so servers x slot_seconds compute seconds a slot; .inf: elastic"""
    demand: float = number(0.0, least=0)
    """weight of this node among the ingress nodes; 0: no requests enter here"""
    pins: tuple[str, ...] = ()
    """models held for ever; ["all"]: all. A node that pins is a repository"""


@dataclass(frozen=True)
class Link:
    """A directed link, from the side of the devices towards a repository."""

    source: str
    target: str
    kind: str
    """link of the catalogue; gives what is null below"""
    delay: float | None = number(None, least=0)
    """[s] round trip"""
    rate: float | None = number(None, above=0)
    """[bytes/s]"""
    energy: float | None = number(None, least=0)
    """[J/byte]"""


@dataclass(frozen=True)
class Explicit:
    """Nodes and links, listed."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    kind: Literal["explicit"] = "explicit"


@dataclass(frozen=True)
class Tier:
    """One level of a tree; `fan_out` children hang below every node of the level above."""

    name: str
    device: str
    fan_out: int = number(1, least=1)
    """children per node above; in the first tier the number of trees; a real topology has no use for it"""
    memory: float | None = number(None, least=0)
    servers: float = number(1.0, above=0, infinite=True)
    pins: tuple[str, ...] = ()
    uplink: str = "metro_fibre"
    delay: float | None = number(None, least=0)
    """[s] round trip to the level above; null: the catalogue's, or by length in a real topology"""
    rate: float | None = number(None, above=0)


@dataclass(frozen=True)
class Hierarchy:
    """A tree from the cloud (first tier) to the access nodes (last tier, where demand enters).

    Nodes are called tier-00, tier-01, ... from left to right, or like their tier if alone in it.
    """

    tiers: tuple[Tier, ...]
    kind: Literal["hierarchy"] = "hierarchy"


@dataclass(frozen=True)
class Real:
    """A real topology from TopoHub, with tiers by betweenness centrality.

    The most central node is the repository, the next ones are core nodes, and demand enters at the others,
    all alike. Nodes send over the paths of least delay to the repository; links off this tree are left out.
    Link delay is 2 x `detour` x length / (2e8 m/s) + `hop_delay`.
    """

    name: str
    """such as "sndlib/germany50"; the two graphs that presets use ship with the package"""
    repository: Tier
    core: Tier
    access: Tier
    core_share: float = number(0.2, above=0, below=1)
    """share of the nodes, by centrality, that are core nodes: at least one, and never the last one"""
    detour: float = number(1.3, least=1)
    """route length over great-circle length"""
    hop_delay: float = number(0.0005, least=0)
    """[s] per hop, so that links of zero length still take time"""
    kind: Literal["topohub"] = "topohub"


# ---------------------------------------------------------------- tasks and workload


@dataclass(frozen=True)
class Task:
    """A class of inference and the models that solve it."""

    name: str
    models: tuple[str, ...]
    """names in the catalogue, or files"""
    share: float = number(1.0, above=0)
    """popularity weight among the tasks"""
    timeout: float = number(10.0, above=0)
    """[s] options slower than this are never used; a dropped request counts this latency"""
    deadline: float = number(1.0, above=0)
    """[s] requests slower than this are counted as late"""
    copies: int = number(1, least=1)
    """so many tasks alike, each with its own copy of the models"""


@dataclass(frozen=True)
class Fixed:
    """Popularity never changes."""

    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True)
class Sliding:
    """The popularity ranking shifts cyclically by `shift` tasks every `every` slots.

    A shift by a multiple of the number of tasks changes nothing.
    """

    shift: int = number(5, least=0)
    every: int = number(10, least=1)
    kind: Literal["sliding"] = "sliding"


@dataclass(frozen=True)
class Shot:
    """Shot noise: each task flares up at Poisson times and fades.

    A shot has a Pareto(`tail`) height and decays exponentially with `life` slots; each task has `shots` of
    them per episode on average. A task weighs share x (floor + (1 - floor) x noise / mean noise), and the
    total of all tasks stays what the rate says.
    """

    shots: float = number(2.0, above=0, most=100)
    """per task and episode"""
    life: float = number(10.0, above=0, most=10_000)
    """[slots]"""
    tail: float = number(2.0, above=1)
    """exponent of the Pareto law of heights; up to 2 their variance is infinite"""
    floor: float = number(0.1, above=0, most=1)
    """part of its share that a task weighs without any shot"""
    kind: Literal["shot"] = "shot"


@dataclass(frozen=True)
class Alternating:
    """Two halves of the tasks take turns: the bane of greedy-on-last-slot (oblivious adversary)."""

    period: int = number(2, least=2)
    """slots until the pattern repeats; each half is on for half of it (odd: the first one slot longer)"""
    kind: Literal["alternating"] = "alternating"


@dataclass(frozen=True)
class RoundRobin:
    """One task per slot in a fixed cycle: the bane of LRU (oblivious adversary)."""

    hold: int = number(1, least=1)
    """slots that each task is on"""
    kind: Literal["round_robin"] = "round_robin"


@dataclass(frozen=True)
class LfuKiller:
    """The first half of the tasks until `switch` of the episode, then the others for ever."""

    switch: float = number(1 / 3, above=0, below=1)
    kind: Literal["lfu_killer"] = "lfu_killer"


@dataclass(frozen=True)
class UniformTask:
    """Each slot, all demand goes to one task drawn uniformly: the lower-bound instance."""

    kind: Literal["uniform"] = "uniform"


@dataclass(frozen=True)
class Diurnal:
    """Factor 1 + amplitude x sin(2 pi (t / period + phase)), one phase per ingress node and episode."""

    amplitude: float = number(0.6, least=0, most=1)
    period: float = number(144.0, above=0)
    """[slots]"""
    spread: float = number(0.0, least=0, most=1)
    """phases are uniform over this share of the period; 0: all nodes in step"""
    random_start: bool = False
    """draw the phase of slot 0 instead of starting at the mean"""


@dataclass(frozen=True)
class Bursts:
    """Two-state Markov-modulated demand, one chain per ingress node, mean kept at 1."""

    ratio: float = number(5.0, least=1)
    """demand in a burst over demand outside"""
    start: float = number(0.02, above=0, most=1)
    """probability per slot that a burst starts"""
    stop: float = number(0.1, above=0, most=1)
    """probability per slot that it stops"""


@dataclass(frozen=True)
class FlashCrowd:
    """One task, at one slot, jumps to `factor` times its demand and decays back.

    Task and slot are drawn uniformly, once per episode.
    """

    factor: float = number(10.0, least=1)
    decay: float = number(10.0, above=0)
    """[slots]"""


@dataclass(frozen=True)
class Replay:
    """Demand follows a log of timestamped requests (CSV with a header).

    Arrival times are stretched so that the log fills the horizon, counts are scaled to the
    workload's rate, and rows are dealt to tasks by the quantiles of `size` and to ingress nodes
    at random by their weights. Each episode starts at its own offset into the log, which is closed
    to a ring. The widths of the quantiles are the tasks' shares in that slot, so `popularity` still
    has its say; the factors below multiply what the log gives.
    """

    path: str
    time: str = "TIMESTAMP"
    """column of arrival times: numbers, or dates in ISO 8601"""
    size: str | None = None
    """column of request sizes; null: rows are dealt to tasks at random"""


@dataclass(frozen=True)
class Workload:
    """Demand: rate x popularity x ingress weight x the factors that are switched on.

    Popularity moves demand between the tasks of an ingress node and keeps its total in every slot.
    """

    rate: float = number(above=0)
    """[requests/s] in total, on average"""
    zipf: float = number(0.0, least=0)
    """exponent of task popularity by rank; 0: the tasks' shares as they stand"""
    arrivals: Literal["fluid", "poisson"] = "fluid"
    """fluid: batches are real numbers; poisson: whole numbers drawn around them"""
    popularity: Fixed | Sliding | Shot | Alternating | RoundRobin | LfuKiller | UniformTask = field(
        default_factory=Fixed
    )
    diurnal: Diurnal | None = None
    bursts: Bursts | None = None
    flash: FlashCrowd | None = None
    replay: Replay | None = None


# ---------------------------------------------------------------- resources


@dataclass(frozen=True)
class Steady:
    """Links keep their nominal rate."""

    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True)
class GilbertElliott:
    """Two-state links: good (nominal rate) and bad (`bad` x nominal)."""

    fail: float = number(0.02, above=0, most=1)
    """probability per slot of good to bad"""
    heal: float = number(0.1, above=0, most=1)
    """probability per slot of bad to good"""
    bad: float = number(0.1, above=0, most=1)
    kind: Literal["gilbert_elliott"] = "gilbert_elliott"


@dataclass(frozen=True)
class Ar1:
    """Log-rate follows a stationary AR(1) around the nominal rate, mean kept at nominal."""

    memory: float = number(0.95, least=0, below=1)
    """autocorrelation from slot to slot"""
    sigma: float = number(0.3, least=0)
    """stationary standard deviation of the log-rate"""
    kind: Literal["ar1"] = "ar1"


@dataclass(frozen=True)
class Background:
    """Other work takes part of a node's compute: a stationary AR(1) share, clipped to [0, 0.95].

    `mean` and `sigma` are those before clipping. Repositories are left alone.
    """

    mean: float = number(0.2, least=0, below=1)
    sigma: float = number(0.1, least=0)
    memory: float = number(0.9, least=0, below=1)


@dataclass(frozen=True)
class Outages:
    """Nodes stop computing now and then, keeping their memory; repositories never do."""

    mean_up: float = number(200.0, least=1)
    """[slots]"""
    mean_down: float = number(10.0, least=1)
    """[slots]"""


@dataclass(frozen=True)
class Shrinkage:
    """Other work takes memory now and then, leaving `left` of it; repositories never shrink."""

    left: float = number(0.5, least=0, most=1)
    mean_full: float = number(50.0, least=1)
    """[slots]"""
    mean_shrunk: float = number(10.0, least=1)
    """[slots]"""


@dataclass(frozen=True)
class Dynamics:
    """How resources move; each process can be switched on alone or with the others."""

    link: Steady | GilbertElliott | Ar1 = field(default_factory=Steady)
    moving_links: tuple[str, ...] = ()
    """catalogue kinds of the links that the link process moves; empty: all"""
    background: Background | None = None
    outages: Outages | None = None
    memory: Shrinkage | None = None
    device_error: float = number(0.0, least=0, most=1)
    """standard deviation of the log of each node's speed error, of median 1, drawn once per episode"""


# ---------------------------------------------------------------- serving and objectives


@dataclass(frozen=True)
class Tariff:
    """What one request costs when the network chooses how to serve it."""

    latency: float = number(0.0, least=0)
    """[cost/s]"""
    error: float = number(0.0, least=0)
    """[cost] per unit of error"""
    energy: float = number(0.0, least=0)
    """[cost/J]"""
    traffic: float = number(0.0, least=0)
    """[cost per byte-hop]"""

    def __post_init__(self) -> None:
        if self.latency + self.error + self.energy + self.traffic <= 0:
            raise ConfigError("tariff", "all weights are 0; at least one must be above 0")


@dataclass(frozen=True)
class Serving:
    """How requests are served."""

    capacity: Literal["shared", "exogenous"] = "shared"
    max_parts: Literal[1, 2, 3] = 2
    """parts that one option may spread a model over"""
    tariff: Tariff | None = None
    """null: the per-request part of the preference in force"""


@dataclass(frozen=True)
class Scales:
    """Per-request sizes that make objectives comparable inside a preference."""

    error: float = number(1.0, above=0)
    """[1] share of wrong answers"""
    latency: float = number(1.0, above=0)
    """[s]"""
    energy: float = number(10.0, above=0)
    """[J]"""
    traffic: float = number(1e5, above=0)
    """[byte-hops]"""
    update: float = number(1.0, above=0)
    """[1] share of the nominal memory loaded in a slot"""


@dataclass(frozen=True)
class Scenario:
    """Everything that defines an episode, before a seed is drawn."""

    name: str
    topology: Explicit | Hierarchy | Real
    tasks: tuple[Task, ...]
    workload: Workload
    scales: Scales = field(default_factory=Scales)
    dynamics: Dynamics = field(default_factory=Dynamics)
    serving: Serving = field(default_factory=Serving)
    catalog: tuple[str, ...] = ()
    """files or folders with more models, devices and links"""
    action: str = "placement"
    """default action codec"""
    horizon: int = number(144, least=1)
    """[slots] per episode"""
    slot_seconds: float = number(600.0, above=0)
    idle_energy: bool = False
    """whether idle power counts"""
    resources: Literal["visible", "hidden"] = "visible"
    """whether policies see compute, memory and link rates of the coming slot"""

    @property
    def nominal_requests(self) -> float:
        """Requests per slot at the nominal rate; objectives are divided by it."""
        return self.workload.rate * self.slot_seconds

    def __post_init__(self) -> None:
        if not self.tasks:
            raise ConfigError("tasks", "() is not allowed; at least one task is needed")
        names = [task.name for task in self.tasks]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError("tasks", f"{name!r} is there twice; names must differ")
