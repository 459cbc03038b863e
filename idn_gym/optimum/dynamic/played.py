"""Costs of sequences of requested placements, played slot by slot without observations and codecs.

Repair, loading, serving and judging are the core's own, so costs equal those of a rollout of the same wishes
through the codec `segments`.
"""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Floats, Instance, Ints, Residents
from idn_gym.core.handover import Programme
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.slots import one_row, put_fields
from idn_gym.core.transition import initial_state, play_slots
from idn_gym.core.validate import check_placement
from idn_gym.core.workspace import make_scratch
from idn_gym.optimum.dynamic.search_clock import SearchClock
from idn_gym.rewards import add_rewards
from idn_gym.scenarios.compile import Compiled


def sequence_costs(compiled: Compiled, instance: Instance, placements: Residents, b: int = 0) -> Floats:
    """Scalar cost of each slot (T,) of a sequence of wishes that is played from the pins on.

    Args:
        compiled: the scenario.
        instance: drawn from it; the preference is that of the draw.
        placements: (T, N, M) wished segments or EMPTY, or (N, M): one wish that is kept.
        b: row.

    Returns:
        Minus the scalar rewards of the environment: all objectives, loading among them.

    Raises:
        ConfigError: the wishes are those of another scenario, or of another number of slots.
    """
    return SequencePlayer(compiled, instance, b).play(placements)


class SequencePlayer:
    """Plays sequences of wishes in one row of an instance, as often as one likes.

    Attributes:
        row: an instance of that row alone.
        slots: T of it.
        clock: counts what is played.
    """

    def __init__(
        self, compiled: Compiled, instance: Instance, b: int = 0, clock: SearchClock | None = None
    ) -> None:
        """Take the row; arguments are those of `sequence_costs`. Without a clock, time has no end."""
        row = self.row = one_row(instance, b)
        self.clock = SearchClock() if clock is None else clock
        tables, draw = row
        self._classes = len(tables.class_task)
        self.slots: int = draw.demand.shape[1]
        self._states = initial_state(row), initial_state(row)
        self._action = Action(np.empty_like(self._states[0].resident))
        scratch = make_scratch(tables)
        outcome = self._outcome = empty_outcome(tables, 1, scratch.longest)
        self._scalars, self._programmes = [], []
        for before, after in (self._states, self._states[::-1]):
            programme = Programme()
            programme.add(play_slots, tables, draw, before, self._action, after, outcome, scratch)
            reward = add_rewards(
                programme, tables, outcome, draw.weights, compiled.scales, compiled.objectives
            )
            self._programmes.append(programme)
            self._scalars.append(reward.scalars)

    def play(self, placements: Residents) -> Floats:
        """Costs (T,) of wishes from the pins on; see `sequence_costs`."""
        wishes = self._checked(placements)
        put_fields(self._states[0], initial_state(self.row))
        costs = np.empty(self.slots)
        for t in range(self.slots):
            costs[t] = self._play_slot(t % 2, wishes[t])
        self._pay(self.slots)
        return costs

    def steady_costs(self, placement: Residents, slots: Ints) -> Floats:
        """Costs of slots if a placement (N, M) is resident in full when each of them begins.

        Nothing is loaded, then; where memory has shrunk, segments that do not fit are gone for the slot.
        """
        check_placement(self.row.tables, placement)
        return self._steady(np.broadcast_to(placement, (len(slots), *placement.shape)), slots)

    def resident_costs(self, placements: Residents) -> Floats:
        """Costs (T,) of all slots, each with a placement of its own (T, N, M) that is resident in full.

        They are not checked, since that takes as long as to serve them.
        """
        return self._steady(placements, np.arange(self.slots))

    def _steady(self, placements: Residents, slots: Ints) -> Floats:
        pinned = self.row.tables.pinned
        residents = np.where(pinned != EMPTY, pinned, placements)
        before, costs = self._states[0], np.empty(len(slots))
        put_fields(before, initial_state(self.row))
        for i, t in enumerate(slots.tolist()):
            before.slot[0] = t
            before.resident[0] = residents[i]
            costs[i] = self._play_slot(0, residents[i])
        self._pay(len(slots))
        return costs

    def move_costs(self, placement: Residents, wish: Residents, slot: int) -> Floats:
        """Costs of the slots that a move takes: at least one, and until its loads end or the row does.

        Args:
            placement: (N, M) that is resident in full when the move begins.
            wish: (N, M) that is held.
            slot: in which it begins.
        """
        before, pinned = self._states[0], self.row.tables.pinned
        put_fields(before, initial_state(self.row))
        before.slot[0] = slot
        before.resident[0] = np.where(pinned != EMPTY, pinned, placement)
        costs: list[float] = []
        while not costs or (self._outcome.in_flight[0] > 0 and slot + len(costs) < self.slots):
            costs.append(self._play_slot(len(costs) % 2, wish))
        self._pay(len(costs))
        return np.array(costs)

    def _pay(self, slots: int) -> None:
        self.clock.play(slots, slots * self._classes)

    def _play_slot(self, turn: int, wish: Residents) -> float:
        """Cost of a slot that begins in the state of that number, and ends in the other one."""
        self._action.wanted[0] = wish
        self._programmes[turn].play()
        return -float(self._scalars[turn][0])

    def _checked(self, placements: Residents) -> Residents:
        """The wishes (T, N, M)."""
        if isinstance(placements, np.ndarray) and placements.ndim == 3:
            if len(placements) != self.slots:
                allowed = f"must be {self.slots}, one per slot"
                raise ConfigError("placements", f"{len(placements)} wishes are not allowed; {allowed}")
            for wish in placements:
                check_placement(self.row.tables, wish)
            return placements
        check_placement(self.row.tables, placements)
        return np.broadcast_to(placements, (self.slots, *placements.shape))
