"""Common data of both pictures, read from the simulation once: nodes, links and the last slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, State, Tables
from idn_gym.core.geometry import block_shares, bytes_to_load
from idn_gym.core.loading import loaded_share
from idn_gym.core.places import place_of
from idn_gym.metrics import METRICS
from idn_gym.readouts import name_load
from idn_gym.rendering.layout import Plan, lay_out
from idn_gym.rendering.model_colours import ModelColours, model_colours
from idn_gym.rendering.palette import Rgb, dnn_of
from idn_gym.simulation import Simulation


@dataclass(frozen=True)
class ResidentSegment:
    """A resident segment, or one on its way."""

    name: str
    dnn: str  # the model without the task that a copy belongs to
    told: str  # what its colour tells: its DNN or its task
    color: Rgb
    mark: str  # what is written on it where it fits
    first: float  # share of the model's blocks that come before the segment
    last: float  # share of the model's blocks up to the segment's end
    size: float  # [bytes] that it takes; of one on its way, what it takes beside the resident one
    pinned: bool  # never moves
    loaded: float = 1.0  # share of its bytes that has come


@dataclass(frozen=True)
class NodeView:
    """A node in the slot shown."""

    name: str
    tier: str
    device: str
    items: tuple[ResidentSegment, ...]  # largest first
    memory: float  # [bytes] in the slot
    nominal_memory: float  # [bytes]
    load: float | None  # compute seconds used over those of the slot; None where elastic
    wait: float  # [s] mean of a visit
    offered: float  # share of the nominal compute that the slot has
    busy: float  # servers busy on average
    arrivals: float | None  # [requests/s]; None where none ever enter
    dropped: float  # share of the arrivals
    charge: float | None = None  # of its battery over the capacity; None on the mains
    off: bool = False  # without charge

    @property
    def all_pinned(self) -> bool:
        """Whether there are several segments, all of them fixed."""
        return len(self.items) > 1 and all(item.pinned for item in self.items)

    @property
    def used(self) -> float:
        """Bytes that the segments take, those on their way too."""
        return sum(item.size for item in self.items)


@dataclass(frozen=True)
class LinkView:
    """A link in the slot shown."""

    source: int
    target: int
    rate: float  # [bytes/s]
    load: float  # bytes carried over what the rate allows, those of loads too where they share the medium
    wait: float  # [s] mean of a visit

    @property
    def down(self) -> bool:
        """Whether the link has no traffic in the slot."""
        return self.rate == 0.0


@dataclass(frozen=True)
class Picture:
    """One episode of a simulation, ready to be drawn."""

    name: str
    slot: int  # slots played
    horizon: int
    nodes: tuple[NodeView, ...]
    links: tuple[LinkView, ...]
    colours: ModelColours
    tiers: tuple[str, ...]  # from the repositories down
    metrics: dict[str, float] | None  # of the last slot; None before the first
    demand: Floats  # (slots played,) [requests/s]
    plan: Plan


def look(simulation: Simulation, row: int, metrics: Floats | None, below: str | None = None) -> Picture:
    """Read the episode in one row of the batch.

    Args:
        simulation: the simulation, after a reset or a step.
        row: which of its episodes.
        metrics: (len(METRICS),) of the last slot; passed over when none has been played.
        below: a node: only what is around it is read, as `lay_out` says. Metrics and demand are of all.
    """
    compiled = simulation.compiled
    plan = lay_out(compiled, below)
    played = int(simulation.state.slot[row])
    last = place_of(max(0, played - 1), simulation.instance.draw.seconds.shape[1])
    return Picture(
        name=compiled.scenario.name + (f": {below}" if below else ""),
        slot=played,
        horizon=compiled.scenario.horizon,
        nodes=tuple(_nodes(simulation, row, last, plan)),
        links=tuple(_links(simulation, row, last, plan)),
        colours=model_colours(compiled),
        tiers=plan.tiers,
        metrics=None if metrics is None or not played else dict(zip(METRICS, metrics.tolist(), strict=True)),
        demand=simulation.sum_demand(row) / compiled.tables.slot_seconds,
        plan=plan,
    )


def _nodes(simulation: Simulation, row: int, t: int, plan: Plan) -> list[NodeView]:
    compiled, outcome, draw = simulation.compiled, simulation.outcome, simulation.instance.draw
    tables, names, state = compiled.tables, compiled.names, simulation.now
    entry = [names.ingress[i] for i in compiled.class_ingress]
    views = []
    for v in plan.nodes:
        name = names.nodes[v]
        mine = [rho for rho, node in enumerate(entry) if node == name]
        arrived, served = outcome.arrived[row, mine].sum(), outcome.served[row, mine].sum()
        elastic = not np.isfinite(tables.node_seconds[v])
        views.append(
            NodeView(
                name=name,
                tier=names.tiers[v],
                device=names.devices[v],
                items=_items(simulation, row, v),
                memory=float(draw.memory[row, t, v]),
                nominal_memory=float(tables.node_memory[v]),
                load=None if elastic else float(outcome.node_utilisation[row, v]),
                wait=float(outcome.node_wait[row, v]),
                offered=1.0 if elastic else float(draw.seconds[row, t, v] / tables.node_seconds[v]),
                busy=float(outcome.busy[row, v] / tables.slot_seconds),
                arrivals=float(arrived / tables.slot_seconds) if mine else None,
                dropped=float(1.0 - served / arrived) if arrived > 0 else 0.0,
                **_battery(tables, state, row, v),
            )
        )
    return views


def _battery(tables: Tables, state: State, row: int, v: int) -> dict[str, Any]:
    z = tables.node_store[v]
    if z == EMPTY:
        return {}
    return {"charge": float(state.level[row, z] / tables.store_capacity[z]), "off": bool(state.off[row, z])}


def _items(simulation: Simulation, row: int, v: int) -> tuple[ResidentSegment, ...]:
    tables, names, state = simulation.compiled.tables, simulation.compiled.names, simulation.state
    items, (first, last) = [], block_shares(tables)
    shown = model_colours(simulation.compiled)
    held = state.resident[row, v]
    placed = [
        (m, held[m], names.segments[held[m]], 1.0, tables.segment_bytes[held[m]])
        for m in np.flatnonzero(held != EMPTY)
    ]
    if state.wish.size:
        wish, share = state.wish[row, v], loaded_share(tables, state)[row, v]
        beside = bytes_to_load(tables, wish, held)
        # what has come in whole but has not started is drawn as on its way, too
        placed += [
            (m, wish[m], name_load(names.segments[wish[m]], share[m]), min(share[m], 0.99), beside[m])
            for m in np.flatnonzero(wish != EMPTY)
        ]
    for m, s, name, loaded, size in placed:
        item = ResidentSegment(
            name=name,
            dnn=dnn_of(names.models[m]),
            told=shown.told[m],
            color=shown.colours[m],
            mark=shown.marks[m],
            first=float(first[s]),
            last=float(last[s]),
            size=float(size),
            pinned=bool(tables.pinned[v, m] == s),
            loaded=float(loaded),
        )
        items.append(item)
    return tuple(sorted(items, key=lambda item: -item.size))


def _links(simulation: Simulation, row: int, t: int, plan: Plan) -> list[LinkView]:
    tables, draw, outcome = simulation.compiled.tables, simulation.instance.draw, simulation.outcome
    views = []
    for e, (source, target) in zip(plan.links, plan.ends, strict=True):
        rate, carried = float(draw.rate[row, t, e]), float(outcome.carried[row, e])
        if tables.link_down_rate[e] <= 0.0:
            carried += float(outcome.load_bytes[row, e])
        room = rate * tables.slot_seconds
        load = carried / room if room > 0 else 0.0
        views.append(LinkView(source, target, rate, load, float(outcome.link_wait[row, e])))
    return views
