"""The compiled scenario: tables that no draw changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.reader import load_catalog
from idn_gym.catalog.schema import Catalog
from idn_gym.core import options
from idn_gym.core.arrays import (
    EMPTY,
    PRICED,
    Floats,
    Ints,
    Residents,
    Tables,
)
from idn_gym.core.segment_values import break_ties, segment_values
from idn_gym.core.validate import freeze_tables
from idn_gym.objective_records import PRICES, Objective, charged, find_objectives
from idn_gym.objectives import known_tariff, scales_of
from idn_gym.scenarios.compile.adaptations import AdaptationTables, plan_adaptations
from idn_gym.scenarios.compile.answers import AnswerTables, collect_answers
from idn_gym.scenarios.compile.charges import nominal_charges
from idn_gym.scenarios.compile.classes import list_classes
from idn_gym.scenarios.compile.extremes import check_rewards
from idn_gym.scenarios.compile.ingress_delays import ingress_delays
from idn_gym.scenarios.compile.load_paths import plan_loads
from idn_gym.scenarios.compile.magnitudes import check_magnitudes
from idn_gym.scenarios.compile.models import collect_models, look_up_tasks
from idn_gym.scenarios.compile.names import Names, name_rows
from idn_gym.scenarios.compile.placements import read_placements
from idn_gym.scenarios.compile.progress_line import ProgressLine
from idn_gym.scenarios.compile.refills import nominal_refill
from idn_gym.scenarios.compile.routes import Network, RouteSearch, find_routes, look_up, resolve_catalog
from idn_gym.scenarios.compile.sizes import ONE_NODE, check_size
from idn_gym.scenarios.compile.static_tables import static_tables
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.processes.checks import check_processes, played_files
from idn_gym.scenarios.processes.timed_rows import last_change


@dataclass(frozen=True, eq=False)
class Compiled:
    """A scenario ready to be drawn from; shared by all environments of a process."""

    scenario: Scenario
    tables: Tables
    names: Names
    objectives: tuple[Objective, ...]  # in force, in the order of the reward vector
    scales: Floats  # (D,) the sizes of these that weigh the same
    tariff: Floats | None  # (4 + F,) where the scenario fixes it
    class_ingress: Ints  # (R,)
    link_ends: Ints  # (E, 2) nodes that the link leads from and to
    link_moves: npt.NDArray[np.bool_]  # (E,) whether the link process moves the link
    node_moves: npt.NDArray[np.bool_]  # (N,) whether the node processes move the node: all but repositories
    placeable: npt.NDArray[np.bool_]  # (N, S) may be loaded and fits into nominal memory
    placements: Residents  # (K, N, M) that the scenario names
    answers: AnswerTables | None = None  # where quality is hidden
    adaptations: AdaptationTables | None = None  # where models adapt

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """Nodes and the segments that may be loaded there, (I,) int64 each, by node, then segment."""
        node, segment = np.nonzero(self.placeable)
        return node.astype(np.int64), segment.astype(np.int64)

    @cached_property
    def delays(self) -> Floats:
        """Between ingress nodes, (G, G) [s]: see `ingress_delays`."""
        number = {name: v for v, name in enumerate(self.names.nodes)}
        ingress = np.array([number[name] for name in self.names.ingress], np.int64)
        return ingress_delays(ingress, self.link_ends, self.tables.link_delay)

    def pairs_of(self, owner: Ints) -> tuple[Ints, Ints]:
        """Nodes and the owners of what may be loaded there, int64 each, every pair once, by node, then owner.

        Args:
            owner: (S,) of each segment, such as its model or its task.
        """
        node, segment = self.pairs
        found = np.zeros((len(self.placeable), int(owner.max(initial=0)) + 1), bool)
        found[node, owner[segment]] = True
        nodes, owners = np.nonzero(found)
        return nodes.astype(np.int64), owners.astype(np.int64)

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        """Itself: copies of read-only arrays would be writable, and kernels would be compiled again."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its scenario."""
        return compile_scenario, (self.scenario,)


def compile_scenario(scenario: Scenario) -> Compiled:
    """Resolve names, find paths, enumerate segments and options.

    Results are kept for the process, but for scenarios with catalogues of their own, which may change; where
    the files of its topology or its processes have changed, a scenario is compiled again.

    Raises:
        ConfigError: an unknown name, a task that no reachable node pins, no demand anywhere, more options
            than can be enumerated, a file that cannot be played, or rewards that could be too large for
            float32.
    """
    objectives = find_objectives(scenario.objectives)
    if scenario.catalog:
        return _compile(scenario, objectives)
    return _compile_once(scenario, objectives, tuple(map(last_change, played_files(scenario))))


