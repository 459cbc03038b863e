"""The slot to expect: what is known of the coming one, as a draw that the core can serve."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Draw, Floats, Instance, State, place_of
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.pricing import PRICE_FIELDS
from idn_gym.scenarios.compile import Compiled

VISIBLE = ("seconds", "memory", "rate")
"""Fields of `Draw` that a policy sees of the coming slot, unless resources are hidden."""


class ExpectedSlots:
    """Makes draws of one slot (T = 1): smoothed demand, known resources, the tariff in force.

    All else is nominal, speeds of devices included, and so is what is hidden. Prices are kept from call to
    call, since a tariff holds for a whole episode.
    """

    def __init__(self, compiled: Compiled, tariff: Floats) -> None:
        """Start with the prices of one row.

        Args:
            compiled: the scenario.
            tariff: likely one.
        """
        self._tables, self._horizon = compiled.tables, compiled.scenario.horizon
        self._hidden = compiled.scenario.resources == "hidden"
        self._priced = b""
        self._nominal = nominal_draw(self._tables, tariff)

    def draw(self, instance: Instance, state: State) -> Draw:
        """The slot to expect in each of B rows.

        Args:
            instance: tables and draw, B rows; nothing but the tariff, the weights and the visible resources
                of the coming slot is read.
            state: before the coming slot; a row at the horizon gets the last slot's resources.
        """
        draw = instance.draw
        if draw.tariff.tobytes() != self._priced:  # several times faster than a comparison of small arrays
            self._price(draw.tariff)
        known: dict[str, Any] = {"demand": state.recent[:, None], "weights": draw.weights}
        if not self._hidden:
            t = place_of(np.minimum(state.slot, self._horizon - 1), draw.seconds.shape[1])
            rows = np.arange(len(t))
            known |= {name: getattr(draw, name)[rows, t][:, None] for name in VISIBLE}
        return self._nominal._replace(**known)

    def _price(self, tariff: Floats) -> None:
        """Prices of each row's tariff; one row serves all where these agree, as in `Draw`."""
        batch = len(tariff)
        priced = 1 if (tariff == tariff[0]).all() else batch
        if (len(self._nominal.tariff), len(self._nominal.option_cost)) != (batch, priced):
            fields = nominal_draw(self._tables, tariff[0])._asdict()
            rows = {name: priced if name in PRICE_FIELDS else batch for name in fields}
            self._nominal = Draw(**{name: np.repeat(field, rows[name], 0) for name, field in fields.items()})
        for b in np.flatnonzero((tariff != self._nominal.tariff).any(axis=1)[:priced]):
            of_row = nominal_draw(self._tables, tariff[b])
            for name, field in self._nominal._asdict().items():
                field[b] = getattr(of_row, name)[0]
        self._nominal.tariff[:] = tariff
        self._priced = tariff.tobytes()
