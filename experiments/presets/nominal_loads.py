"""Utilisation of a scenario: its busiest node and link, with nothing placed and with a good placement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from experiments.training.play import open_agent
from idn_gym.core.arrays import Instance, Residents
from idn_gym.core.flows import option_flows
from idn_gym.evaluation.event_network import EventNetwork, station_load
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import METRICS
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.policies.heuristics.nominal_search import best_at_nominal
from idn_gym.policies.heuristics.policies import hold_placement
from idn_gym.rendering.labels import whole_percent
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.config import Scenario


class BusyResources(NamedTuple):
    """The busiest node and link of the nominal slot."""

    node: str
    node_load: float
    link: str
    """empty: there are no links"""
    link_load: float
    dropped: float
    """share of the requests"""

    def cells(self) -> list[str]:
        """Node, link and drops for people; what does nothing is a dash."""
        pairs = ((self.node, self.node_load), (self.link, self.link_load))
        return [
            *(f"{name} {whole_percent(load)}" if load else "-" for name, load in pairs),
            whole_percent(self.dropped),
        ]


class NominalLoad(NamedTuple):
    """A scenario at nominal demand, speed, memory and rates."""

    scenario: str
    rate: float
    """[requests/s]"""
    alone: BusyResources
    """nothing is placed, so that repositories serve all requests"""
    best: BusyResources
    """with the best static placement found"""
    most: float
    """highest load of a node in any slot of the episodes, with that placement"""

    def cells(self) -> list[str]:
        """The line below `NOMINAL_HEAD`."""
        return [
            self.scenario,
            f"{self.rate:.4g}",
            *self.alone.cells(),
            *self.best.cells(),
            whole_percent(self.most),
        ]

    def plain(self) -> dict[str, object]:
        """The line for programs."""
        line: dict[str, object] = {"scenario": self.scenario, "rate": self.rate}
        for name, found in (("alone", self.alone), ("best", self.best)):
            line |= {f"{name}_{key}": value for key, value in found._asdict().items()}
        return line | {"best_node_load_max": self.most}


_WHAT = ("busiest node", "busiest link", "dropped")
NOMINAL_HEAD = (
    "preset",
    "requests/s",
    *(f"{what}, {who}" for who in ("cloud only", "best placement") for what in _WHAT),
    "in any slot",
)


def nominal_load(
    scenario: Scenario, seeds: Sequence[int], config: SearchConfig, preference: str = "balanced"
) -> NominalLoad:
    """Busiest node and link in the nominal slot, and their maximum in episodes.

    Args:
        scenario: what to look at.
        seeds: of the test split.
        config: of the search for the best static placement.
        preference: what the scalar cost weighs.
    """
    compiled = compile_scenario(scenario)
    instance, placement = best_at_nominal(compiled, config, preference)
    env, _ = open_agent("cloud-only", scenario, seeds, "test", preference)
    try:
        played = rollout(hold_placement(env, placement), env, seeds)
    finally:
        env.close()
    return NominalLoad(
        scenario.name,
        float(instance.draw.demand[0, 0].sum()) / compiled.tables.slot_seconds,
        _busiest(compiled, instance, instance.tables.pinned),
        _busiest(compiled, instance, placement),
        float(played.metrics[:, :, list(METRICS).index("node_load_max")].max()),
    )


def _busiest(compiled: Compiled, instance: Instance, placement: Residents) -> BusyResources:
    flows, dropped = option_flows(instance, 0, placement)
    loads = station_load(EventNetwork(instance, 0), flows).utilisation
    nodes = len(compiled.names.nodes)
    node, link = int(loads[:nodes].argmax()), int(loads[nodes:].argmax()) if len(loads) > nodes else None
    return BusyResources(
        compiled.names.nodes[node],
        float(loads[node]),
        "" if link is None else compiled.names.links[link],
        0.0 if link is None else float(loads[nodes + link]),
        float(dropped.sum() / instance.draw.demand[0, 0].sum()),
    )
