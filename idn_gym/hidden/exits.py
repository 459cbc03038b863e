"""What exits cost under conditions: more requests go on to later ones where pictures are bad.

Serving, queues and capacities go by the catalogue's shares. What requests spend beyond these is charged once
the slot is over: time without waiting, energy and traffic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import BYTE_HOP, EMPTY, JOULE, SECOND, Draw, Floats, Ints, Numbers, Outcome, Tables
from idn_gym.core.row_starts import entries_of, owners
from idn_gym.core.workspace import Scratch
from idn_gym.quality.in_force import Heard
from idn_gym.rewards import Reward, charge_reward
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.answers import RAW_BINS

EXIT_COSTS = (SECOND, JOULE, BYTE_HOP)
"""Components that move with the shares of exits, in the order of columns here: S of them."""


class ExitCosts:
    """Time [s], energy [J] and traffic [byte-hops] of every way in which a request may end."""

    def __init__(self, compiled: Compiled) -> None:
        """Set up.

        Args:
            compiled: of a scenario with hidden quality.

        Raises:
            ConfigError: there are radios, whose frames are not known by exit.
        """
        tables, answers = compiled.tables, compiled.answers
        assert answers is not None
        if len(tables.message_reach):
            allowed = "is not allowed with radios; must be 'nominal'"
            raise ConfigError("quality.exit_shares", f"'actual' {allowed}")
        self._tables, self._answers = tables, answers
        option, parts = owners(tables.branch_start), np.arange(tables.branch_bytes.shape[1])
        visited = parts < tables.branch_parts[:, None]
        part = np.where(visited, tables.part_start[option][:, None] + parts, 0)
        origin = tables.path_start[tables.class_path[owners(tables.option_start)[option]]]
        here = origin[:, None] + np.where(visited, tables.part_position[part], 0)
        start = (origin + tables.option_origin[option])[:, None]
        before = np.concatenate([start, here[:, :-1]], axis=1)
        self._node, self._here, self._before = tables.part_node[part], here, before
        way, hops = _along(tables, tables.link_joules), here - before
        delay = tables.path_delay[here] - tables.path_delay[before] + tables.part_pause[part]
        self._delay = (visited * delay).sum(axis=1)
        self._link_joules = (tables.branch_bytes * (way[here] - way[before])).sum(axis=1)
        self._byte_hops = (tables.branch_bytes * hops).sum(axis=1)
        # A point without some of its network's exits lacks the first ones.
        self._stream = tables.option_stream[option]
        exits = answers.exits[answers.stream_kind[self._stream]]
        place = np.arange(len(option)) - tables.branch_start[option]
        self._last = place + exits - np.diff(tables.branch_start)[option]
        self._first = np.where(place == 0, 0, self._last)
        self._true = _by_exit(answers.playing.sum(axis=3))

    def spent(self, draw: Draw, row: Ints, branch: Ints, pace: Floats) -> Floats:
        """What a request spends that ends at an exit branch, waiting left out, (n, S).

        Args:
            draw: speeds of devices.
            row: (n,) of the draw.
            branch: (n,)
            pace: (B, J) [s/byte] up to each position of the routes.
        """
        tables, here, before = self._tables, self._here[branch], self._before[branch]
        pace = np.where(np.isfinite(pace), pace, 0.0)  # nothing is served over links that are down
        node = self._node[branch]
        seconds = tables.branch_seconds[branch] * draw.slowdown[row[:, None], node]
        way = pace[row[:, None], here] - pace[row[:, None], before]
        sending = (tables.branch_bytes[branch] * way).sum(axis=1)
        joules = (seconds * tables.node_watts[node]).sum(axis=1) + self._link_joules[branch]
        time = self._delay[branch] + seconds.sum(axis=1) + sending
        return np.stack([time, joules, self._byte_hops[branch]], axis=1)

    def extra(self, draw: Draw, row: Ints, option: Ints, pace: Floats, shares: Floats) -> Floats:
        """What a request of an option spends beyond what the catalogue says, (n, S).

        Args:
            draw: as in `spent`.
            row: (n,) of the draw.
            option: (n,)
            pace: (B, J) as in `spent`.
            shares: (B, a, exits) of requests that leave at each exit; NaN: as in the catalogue.
        """
        start = self._tables.branch_start
        count = np.diff(start)[option]
        branch, place = entries_of(start[option], count), np.repeat(np.arange(len(option)), count)
        at, stream = row[place], self._stream[branch]
        below = np.zeros((*shares.shape[:2], shares.shape[2] + 1))
        np.cumsum(shares, axis=2, out=below[:, :, 1:])
        share = below[at, stream, self._last[branch] + 1] - below[at, stream, self._first[branch]]
        change = np.where(np.isnan(share), 0.0, share - self._tables.branch_share[branch])
        found = np.zeros((len(option), len(EXIT_COSTS)))
        np.add.at(found, place, change[:, None] * self.spent(draw, at, branch, pace))
        return found

    def charge(self, draw: Draw, outcome: Outcome, scratch: Scratch, shares: Floats) -> Floats:
        """What the requests of each class in the slot spent beyond what is booked, (B, R, S).

        Args:
            draw: of the slot.
            outcome: of the slot.
            scratch: that it was served with.
            shares: (B, a, exits) as in `extra`.
        """
        row, request_class, option, amount = _taken(self._tables, outcome, scratch)
        found = np.zeros((*outcome.arrived.shape, len(EXIT_COSTS)))
        extra = amount[:, None] * self.extra(draw, row, option, scratch.pace_priced, shares)
        np.add.at(found, (row, request_class), extra)
        return found

    def true_shares(self, condition: Ints) -> Floats:
        """(B, a, exits) under the conditions of classes (B, R)."""
        found: Floats = self._true[self._answers.stream_kind, condition[:, self._answers.stream_class]]
        return found

    def heard_shares(self, heard: Heard, rows: int) -> Floats:
        """(B, a, exits) among the answers of a slot; NaN of streams of which nothing is heard."""
        found = np.full((rows, len(self._answers.stream_kind), self._true.shape[2]), np.nan)
        found[heard.row, heard.stream] = _by_exit(heard.cells)
        return found


class ExitBook:
    """What the requests of B episodes spent in the last slot because of where they left.

    Attributes:
        spent: (B, S) per request, by the shares that are true; the rest of it as booked.
    """

    def __init__(self, compiled: Compiled, rows: int, draw: Draw) -> None:
        """Set up.

        Args:
            compiled: of a scenario with hidden quality.
            rows: B.
            draw: of its slots.
        """
        self._costs, self._draw = ExitCosts(compiled), draw
        self.spent = np.zeros((rows, len(EXIT_COSTS)))

    def judge(self, condition: Ints, outcome: Outcome, reward: Reward, scratch: Scratch) -> Floats:
        """Put what exits cost in the slot into rewards.

        Args:
            condition: (B, R) that was in force.
            outcome: of the slot.
            reward: of it, written to.
            scratch: that it was served with.

        Returns:
            (B,) the same at the tariff, over the nominal requests.
        """
        shares = self._costs.true_shares(condition)
        extra = self._costs.charge(self._draw, outcome, scratch, shares).sum(axis=1)
        booked = np.stack([outcome.latency, outcome.energy, outcome.traffic], axis=2)
        booked += outcome.penalty[..., list(EXIT_COSTS)]
        self.spent[:] = booked.sum(axis=1) + extra
        self.spent[:, EXIT_COSTS.index(JOULE)] += outcome.idle_energy + outcome.load_energy
        self.spent[:, EXIT_COSTS.index(BYTE_HOP)] += outcome.load_traffic
        self.spent /= np.maximum(outcome.arrived.sum(axis=1), np.finfo(float).tiny)[:, None]
        for source, amount in zip(EXIT_COSTS, extra.T, strict=True):
            charge_reward(reward, source, amount)
        tariff = self._draw.tariff[:, list(EXIT_COSTS)]
        found: Floats = (tariff * extra).sum(axis=1) / reward.nominal_requests
        return found

    def listen(self, heard: Heard, outcome: Outcome, scratch: Scratch) -> Floats:
        """(B, R) what exits cost each class in the slot at the tariff, by the answers that are heard."""
        shares = self._costs.heard_shares(heard, len(outcome.arrived))
        extra = self._costs.charge(self._draw, outcome, scratch, shares)
        found: Floats = (extra * self._draw.tariff[:, None, list(EXIT_COSTS)]).sum(axis=2)
        return found

    def infos(self) -> dict[str, Numbers]:
        """Entries of infos, (B,) each."""
        names = "truth/latency", "truth/energy", "truth/traffic"
        return dict(zip(names, self.spent.T.copy(), strict=True))


def route_pace(tables: Tables, rate: Floats) -> Floats:
    """Seconds per byte up to each position (J,) at rates of links (E,) from which loads take nothing."""
    with np.errstate(divide="ignore"):
        return _along(tables, tables.link_count / rate)


def _along(tables: Tables, value: Floats) -> Floats:
    """Sums (J,) of a value of links (E,) from the beginning of each route."""
    found, total = np.zeros(len(tables.path_link)), 0.0
    for j, link in enumerate(tables.path_link):
        total = 0.0 if link == EMPTY else total + value[link]
        found[j] = total
    return found


def _by_exit(cells: Any) -> Floats:
    """Shares (..., exits) of counts (..., d) by cell; NaN where there are none."""
    count = cells.reshape(*cells.shape[:-1], -1, RAW_BINS).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        shares: Floats = count / count.sum(axis=-1, keepdims=True)
    return shares


def _taken(tables: Tables, outcome: Outcome, scratch: Scratch) -> tuple[Ints, Ints, Ints, Floats]:
    """Row, class and option that requests took in the slot just served, and how many did, (n,) each."""
    row, asked = np.nonzero(outcome.arrived > 0.0)
    count = scratch.sorted[row, asked]
    entry = entries_of(row * len(tables.option_model) + tables.option_start[asked], count)
    used = scratch.amount[entry] > 0.0
    row, asked = np.repeat(row, count)[used], np.repeat(asked, count)[used]
    return row, asked, scratch.option[entry[used]].astype(np.int64), scratch.amount[entry[used]]