@lru_cache(maxsize=32)
def _compile_once(
    scenario: Scenario, objectives: tuple[Objective, ...], changes: tuple[int, ...]
) -> Compiled:
    return _compile(scenario, objectives)


def _compile(scenario: Scenario, objectives: tuple[Objective, ...]) -> Compiled:
    catalog = load_catalog(scenario.catalog)
    check_magnitudes(scenario)
    if scenario.catalog:
        check_magnitudes(catalog, "catalog")
    network = resolve_catalog(expand(scenario.topology), catalog)
    homes = look_up_tasks(scenario.tasks, catalog, network, scenario.serving.exits)
    # First as if every route had one node: routes that are not needed are not searched for.
    check_size(scenario, catalog, len(network.nodes), [[ONE_NODE] * len(homes)] * len(network.ingress))
    classes = len(network.ingress) * sum(task.copies for task in scenario.tasks)
    with ProgressLine(f"{len(network.nodes):,} nodes and {classes:,} request classes") as line:
        compiled = _build(scenario, objectives, catalog, network, homes, line)
    check_processes(compiled)
    if (compiled.tables.node_store != EMPTY).any() and scenario.dynamics.harvest is not None:
        compiled = replace(compiled, tables=freeze_tables(nominal_refill(compiled)))
    if charged(objectives):
        compiled = replace(compiled, tables=freeze_tables(nominal_charges(compiled)))
    compiled = _with_values(compiled)
    check_rewards(compiled)
    return compiled


def _build(
    scenario: Scenario,
    objectives: tuple[Objective, ...],
    catalog: Catalog,
    network: Network,
    homes: Mapping[str, Sequence[int]],
    line: ProgressLine,
) -> Compiled:
    """Everything but what needs kernels: nominal charges and values of segments."""
    search = RouteSearch(network, homes, scenario.topology.routes)
    routes = find_routes(search, line.steps("looking for routes from ingress nodes", network.ingress))
    line.tell("listing options")
    shapes = [[options.path_shape(path) for path in row] for row in routes]
    check_size(scenario, catalog, len(network.nodes), shapes)
    gathered = collect_models(scenario.tasks, catalog, network, scenario.serving)
    gathered, loads = plan_loads(scenario.serving.loading, catalog, search, gathered)
    classes = list_classes(scenario, routes)
    further = len(charged(objectives))
    moving = scenario.dynamics.moving_links
    for kind in moving:
        look_up(catalog.links, kind, "dynamics.moving_links")
    # Frozen before they are complete: kernels are compiled per type of their arguments.
    tables = freeze_tables(static_tables(scenario, network, gathered, classes, charged(objectives), loads))
    names = name_rows(network, gathered)
    answers, streams = collect_answers(scenario.quality, tables, gathered.sources, names.points)
    tables = freeze_tables(tables._replace(**streams))
    return Compiled(
        scenario=scenario,
        tables=tables,
        names=names,
        objectives=objectives,
        scales=scales_of(scenario, objectives),
        tariff=_fixed_tariff(scenario, further),
        class_ingress=classes.ingress,
        link_ends=network.ends,
        link_moves=np.array([not moving or link.link in moving for link in network.links], bool),
        node_moves=(gathered.pinned == EMPTY).all(1),
        placeable=gathered.placeable,
        placements=read_placements(scenario.placements, names, tables, gathered.placeable),
        answers=answers,
        adaptations=plan_adaptations(
            scenario.quality, answers, tables, gathered.sources, network, classes.ingress, catalog.models
        ),
    )


def _with_values(compiled: Compiled) -> Compiled:
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    values = segment_values(compiled.tables, compiled.placeable, tariff)
    values = break_ties(values, compiled.names.nodes, compiled.names.segments)
    return replace(compiled, tables=freeze_tables(compiled.tables._replace(segment_value=values)))


def _fixed_tariff(scenario: Scenario, further: int) -> Floats | None:
    tariff = scenario.serving.tariff
    if tariff is None:
        return None
    fixed = np.zeros(PRICED + further)  # a scenario's own tariff prices no further objectives
    fixed[:PRICED] = [getattr(tariff, price) for price in PRICES]
    return fixed
