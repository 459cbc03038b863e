"""The stores of a scenario, batteries first, and what each option draws on them per request.

A node with a battery pays for what it computes, and for the links that lead from it: for requests that it
sends over them, its own or others', and for loads that come to it over them. So what batteries give is the
energy that the slot counts at their nodes. To listen costs what idling costs. Who costs nothing is needed all
the same: a need of 0 keeps requests off nodes without charge. The devices of a cohort have one store, n times
as large: exact while all of them are served alike. Who sends over a radio draws on its airtime, and where
answers come down within a duty cycle, so does the gateway that sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from idn_gym.catalog.link_messages import airtime_on, joules_on
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Ints
from idn_gym.core.row_starts import owners, starts_of
from idn_gym.scenarios.compile.link_messages import list_messages, take_by_kind
from idn_gym.scenarios.compile.routes import Network, name_links
from idn_gym.scenarios.config import Scenario

AIRTIME_WINDOW = 3600.0
"""[s] over which a duty cycle holds: as many seconds of it may be sent at a stretch."""


def store_tables(scenario: Scenario, network: Network, idle: Floats) -> dict[str, Any]:
    """The `store_` fields of `Tables`, and which node and link has which.

    Args:
        scenario: how long its slots are.
        network: nodes and links.
        idle: (N,) [W] idle power of all devices of each node, whether or not it counts in the reward.

    Raises:
        ConfigError: a battery or a duty cycle where capacity is private, or a battery of an elastic node.
    """
    _check_capacity(scenario, network)
    slot = scenario.slot_seconds
    rows: list[tuple[float, ...]] = []
    for v, battery in enumerate(node.battery for node in network.nodes):
        if battery is not None:
            whole = battery.capacity * network.count[v]
            levels = battery.cutoff * whole, battery.restart * whole, battery.start * whole
            rows.append((whole, *levels, idle[v] * slot, 0.0))
    for v, duty, _ in airtime_bands(network):
        rows.append(_airtime_row(duty * network.count[v], slot))
    rows += [_airtime_row(duty, slot) for duty in answer_duties(network).values()]
    fields = ("capacity", "least", "restart", "start", "drain", "refill")
    columns = np.array(rows, float).reshape(-1, len(fields)).T
    return {
        **{f"store_{name}": column.copy() for name, column in zip(fields, columns, strict=True)},
        "node_store": _numbered([node.battery is not None for node in network.nodes], 0),
        "link_store": link_stores(network),
    }


def _airtime_row(share: float, slot: float) -> tuple[float, ...]:
    """A store of seconds on the air, for who may send for that share of the time."""
    return (share * AIRTIME_WINDOW, 0.0, 0.0, share * AIRTIME_WINDOW, 0.0, share * slot)


def answer_duties(network: Network) -> dict[int, float]:
    """Share of the time that each gateway may send answers, by node; empty where they have no limit."""
    if network.radio.answers != "duty_cycle":
        return {}
    pairs = zip(network.ends[:, 1].tolist(), network.link_kinds, strict=True)
    return {v: kind.lorawan.duty for v, kind in pairs if kind.lorawan is not None}


def _check_capacity(scenario: Scenario, network: Network) -> None:
    for node in network.nodes:
        key = f"topology.nodes.{node.name}.battery"
        if node.battery is not None and scenario.serving.capacity == "exogenous":
            raise ConfigError(key, "is not allowed where `serving.capacity` is exogenous; set it to shared")
        if node.battery is not None and np.isinf(node.servers):
            raise ConfigError(key, "is not allowed where `servers` is .inf; set a number")
    for link, duty in zip(network.links, link_duties(network), strict=True):
        if duty is not None and scenario.serving.capacity == "exogenous":
            what = ("link", f"{link.link!r} ") if link.duty_cycle is None else ("duty_cycle", "")
            key = f"topology.links.{link.source}->{link.target}.{what[0]}"
            raise ConfigError(
                key, f"{what[1]}is not allowed where `serving.capacity` is exogenous; set it to shared"
            )


def link_duties(network: Network) -> list[float | None]:
    """Share of the time that the sender of each link may send, or None."""
    pairs = zip(network.links, network.link_kinds, strict=True)
    return [
        kind.lorawan.duty if link.duty_cycle is None and kind.lorawan is not None else link.duty_cycle
        for link, kind in pairs
    ]


def airtime_bands(network: Network) -> list[tuple[int, float, list[int]]]:
    """Budgets of airtime: node that sends, share of the time, and links on which it sends within it.

    A node that uses one of several radio links sends in the same band on all of them.
    """
    chooser = {e: v for v, links in network.choices.items() for e in links}
    found: dict[tuple[int, float, int], list[int]] = {}
    for e, duty in enumerate(link_duties(network)):
        if duty is not None:
            sender = int(network.ends[e, 0])
            found.setdefault((sender, duty, EMPTY if e in chooser else e), []).append(e)
    return [(sender, duty, links) for (sender, duty, _), links in found.items()]


def link_stores(network: Network) -> Ints:
    """(E,) store of each link's airtime, or EMPTY."""
    batteries = sum(node.battery is not None for node in network.nodes)
    number = np.full(len(network.links), EMPTY, np.int64)
    for i, (_, _, links) in enumerate(airtime_bands(network)):
        number[links] = batteries + i
    return number


def _numbered(there: list[bool], first: int) -> Ints:
    """Numbers from `first` on for those that are there, EMPTY for the others."""
    number = np.cumsum(there, dtype=np.int64) - 1 + first
    return np.where(there, number, EMPTY)


