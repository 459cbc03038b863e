"""Figures of the training slots between two points of a curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Floats, Ints, Tables
from idn_gym.core.nominal import ingress_nodes
from idn_gym.metrics import METRICS, PER_REQUEST, PER_SERVED, MetricTotals
from idn_gym.simulation import Simulation

LOADING_METRICS = ("update", "loaded", "in_flight", "load_traffic", "load_energy")
"""Metrics of what is loaded in a slot, whose curves are a group."""

SWITCH_FIGURES = ("followed", "slack")
"""Entries of infos about a switch, if there is one."""


class RunningMeans:
    """Sums over the slots of all environments, turned into means by `means`.

    It looks at what the environments have just done and keeps nothing else, so it can be thrown away
    and restarted between any two slots.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        tables = simulation.compiled.tables
        self.slots, self.whole = 0, 0
        self.reward = 0.0
        self.vector = np.zeros(len(simulation.objectives))
        self.metrics = MetricTotals()
        self.classes = {name: np.zeros(len(tables.class_task)) for name in ("arrived", "served", "late")}
        self.busy, self.loaded = np.zeros(len(tables.node_memory)), np.zeros(len(tables.node_memory))
        self.carried = np.zeros(len(tables.link_rate))
        self.switch: dict[str, float] = {}

    def add(self, infos: Mapping[str, Any], rewards: Floats, ended: npt.NDArray[np.bool_]) -> None:
        """Take in one slot of every environment.

        Args:
            infos: batched metrics of the slot, (B,) each, and reward vectors (B, D).
            rewards: (B,) scalar rewards.
            ended: (B,) whether the episode ended with the slot. Such rows have been cleared for the next
                episode already, so metrics by tier leave them out.
        """
        self.slots += len(rewards)
        self.reward += float(rewards.sum())
        self.vector += infos["vector_reward"].sum(axis=0)
        for name in SWITCH_FIGURES:
            if name in infos:
                self.switch[name] = self.switch.get(name, 0.0) + float(infos[name].sum())
        self.metrics.add(np.stack([infos[name] for name in METRICS], axis=1))
        outcome, going = self.simulation.outcome, ~ended
        self.whole += int(going.sum())
        for name, total in self.classes.items():
            total += getattr(outcome, name)[going].sum(axis=0)
        self.busy += outcome.busy[going].sum(axis=0)
        self.carried += outcome.carried[going].sum(axis=0)
        self.loaded += outcome.loaded[going].sum(axis=0)

    def means(self) -> dict[str, float]:
        """Every curve's next value, by its tag."""
        found = {"objectives/reward": self.reward / self.slots}
        found |= {
            f"objectives/{objective.name}": float(total / self.slots)
            for objective, total in zip(self.simulation.objectives, self.vector, strict=True)
        }
        for k, (name, value) in enumerate(zip(METRICS, self.metrics.means(), strict=True)):
            group = (
                "service" if k in PER_REQUEST + PER_SERVED else "loads" if name in LOADING_METRICS else "slot"
            )
            found[f"{group}/{name}"] = float(value)
        found |= {f"switch/{name}": total / self.slots for name, total in self.switch.items()}
        return found | self._tiers()

    def _tiers(self) -> dict[str, float]:
        """Per tier what applies to it: an elastic one has no utilisation, a repository loads nothing."""
        compiled = self.simulation.compiled
        tables, slots = compiled.tables, max(1, self.whole)
        tiers = np.array(compiled.names.tiers)
        entry = ingress_nodes(tables)
        lower = link_sources(tables)
        link_bytes = tables.link_rate * tables.slot_seconds
        found: dict[str, float] = {}
        for tier in dict.fromkeys(compiled.names.tiers):
            mine = tiers == tier
            limited, movable = mine & np.isfinite(tables.node_seconds), mine & tables.node_movable
            enters, sends = mine[entry], mine[lower] & (lower != EMPTY)
            arrived, served, late = (total[enters].sum() for total in self.classes.values())
            shares = {
                "utilisation": (self.busy[limited].sum(), slots * tables.node_seconds[limited].sum()),
                "update": (self.loaded[movable].sum(), slots * tables.node_memory[movable].sum()),
                "link_load": (self.carried[sends].sum(), slots * link_bytes[sends].sum()),
                "drop_rate": (max(0.0, arrived - served), arrived),
                "late_rate": (late, arrived),
            }
            found |= {
                f"tiers/{tier}/{name}": float(part / whole)
                for name, (part, whole) in shares.items()
                if whole > 0.0
            }
        return found


def link_sources(tables: Tables) -> Ints:
    """Node that each link leaves on the way to a repository (E,); EMPTY where no path uses the link."""
    sources = np.full(len(tables.link_rate), EMPTY, np.int64)
    entered = np.flatnonzero(tables.path_link != EMPTY)
    sources[tables.path_link[entered]] = tables.path_node[entered - 1]
    return sources
