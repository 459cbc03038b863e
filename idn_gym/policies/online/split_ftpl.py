"""Follow the perturbed leader over all options: those too that need two placed segments.

Learners on fractions, and `ftpl` itself, know prefixes whose other parts are pinned. This one asks the
routing program in whole segments (`optimum/routing_oracle.py`). Where costs are constant and no
capacity binds, the gain of any placement, splits over two nodes included, is linear in the batches; with
an exact oracle FTPL then has expected regret O(sqrt T) with factor 1, as in `ftpl.py`. That the oracle is
exact is checked in every call: `gap` has the largest gap so far. Elsewhere (binding or shared capacity,
waiting) nothing is proven, and what it is worth is measured. Every call solves an integer program: for
small scenarios, or a longer `refresh`.
"""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Floats, Residents
from idn_gym.optimum.routing_oracle import RoutingOracle
from idn_gym.policies.online.ftpl import Ftpl, FtplConfig
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class SplitFtplConfig(FtplConfig):
    """Also how long to look."""

    seconds: float = bounded(10.0, above=0)
    """of processor time per placement; one that runs out of it may differ from run to run"""
    gap: float = bounded(1e-6, least=0)
    """relative gap at which the solver stops"""


class RoutedOracles:
    """One routing oracle per tariff; each row falls back on what it found last.

    Attributes:
        gap: largest gap of any call so far, a share of the bound.
    """

    def __init__(self, compiled: Compiled, config: SplitFtplConfig) -> None:
        self._compiled, self._config = compiled, config
        self._built: dict[tuple[float, ...], RoutingOracle] = {}
        self._last: dict[int, Residents] = {}
        self.gap = 0.0

    def forget(self, row: int) -> None:
        """Restart a row."""
        self._last.pop(row, None)

    def __call__(self, row: int, tariff: Floats, demand: Floats, slots: float) -> Residents:
        """The placement (N, M) of a row for a demand (R,) that was summed over so many slots."""
        return self.bounded(row, tariff, demand, slots)[0]

    def bounded(self, row: int, tariff: Floats, demand: Floats, slots: float) -> tuple[Residents, float]:
        """The same, and what no placement gains more than [cost]."""
        key = tuple(float(weight) for weight in tariff)
        if key not in self._built:
            self._built[key] = RoutingOracle(self._compiled, tariff, self._config.seconds, self._config.gap)
        found = self._built[key](demand, slots, self._last.get(row))
        self._last[row] = found.placement
        self.gap = max(self.gap, found.gap)
        return found.placement, found.bound


class SplitFtpl(Ftpl):
    """See the module's head."""

    def __init__(self, compiled: Compiled, rows: int, config: SplitFtplConfig) -> None:
        self._splits = RoutedOracles(compiled, config)
        super().__init__(compiled, rows, config, self._splits)

    @property
    def gap(self) -> float:
        """Largest gap of the oracle so far, a share of its bound; 0: exact."""
        return self._splits.gap

    @property
    def notes(self) -> dict[str, float]:
        """For reports."""
        return {"oracle_gap": self.gap}
