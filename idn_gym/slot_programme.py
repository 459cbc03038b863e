"""One slot of a simulation as a program: decode, play, judge, observe, measure.

Whatever ships joins in one call of compiled code; a codec, observation or objective that a package adds is
called in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from idn_gym.actions import ActionCodec, AdaptCodec, join_decoding
from idn_gym.core.arrays import EMPTY, Action, Floats, Instance, Numbers, Outcome, State
from idn_gym.core.handover import Programme
from idn_gym.core.transition import play_slots
from idn_gym.core.workspace import Scratch
from idn_gym.hidden.book import QualityBook
from idn_gym.metrics import make_figures, measure_outcome
from idn_gym.objective_records import Objective
from idn_gym.observations import NativeObserver, Observer
from idn_gym.rewards import add_rewards


class SlotProgramme:
    """Plays a slot from one state into another, always the same two, and says what came of it.

    Attributes:
        vector: (B, D) reward vectors of the last slot.
        scalar: (B,) minus the weighted cost.
        metrics: (B, METRICS).
        observations: of the slot to come.
    """

    observations: Any

    def __init__(
        self,
        instance: Instance,
        codec: ActionCodec,
        observer: Observer,
        scales: Floats,
        objectives: Sequence[Objective],
        actions: Numbers,
        before: State,
        after: State,
        outcome: Outcome,
        scratch: Scratch,
        quality: QualityBook | None = None,
    ) -> None:
        """Put the parts together; arrays are read and written where they are.

        Args:
            instance: tables and draw, B rows.
            codec: of actions.
            observer: of observations.
            scales: (D,) of the scenario.
            objectives: those in force.
            actions: (B, ...) of the codec's space, written before each slot.
            before: state of the slot.
            after: state of the next one, written to.
            outcome: written to.
            scratch: work space.
            quality: judges answers, where their quality is hidden.
        """
        tables, draw = instance
        self._observer, self._seen = observer, (instance, after, outcome)
        batch = len(before.slot)
        action = Action(np.empty_like(before.resident), np.full_like(before.uplink, EMPTY))
        self._slot, self._look = Programme(), Programme()
        join_decoding(codec, self._slot, instance, before, actions, action)
        self._slot.add(play_slots, tables, draw, before, action, after, outcome, scratch)
        reward = add_rewards(self._slot, tables, outcome, draw.weights, scales, tuple(objectives))
        self.vector, self.scalar = reward.vectors, reward.scalars
        if quality is not None:

            def judge() -> None:
                asked = codec.asked(actions) if isinstance(codec, AdaptCodec) else None
                quality.judge(before.slot, after, outcome, reward, scratch, asked)

            self._slot.add_call(judge)
        self._clipped = np.zeros(batch, np.int64)
        figures = make_figures(tables, self._clipped)
        self.metrics = figures.metrics
        self._room, self.observations = None, None
        if isinstance(observer, NativeObserver):
            self._room, self.observations = observer.make_room(self._clipped)
        for programme in (self._slot, self._look):
            self._observe_in(programme)
            programme.add(measure_outcome, outcome, figures)

    def _observe_in(self, programme: Programme) -> None:
        if isinstance(self._observer, NativeObserver):
            self._observer.join(programme, *self._seen, self._room)
        else:
            programme.add_call(self._encode)

    def _encode(self) -> None:
        self.observations, clipped = self._observer.encode(*self._seen)
        self._clipped[:] = clipped

    def play(self) -> None:
        """Play the slot."""
        self._slot.play()

    def look(self) -> None:
        """Observe and measure again what is in the state after the slot."""
        self._look.play()
