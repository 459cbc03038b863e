"""Episodes that an environment keeps: two spans of each, the current one and the one before or after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.core.arrays import Draw, Floats, Ints
from idn_gym.core.places import place_of
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import allocate_episodes, draw_span, draw_span_demand, start_episode
from idn_gym.scenarios.processes.random_streams import Streams
from idn_gym.scenarios.spans import SPAN_SLOTS, Chains


class SpanRing:
    """Episodes side by side, each drawn as far as it has been played.

    Attributes:
        draw: B rows with room for two spans each; slot t stands at `place_of(t, T)`.
    """

    def __init__(
        self, compiled: Compiled, batch: int, weights: Floats | None, uniforms: int, key: str
    ) -> None:
        """Make room; arguments as of `allocate_episodes`."""
        self._compiled, self._horizon = compiled, compiled.scenario.horizon
        kept = min(self._horizon, 2 * SPAN_SLOTS)
        self.draw: Draw = allocate_episodes(compiled, batch, weights, uniforms, key, kept)
        self._streams: list[Streams | None] = [None] * batch
        self._drawn = np.zeros(batch, np.int64)
        """spans drawn of each episode; the last two are kept"""
        self._chains: list[list[Chains]] = [[{}] for _ in range(batch)]
        """of each episode: states at the start of every span, up to the one that is drawn next"""
        self._idle = 0
        """steps for which no row needs another span"""

    def start(self, row: int, streams: Streams, weights: Floats | None) -> None:
        """Begin an episode in a row; arguments as of `start_episode`."""
        start_episode(self._compiled, self.draw, row, streams, weights)
        self._streams[row] = streams
        self._restart(row)

    def _restart(self, row: int) -> None:
        self._drawn[row], self._chains[row], self._idle = 0, [{}], 0
        self._draw_next(row)

    def _draw_next(self, row: int) -> None:
        number, streams = int(self._drawn[row]), self._streams[row]
        if streams is None:  # not started yet
            return
        before = self._chains[row][number]
        self._chains[row].append(draw_span(self._compiled, self.draw, row, streams, number, before))
        self._drawn[row] = number + 1

    def draw_ahead(self, slot: Ints) -> None:
        """Before a step, draw what will be observed after it, in rows where that begins a span.

        Args:
            slot: (B,) about to be played.
        """
        if self._idle > 0:
            self._idle -= 1
            return
        for row in np.flatnonzero(self._steps_to_go(slot) <= 0):
            self._draw_next(int(row))
        self._idle = max(0, int(self._steps_to_go(slot).min()) - 1)

    def _steps_to_go(self, slot: Ints) -> Ints:
        """(B,) steps that can be played before a row needs its next span; the horizon where there is none."""
        last = self._drawn * SPAN_SLOTS
        return np.where(last < self._horizon, last - 1 - slot, self._horizon)

    def rewind(self, rows: Sequence[int]) -> None:
        """Make ready to play rows from slot 0 of their episodes again."""
        self._idle = 0
        for row in rows:
            if self._drawn[row] > 2:  # the first span has made room for others
                self._restart(row)

    def sum_demand(self, row: int, slots: int) -> Floats:
        """(slots,) [requests] of all classes from slot 0 on; what is not kept is drawn again."""
        total, kept = np.zeros(slots), self.draw.demand.shape[1]
        streams, compiled = self._streams[row], self._compiled
        for first in range(0, slots, SPAN_SLOTS):
            number, last = first // SPAN_SLOTS, min(slots, first + SPAN_SLOTS)
            if number >= self._drawn[row] - 2 or streams is None:
                place = place_of(first, kept)
                demand = self.draw.demand[row, place : place + last - first]
            else:
                demand = draw_span_demand(compiled, streams, number, self._chains[row][number])
            total[first:last] = demand.sum(axis=1)
        return total

    def chains(self) -> list[list[Chains]]:
        """Data that `restore` needs besides the seeds: per row, states at the start of its spans so far."""
        return [list(states) for states in self._chains]

    def restore(self, row: int, streams: Streams, weights: Floats, chains: Sequence[Chains]) -> None:
        """Go on with an episode: draw the spans again that were kept, and no others.

        Args:
            row: which row.
            streams: of the episode.
            weights: (D,) preference in force.
            chains: of that row, from `chains`.
        """
        start_episode(self._compiled, self.draw, row, streams, weights)
        self._streams[row], self._chains[row], self._idle = streams, list(chains), 0
        self._drawn[row] = len(chains) - 1
        for number in range(max(0, len(chains) - 3), len(chains) - 1):
            draw_span(self._compiled, self.draw, row, streams, number, chains[number])
