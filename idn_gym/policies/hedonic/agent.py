"""`hedonic`: devices choose gateway, spreading factor and model, one after the other, each for its own sake.

At regular intervals a game is set up on the expected slot: the smoothed batches of the state, the resources
of the observation, the levels of stores. Players start from the current association, and move by the rules of
`play_shifts` until no move gains enough. The result is played: the links, the models on devices, and on
gateways the tails with the most requests of their members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.actions.association import AssociationCodec
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools
from idn_gym.games.dynamics import Order, ShiftRules, play_shifts
from idn_gym.games.hedonic import nearest_sites
from idn_gym.games.partitions import ALONE
from idn_gym.policies.hedonic.field_game import FieldGame, Utility
from idn_gym.policies.hedonic.sites import field_sites
from idn_gym.policies.online.expected_slots import ExpectedSlots
from idn_gym.policies.online.learner import Clock, PlacementPolicy
from idn_gym.policy import Choice, Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class HedonicConfig:
    """Order of moves, times of games, and the required gain of a move."""

    refresh: int = bounded(12, least=1)
    """slots between two games"""
    stay: float = bounded(10.0, above=0)
    """[slots] over which a load has to pay, and what stores hold has to last"""
    least: float = bounded(0.01, least=0, below=1)
    """share of what devices cost on average that a move must gain"""
    utility: Utility = "own"
    """cost that a device minimises: its own, or its addition to the cost of all devices in its region"""
    order: Order = "largest"
    """next device to move: the one with the largest gain, a random one with a gain, or the next one in
    order"""
    history: bool = True
    """whether devices never join a coalition again that they have joined before in the game"""
    moves: int = bounded(500, least=0)
    """maximum number of moves of a game"""
    seed: int = bounded(0, least=0)
    """seed of random orders"""


class Hedonic(PlacementPolicy):
    """Plays a game for each row; see the head of the module.

    Attributes:
        partition: (B, P) site of each device, or `ALONE`.
        uplink: (B, N) link that each node should use.
    """

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        config: HedonicConfig,
        codec: AssociationCodec,
        expected: ExpectedSlots,
    ) -> None:
        super().__init__(compiled, rows, config.seed)
        self.config, self._codec, self._expected = config, codec, expected
        self.places = field_sites(compiled)
        self.clock = Clock(rows, config.refresh, False)
        self.partition = np.zeros((rows, len(self.places.player)), np.intp)
        self.uplink = np.zeros((rows, len(self.tables.node_memory)), np.int32)
        self._demand = np.zeros((rows, len(self.tables.class_task)))
        self._level = np.zeros((rows, len(self.tables.store_capacity)))
        self._due = np.zeros(rows, np.bool_)
        self._opened: Bools | None = None  # as found in the first game, at nominal demand
        self._fresh = np.zeros(rows, np.bool_)  # rows that begin

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self._expected.begin(rows)
        self._demand[rows] = self.tables.class_requests
        self._level[rows] = self.tables.store_start
        self._due |= rows
        self._fresh = rows.copy()

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        """Ask for links and placements; games are played where they are due."""
        _, state = super().act(observation, state, start, deterministic)
        for b in np.flatnonzero(self._due).tolist():
            self._play(b, observation[b])
        self._due[:], self._fresh[:] = False, False
        pairs = zip(self.wanted, self.uplink, strict=True)
        return np.stack([self._codec.encode(*pair) for pair in pairs]), state

    def update(self, feedback: Feedback) -> None:
        """Remember the slot just played."""
        self._expected.note(feedback)
        self._demand[:], self._level[:] = feedback.after.recent, feedback.after.level
        self._due = self.clock.tick()

    def _play(self, b: int, observation: Any) -> None:
        """Play a game for row b; rows with the same start have the same result."""
        self._expected.fill(b, self._demand[b][None], observation)
        config, slots = self.config, self._expected.instance
        game = FieldGame(
            self.compiled,
            self.places,
            slots,
            utility=config.utility,
            opened=self._opened,
            held=self.wanted[b],
            stay=config.stay,
            stock=self._level[b] / config.stay,
        )
        self._opened = game.opened
        start = nearest_sites(game) if self._fresh[b] else self.partition[b]
        # A site that a device would avoid even if no other device sent is also left by it.
        start = np.where(np.isfinite(game.present_costs(start)), start, ALONE)
        least = config.least * float(game.present_costs(start).mean())
        rules = ShiftRules(
            order=config.order, history=config.history, least_gain=least, most_moves=config.moves
        )
        run = play_shifts(game, start, rules, self.rng[b])
        self.partition[b] = run.partition
        self.wanted[b], self.uplink[b] = game.layout(run.partition)
