"""The frozen dataclasses of a scenario. Keyword = YAML key = field, all in SI units.

Import from this module; topology, demand and resource processes are defined in its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.config_reader import ConfigError, bounded, twice
from idn_gym.objective_records import OBJECTIVES, find_objectives
from idn_gym.scenarios.config_batteries import Battery
from idn_gym.scenarios.config_budgets import Budgets
from idn_gym.scenarios.config_crowds import Crowd, Crowds
from idn_gym.scenarios.config_dynamics import (
    Ar1,
    Background,
    ConstantRate,
    Dynamics,
    GilbertElliott,
    MemoryPressure,
    Outages,
)
from idn_gym.scenarios.config_harvest import ConstantHarvest, HarvestFile, Sky, SolarHarvest
from idn_gym.scenarios.config_intensity import (
    CarbonFile,
    ConstantCarbon,
    ConstantPrice,
    DailyCarbon,
    DailyPrice,
    PriceFile,
    Region,
)
from idn_gym.scenarios.config_link_outages import (
    LinkFailure,
    LinkOutageFile,
    LinkOutages,
    ScheduledLinkOutages,
)
from idn_gym.scenarios.config_mobility import Commute, Commuting, Roaming
from idn_gym.scenarios.config_placements import HeldSegments, NamedPlacement
from idn_gym.scenarios.config_quality import (
    HiddenQuality,
)
from idn_gym.scenarios.config_radio import RadioCells
from idn_gym.scenarios.config_replay import (
    Alias,
    ByHash,
    ByName,
    ByRank,
    LogColumn,
    Only,
    Replay,
    Stretches,
)
from idn_gym.scenarios.config_resource_files import (
    BackgroundFile,
    Failure,
    LinkFile,
    MemoryFile,
    OutageFile,
    ScheduledOutages,
)
from idn_gym.scenarios.config_scales import Scales
from idn_gym.scenarios.config_sessions import Sessions
from idn_gym.scenarios.config_topology import (
    Explicit,
    FileTopology,
    Hierarchy,
    Link,
    Node,
    RealTopology,
    Tier,
    TopoHubTopology,
)
from idn_gym.scenarios.config_visitors import Visitors
from idn_gym.scenarios.config_workload import (
    Alternating,
    Bursts,
    Diurnal,
    Fixed,
    FlashCrowd,
    LfuKiller,
    RoundRobin,
    ShotNoise,
    Sliding,
    UniformTask,
    Workload,
)
from idn_gym.scenarios.config_zones import Zone

__all__ = [
    "Alias",
    "Alternating",
    "Ar1",
    "Background",
    "BackgroundFile",
    "Battery",
    "Budgets",
    "Bursts",
    "ByHash",
    "ByName",
    "ByRank",
    "CarbonFile",
    "Commute",
    "Commuting",
    "ConstantCarbon",
    "ConstantHarvest",
    "ConstantPrice",
    "ConstantRate",
    "Crowd",
    "Crowds",
    "DailyCarbon",
    "DailyPrice",
    "Diurnal",
    "Dynamics",
    "Explicit",
    "Failure",
    "FileTopology",
    "Fixed",
    "FlashCrowd",
    "GilbertElliott",
    "HarvestFile",
    "HeldSegments",
    "Hierarchy",
    "LfuKiller",
    "Link",
    "LinkFailure",
    "LinkFile",
    "LinkOutageFile",
    "LinkOutages",
    "LogColumn",
    "MemoryFile",
    "MemoryPressure",
    "NamedPlacement",
    "Node",
    "Only",
    "OutageFile",
    "Outages",
    "PriceFile",
    "RadioCells",
    "RealTopology",
    "Region",
    "Replay",
    "Roaming",
    "RoundRobin",
    "Scales",
    "Scenario",
    "ScheduledLinkOutages",
    "ScheduledOutages",
    "Serving",
    "Sessions",
    "ShotNoise",
    "Sky",
    "Sliding",
    "SolarHarvest",
    "Stretches",
    "Tariff",
    "Task",
    "Tier",
    "TopoHubTopology",
    "UniformTask",
    "Visitors",
    "Workload",
    "Zone",
]


@dataclass(frozen=True)
class Task:
    """A class of inference and the models that solve it."""

    name: str
    """unique; part of the names of request classes"""
    models: tuple[str, ...]
    """names in the catalogue, or files"""
    share: float = bounded(1.0, above=0)
    """popularity weight among the tasks"""
    timeout: float = bounded(10.0, above=0)
    """[s] options slower than this are never used; a dropped request counts this latency"""
    deadline: float = bounded(1.0, above=0)
    """[s] requests slower than this are counted as late"""
    copies: int = bounded(1, least=1)
    """number of identical tasks, each with its own copy of the models"""


@dataclass(frozen=True)
class Tariff:
    """Cost of one request, by which the network chooses how to serve it."""

    latency: float = bounded(0.0, least=0)
    """[cost/s] per second of latency"""
    error: float = bounded(0.0, least=0)
    """[cost] per unit of error, a share"""
    energy: float = bounded(0.0, least=0)
    """[cost/J] per joule"""
    traffic: float = bounded(0.0, least=0)
    """[cost per byte-hop] per byte that crosses a link"""

    def __post_init__(self) -> None:
        if self.latency + self.error + self.energy + self.traffic <= 0:
            raise ConfigError("", "all weights of the tariff are 0; at least one must be above 0")


@dataclass(frozen=True)
class Serving:
    """How requests are served."""

    capacity: Literal["shared", "exogenous"] = "shared"
    """shared: all classes draw on nodes and links; exogenous: each class has every copy to itself, and links
    are never full"""
    queueing: Literal["none", "mgc"] = "mgc"
    """with shared capacity: whether requests wait in M/G/c queues at nodes and links"""
    load_limit: float = bounded(0.9, above=0, most=1)
    """[1] share of a shared node or link that batches may fill before they use their next option"""
    last_resort: float = bounded(0.95, above=0, most=1)
    """[1] share of it that requests may fill that would otherwise be dropped"""
    loading: Literal["instant", "transfer"] = "instant"
    """instant: a placement acts in the slot of the action; transfer: models cross links, taking time and
    bytes"""
    loading_share: float = bounded(0.5, above=0, below=1)
    """[1] share of a link that loads may take, where the link has no separate rate for that direction"""
    max_parts: Literal[1, 2, 3] = 2
    """maximum number of parts that one option may split a model into"""
    exits: bool = True
    """whether inputs may leave at early exits; false: only operating points without early exits are used"""
    tariff: Tariff | None = None
    """null: the per-request part of the preference in force"""

    def __post_init__(self) -> None:
        if self.loading == "transfer" and self.capacity == "exogenous":
            raise ConfigError(
                "loading",
                "'transfer' is not allowed where `serving.capacity` is exogenous, as links never fill up; "
                "also set `serving.loading` to instant",
            )
        low, high = self.load_limit, self.last_resort
        if high < low:
            raise ConfigError("last_resort", f"{high:g} is not allowed; must be at least load_limit, {low:g}")
        if self.queueing == "mgc" and high == 1.0:
            raise ConfigError("last_resort", "1 is not allowed; must be below 1 unless queueing is none")


@dataclass(frozen=True)
class Scenario:
    """Everything that defines an episode, before a seed is drawn."""

    name: str
    """name in tables and in names of files"""
    topology: Explicit | Hierarchy | TopoHubTopology | FileTopology
    tasks: tuple[Task, ...]
    workload: Workload
    objectives: tuple[str, ...] = OBJECTIVES
    """names of the objectives in force, in the order of the reward vector; also those of other packages"""
    scales: Scales = field(default_factory=Scales)
    dynamics: Dynamics = field(default_factory=Dynamics)
    serving: Serving = field(default_factory=Serving)
    catalog: tuple[str, ...] = ()
    """files or folders with more models, devices and links"""
    action: str = "placement"
    """default action codec"""
    placements: tuple[NamedPlacement, ...] = ()
    """precomputed placements; codec `library` chooses among them, `residual` changes the first one"""
    horizon: int = bounded(144, least=1)
    """[slots] per episode"""
    slot_seconds: float = bounded(600.0, above=0)
    """[s] length of a slot"""
    idle_energy: bool = False
    """whether idle power counts"""
    resources: Literal["visible", "hidden"] = "visible"
    """whether policies see compute, memory and link rates of the coming slot"""
    quality: HiddenQuality | None = None
    """hidden changes of the accuracies; null: accuracies are known and constant"""
    budgets: Budgets = field(default_factory=Budgets)
    """totals that an episode may consume, as costs in `info`"""

    @property
    def nominal_requests(self) -> float:
        """Requests per slot at the nominal rate; objectives are divided by this number."""
        return self.workload.rate * self.slot_seconds

    def __post_init__(self) -> None:
        find_objectives(self.objectives)
        self.budgets.check(self.objectives)
        if not self.tasks:
            raise ConfigError("tasks", "() is not allowed; at least one task is needed")
        name = twice(task.name for task in self.tasks)
        if name is not None:
            raise ConfigError("tasks", f"{name!r} is given twice; names must differ")
