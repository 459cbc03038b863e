"""The lower end of the dynamic bracket as an informed policy: it plays a sequence that was found before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Instance
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.optimum.dynamic.lower_end import find_sequence
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class ClairvoyantSequenceConfig(CandidateConfig):
    """Effort of the search for sequences."""

    seconds: float = bounded(30.0, above=0)
    """[s] nominal time per episode, see `SearchClock`"""


class ClairvoyantSequence(PlacementPolicy):
    """Asks in every slot for what the sequence that was found for the episode says.

    Attributes:
        notes: of row 0, for reports: costs of the sequence and of the best placement kept [cost].
    """

    def __init__(
        self, compiled: Compiled, rows: int, config: ClairvoyantSequenceConfig, episodes: Instance
    ) -> None:
        super().__init__(compiled, rows)
        found = [find_sequence(compiled, episodes, b, config.seconds, config=config) for b in range(rows)]
        self._sequences = np.stack([one.sequence for one in found])
        self.notes = {"reached": found[0].reached, "static": found[0].static}

    def plan(self) -> None:
        rows, slots = np.arange(self.rows), self._sequences.shape[1]
        self.wanted[:] = self._sequences[rows, np.minimum(self.slot, slots - 1)]
