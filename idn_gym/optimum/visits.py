"""Demands of one request by each option on every node and link that it passes, as flat arrays.

Resources are numbered as in `idn_gym.core.workspace.Scratch`: the N nodes and, after them, the E links. The
unit of work is the second on a node and the byte on a link.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Draw, Floats, Instance, Ints, Tables
from idn_gym.core.row_starts import owners


class Visits(NamedTuple):
    """One row per option, in their order, and resource that it uses; moments are over exit branches."""

    option: Ints  # (V,)
    resource: Ints  # (V,) in N + E
    visits: Floats  # (V,) expected, at most 1
    work: Floats  # (V,) [s] or [bytes] expected, slowdown included
    square: Floats  # (V,) [s^2] or [bytes^2] expected
    longest: Floats  # (V,) [s] or [bytes] of the branch that takes most

    def of(self, options: Bools) -> Visits:
        """The rows of the marked options (O,)."""
        kept = options[self.option]
        rows = [column[kept] for column in (self.visits, self.work, self.square, self.longest)]
        return Visits(self.option[kept], self.resource[kept], *rows)


def list_visits(tables: Tables, draw: Draw) -> Visits:
    """The visits of all options in the first row of a draw."""
    branch = np.repeat(np.arange(len(tables.branch_share)), tables.branch_parts)
    place = np.arange(len(branch)) - np.repeat(np.cumsum(tables.branch_parts), tables.branch_parts)
    place = place + np.repeat(tables.branch_parts, tables.branch_parts)
    part = tables.part_start[owners(tables.branch_start)[branch]] + place
    share, slow = tables.branch_share[branch], draw.slowdown[0, tables.part_node[part]]
    seconds = _moments(part, share, tables.branch_seconds[branch, place] * slow, len(tables.part_node))
    sizes = _moments(part, share, tables.branch_bytes[branch, place], len(tables.part_node))
    option = owners(tables.part_start)
    at_node = np.flatnonzero(seconds[0] > 0.0)
    hop_part, hop_link = _hops(tables, option)
    crossed = sizes[0, hop_part] > 0.0
    hop_part, hop_link = hop_part[crossed], hop_link[crossed]
    options = np.concatenate([option[at_node], option[hop_part]])
    resources = np.concatenate([tables.part_node[at_node], len(tables.node_memory) + hop_link])
    amounts = np.concatenate([seconds[:, at_node], sizes[:, hop_part]], axis=1)
    order = np.argsort(options, kind="stable")
    return Visits(options[order], resources[order].astype(np.int64), *amounts[:, order])


def _moments(part: Ints, share: Floats, amount: Floats, parts: int) -> Floats:
    """For each part (4, Q): expected visits, work and squared work, and the maximum work of a visit."""
    passes = share * (amount > 0.0)
    most = np.zeros(parts)
    np.maximum.at(most, part[passes > 0.0], amount[passes > 0.0])
    sums = [np.bincount(part, passes * amount**power, parts) for power in range(3)]
    return np.stack([*sums, most])


def _hops(tables: Tables, option: Ints) -> tuple[Ints, Ints]:
    """Each part once per link that leads to it, and that link."""
    before = np.concatenate([[0], tables.part_position[:-1]])
    before[tables.part_start[:-1]] = tables.option_origin
    count = tables.part_position - before
    part = np.repeat(np.arange(len(option)), count)
    step = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    origin = tables.path_start[tables.class_path[owners(tables.option_start)[option]]]
    return part, tables.path_link[origin[part] + before[part] + 1 + step]


def latencies(row: Instance, visits: Visits) -> Floats:
    """Seconds of a request by each option in each slot (T, O), waiting left out."""
    tables, draw = row
    links = visits.resource >= len(tables.node_memory)
    option, link = visits.option[links], visits.resource[links] - len(tables.node_memory)
    base = draw.option_latency[0]
    with np.errstate(divide="ignore"):  # nothing ever crosses a link that is down
        own = draw.rate[0] / tables.link_count
        crossing = [np.bincount(option, visits.work[links] / rate[link], len(base)) for rate in own]
    return base + np.array(crossing)


def supplies(tables: Tables, draw: Draw) -> Floats:
    """Capacity of nodes and links in each slot (T, N + E) [s] or [bytes], inf where elastic; first row."""
    return np.concatenate([draw.seconds[0], draw.rate[0] * tables.slot_seconds], axis=1)


def queue_paces(tables: Tables, draw: Draw) -> tuple[Ints, Floats]:
    """Servers of each resource's queue (N + E,), 0 without waiting, and paces (T, N + E); first row.

    A pace [s] is how long a unit of work takes: 1 / rate of a medium on links, and on nodes more than 1 where
    they offer less than their workers could.
    """
    servers = np.concatenate([tables.node_servers, np.ones(len(tables.link_rate), np.int64)])
    with np.errstate(divide="ignore"):
        node = tables.node_count * tables.node_servers * tables.slot_seconds / draw.seconds[0]
        return servers, np.concatenate([node, tables.link_count / draw.rate[0]], axis=1)
