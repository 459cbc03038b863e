"""The best placement for the slot in which nothing moves, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.core.costs import serving_cost
from idn_gym.core.nominal import nominal_draw
from idn_gym.objectives import known_tariff, reward_columns, tariff_of
from idn_gym.optimum.search.local import local_optima
from idn_gym.optimum.search.moves import LEAST_SHARE, Search, SearchConfig
from idn_gym.preferences import read_preference
from idn_gym.scenarios.compile import Compiled


def best_at_nominal(
    compiled: Compiled, config: SearchConfig, preference: Any = "balanced"
) -> tuple[Instance, Residents]:
    """The nominal slot, and the placement (N, M) of least tariff in it that local search finds.

    All of the placement is there: its load is not counted, which would be paid once in an episode and not in
    this slot. What may be left out at no cost is left out, and segments are as small as cost lets them be.

    Args:
        compiled: the scenario.
        config: how long to search; there is but one slot to search on.
        preference: whose tariff it is, where the scenario has none; "random": that of the balanced one.

    Raises:
        ConfigError: unknown preference.
    """
    tables, columns = compiled.tables, reward_columns(compiled.objectives)
    tariff = _tariff(compiled, preference)
    instance = Instance(tables, nominal_draw(tables, tariff))
    weights = np.zeros((1, len(compiled.objectives)))
    weights[0, columns.request] = tariff[columns.component] * compiled.scales[columns.request]
    searched = instance._replace(draw=instance.draw._replace(weights=weights))
    found = local_optima(Search(compiled, searched, 1, config.one_per_task), config)
    best = min([tables.pinned, *found], key=lambda placement: serving_cost(instance, 0, placement))
    return instance, _without_spare(compiled, instance, best)


def _tariff(compiled: Compiled, preference: Any) -> Floats:
    weights = read_preference(preference, compiled.objectives)
    if compiled.tariff is not None or weights is None:
        return known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    return tariff_of(weights, compiled.scales, compiled.objectives)


def _without_spare(compiled: Compiled, instance: Instance, placement: Residents) -> Residents:
    """The placement with the least segments that serve as well; of equal ones searches find this or that."""
    tables, kept = compiled.tables, placement.copy()
    most = serving_cost(instance, 0, kept) * (1.0 + LEAST_SHARE)
    for v, m in np.argwhere(placement != tables.pinned):
        size = tables.segment_bytes[placement[v, m]]
        less = compiled.placeable[v] & (tables.segment_model == m) & (tables.segment_bytes < size)
        by_size = sorted(np.flatnonzero(less), key=lambda s: float(tables.segment_bytes[s]))
        for segment in (tables.pinned[v, m], *by_size, placement[v, m]):
            kept[v, m] = segment
            if serving_cost(instance, 0, kept) <= most:
                break
    return kept