def name_stores(network: Network) -> tuple[str, ...]:
    """Names of the stores."""
    nodes = (node.name for node in network.nodes if node.battery is not None)
    names, bands = name_links(network), airtime_bands(network)
    senders = [v for v, _, links in bands if links[0] in network.choices.get(v, [])]
    alone = (senders.count(v) == 1 for v, _, _ in bands)
    airtimes = (
        f"{network.nodes[v].name if one else names[links[0]]} airtime"
        for one, (v, _, links) in zip(alone, bands, strict=True)
    )
    gateways = (network.nodes[v].name for v in answer_duties(network))
    batteries = (f"{node} battery" for node in nodes)
    return (*batteries, *airtimes, *(f"{gateway} answers" for gateway in gateways))


def message_airtime(network: Network, link: Ints, size: Floats) -> Floats:
    """[s] that messages of these bytes take on links: their frames, or their bytes at nominal rates."""
    seconds: Floats = size * network.media[link] / network.rate[link]
    framed = np.array([kind.lorawan is not None for kind in network.link_kinds], bool)[link]
    seconds[framed] = take_by_kind(network.link_kinds, link[framed], size[framed], airtime_on)
    return np.where(size > 0.0, seconds, 0.0)


def option_needs(
    network: Network, fields: Mapping[str, Any], watts: Floats, capacity: Floats, node_store: Ints
) -> dict[str, Any]:
    """The `need_` fields of `Tables`.

    Args:
        network: nodes and links.
        fields: of `Tables`: those of paths and of `stack_options`, and `class_path`.
        watts: (N,) [W] that each node draws per compute second, above idle.
        capacity: (Z,) of the stores.
        node_store: (N,) battery of each node, or EMPTY.
    """
    if not len(capacity):
        none = np.zeros(0, np.int64)
        start = np.zeros(len(fields["option_model"]) + 1, np.int64)
        return {"need_start": start, "need_store": none, "need_amount": np.zeros(0), "need_node": none}
    found = [_compute_needs(fields, watts, node_store), *_hop_needs(network, fields, node_store)]
    option, store, amount, node = (np.concatenate(column) for column in zip(*found, strict=True))
    there = store != EMPTY
    pair, node, amount = _merge((option * len(capacity) + store)[there], node[there], amount[there])
    option, store = pair // len(capacity), pair % len(capacity)
    return {
        "need_start": starts_of(np.bincount(option, minlength=len(fields["option_model"]))),
        "need_store": store,
        "need_amount": amount,
        "need_node": node,
    }


def _merge(pair: Ints, node: Ints, amount: Floats) -> tuple[Ints, Ints, Floats]:
    """One row per pair of option and store and per node, sorted; a row of nothing only where it is alone."""
    width = int(node.max(initial=EMPTY)) + 2
    key, inverse = np.unique(pair * width + node + 1, return_inverse=True)
    total = np.bincount(inverse, amount, len(key))
    pair, node = key // width, key % width - 1
    _, number, rows = np.unique(pair, return_inverse=True, return_counts=True)
    kept = (total > 0.0) | (rows[number] == 1)
    return pair[kept], node[kept], total[kept]


_Needs = tuple[Ints, Ints, Floats, Ints]
"""Option, store or EMPTY, amount, and node whose slowdown scales it or EMPTY."""


def _compute_needs(fields: Mapping[str, Any], watts: Floats, node_store: Ints) -> _Needs:
    """Joules of computing, of each part."""
    node = fields["part_node"].astype(np.int64)
    amount = fields["part_seconds"] * watts[node]
    return owners(fields["part_start"]), node_store[node], amount, np.where(amount > 0.0, node, EMPTY)


def _hop_needs(network: Network, fields: Mapping[str, Any], node_store: Ints) -> list[_Needs]:
    """Energy and airtime of each message: joules of the sender, none of the receiver, airtime of the link."""
    sent = list_messages(fields, fields, fields["class_path"], np.ones(len(network.links), bool))
    link, reach, airtime = sent.link, sent.reach, message_airtime(network, sent.link, sent.size)
    joules = network.joules[link] * sent.size + take_by_kind(network.link_kinds, link, sent.size, joules_on)
    sender, receiver = network.ends[link].T
    anyone = np.full(len(link), EMPTY)
    return [
        (sent.option, node_store[sender], reach * joules, anyone),
        (sent.option, node_store[receiver], np.zeros(len(link)), anyone),
        (sent.option, np.where(airtime > 0.0, link_stores(network)[link], EMPTY), reach * airtime, anyone),
        (sent.option, _answer_stores(network)[link], reach * _answer_airtime(network)[link], anyone),
    ]


def _answer_stores(network: Network) -> Ints:
    """(E,) store of the answers that come down each link, or EMPTY."""
    first = sum(node.battery is not None for node in network.nodes) + len(airtime_bands(network))
    number = {v: first + i for i, v in enumerate(answer_duties(network))}
    kinds = zip(network.ends[:, 1].tolist(), network.link_kinds, strict=True)
    return np.array([EMPTY if kind.lorawan is None else number.get(v, EMPTY) for v, kind in kinds], np.int64)


def _answer_airtime(network: Network) -> Floats:
    """(E,) [s] of an answer over each link; a lost message is taken to be answered, too."""
    laws = (kind.lorawan for kind in network.link_kinds)
    return np.array([0.0 if law is None else law.answer_airtime for law in laws])
