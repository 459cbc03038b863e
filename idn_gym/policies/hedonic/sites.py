"""Sites at which devices of a field may meet: a gateway, a spreading factor, and a head of a model.

A *site* is a cell of a gateway together with a head, the first blocks of a model, which the device holds
while its gateway may hold the tail. A device that runs a whole model by itself is `ALONE`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Bools, Ints, Tables
from idn_gym.core.geometry import whole_models
from idn_gym.core.nominal import ingress_nodes
from idn_gym.core.row_starts import owners
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True, eq=False)
class FieldSites:
    """Players and sites of a scenario; letters of shapes as in `idn_gym.games`, G gateways."""

    player: Ints
    """(P,) node of each player: those with several LoRaWAN links"""
    classes: Bools
    """(P, R) request classes that enter there"""
    gateway: Ints
    """(G,) node"""
    site_gateway: Ints
    """(K,) number of the gateway among the G"""
    site_head: Ints
    """(K,) segment that a device of the site holds"""
    site_tail: Ints
    """(K,) segment that its gateway may hold for it"""
    link: Ints
    """(P, K) that leads a player there, or EMPTY"""
    whole: tuple[Ints, ...]
    """of each player, whole models that it can hold"""
    region: Ints
    """(G,) gateways of one number share a node or a link further up"""


def field_sites(compiled: Compiled) -> FieldSites:
    """Lay out players and sites.

    Raises:
        ConfigError: no node has a choice of links, or there are several tasks.
    """
    tables = compiled.tables
    chooser = np.asarray(tables.link_chooser)
    player = np.unique(chooser[chooser != EMPTY]).astype(np.int64)
    if not len(player):
        raise ConfigError("agent", "'hedonic' needs nodes with several LoRaWAN links; use another agent")
    if len(tables.task_model) > 2:
        raise ConfigError(
            "agent", f"'hedonic' knows scenarios of one task; {len(tables.task_model) - 1} are not allowed"
        )
    cell, end = _cells(tables)
    mine = np.isin(tables.radio_link, np.flatnonzero(np.isin(chooser, player)))
    cells, gateway = np.unique(cell[mine]), np.unique(end[mine])
    heads = _heads(compiled, player)
    blocks = tables.model_blocks[tables.segment_model[heads]]
    tails = _find_segments(tables, tables.segment_model[heads], tables.segment_last[heads], blocks)
    link = np.full((len(player), len(cells)), EMPTY)
    at = np.searchsorted(player, chooser[tables.radio_link[mine]])
    link[at, np.searchsorted(cells, cell[mine])] = tables.radio_link[mine]
    site_gateway = np.searchsorted(gateway, end[mine][np.unique(cell[mine], return_index=True)[1]])
    kept = np.repeat(link, len(heads), axis=1)
    kept[~compiled.placeable[player][:, np.tile(heads, len(cells))]] = EMPTY
    whole = whole_models(tables)
    return FieldSites(
        player=player,
        classes=ingress_nodes(tables) == player[:, None],
        gateway=gateway,
        site_gateway=np.repeat(site_gateway, len(heads)),
        site_head=np.tile(heads, len(cells)),
        site_tail=np.tile(tails, len(cells)),
        link=kept,
        whole=tuple(np.flatnonzero(whole & compiled.placeable[v]) for v in player),
        region=_regions(tables, gateway),
    )


def _cells(tables: Tables) -> tuple[Ints, Ints]:
    """Cell of each radio, and the node of its gateway."""
    enters = {int(e): int(v) for e, v in zip(tables.path_link, tables.path_node, strict=True) if e != EMPTY}
    end = np.array([enters[int(e)] for e in tables.radio_link], np.int64)
    return owners(tables.cell_start), end


def _heads(compiled: Compiled, player: Ints) -> Ints:
    """Segments that begin a model and do not end it, and that some player can hold."""
    tables = compiled.tables
    part = (tables.segment_first == 0) & (tables.segment_last < tables.model_blocks[tables.segment_model])
    return np.flatnonzero(part & compiled.placeable[player].any(axis=0))


def _find_segments(tables: Tables, model: Ints, first: Ints, last: Ints) -> Ints:
    spans = zip(tables.segment_model, tables.segment_first, tables.segment_last, strict=True)
    number = {(int(m), int(a), int(b)): s for s, (m, a, b) in enumerate(spans)}
    wanted = zip(model.tolist(), first.tolist(), last.tolist(), strict=True)
    return np.array([number[key] for key in wanted], np.int64)


def _regions(tables: Tables, gateway: Ints) -> Ints:
    """Number of the region of each gateway."""
    finite = np.isfinite(tables.node_seconds)
    beyond: list[set[tuple[str, int]]] = [set() for _ in gateway]
    number = {int(v): g for g, v in enumerate(gateway)}
    for start, end in zip(tables.path_start[:-1], tables.path_start[1:], strict=True):
        over: int | None = None
        for j in range(int(start), int(end)):
            v, e = int(tables.path_node[j]), int(tables.path_link[j])
            if e == EMPTY:
                over = None
            elif over is not None:
                beyond[over].add(("link", e))
                if finite[v]:
                    beyond[over].add(("node", v))
            over = number.get(v) if over is None else over
    region = np.arange(len(gateway))
    for g, mine in enumerate(beyond):
        for h in range(g):
            if mine & beyond[h]:
                region[region == region[g]] = region[h]
    return region
