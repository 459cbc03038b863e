"""Model-predictive control: the best way through the library over the slots ahead, step by step.

In every slot the next H slots are forecast, the cheapest sequence of placements of the library for them is
found by dynamic programming (`optimum/dynamic`), and its first placement is wished for; then time moves on
by a slot. It is called receding horizon control too. With a forecast that expects the same of all slots it is
the rule `library` with a stay of H slots.
"""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Floats, Residents
from idn_gym.optimum.dynamic.sequences import best_path
from idn_gym.optimum.dynamic.transfers import ExpectedMoves
from idn_gym.policies.forecasts.interface import Forecaster
from idn_gym.policies.online.expected_slots import ExpectedSlots
from idn_gym.policies.online.library import ChoiceConfig, LibraryPolicy
from idn_gym.scenarios.compile import Compiled

MOST_EXPECTED = 10_000
"""Slots that are expected in all, once for each error of the forecast."""


@dataclass(frozen=True)
class MpcConfig(ChoiceConfig):
    """Look-ahead."""

    horizon: int = bounded(6, least=1, most=1000)
    """[slots]"""

    def __post_init__(self) -> None:
        if self.errors * self.horizon > MOST_EXPECTED:
            allowed = f"must be at most {MOST_EXPECTED // self.horizon:,} with a horizon of {self.horizon}"
            raise ConfigError("errors", f"{self.errors} is not allowed; {allowed}")


class Mpc(LibraryPolicy):
    """See the module's head."""

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        library: Residents,
        forecaster: Forecaster,
        expected: ExpectedSlots,
        config: MpcConfig,
    ) -> None:
        self.ahead, self.stay = config.horizon, float(config.horizon)
        super().__init__(compiled, rows, library, forecaster, expected, config)

    def weigh(self, steady: Floats, switch: Floats, slots: Floats, now: int) -> tuple[float, int, float]:
        path, cost = best_path(len(steady), steady.shape[1], ExpectedMoves(steady, switch, slots), now)
        return float(steady[:, now].sum()), int(path[0]), cost
