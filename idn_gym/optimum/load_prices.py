"""Cost of a loaded byte in the score.

It is paid once as `update`, and, where loading is a transfer, on every link that it crosses: traffic, energy
and what further objectives charge there. Searches, bounds and rules that wait for a load all ask here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.core.arrays import BYTE_HOP, JOULE, PRICED, TRANSFER, Floats, Residents, Tables
from idn_gym.core.geometry import bytes_to_load
from idn_gym.objective_records import TABLE, Objective
from idn_gym.objectives import tariff_of, weight_of
from idn_gym.optimum.prefixes import Prefixes
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import Compiled


def update_prices(
    tables: Tables, scales: Floats, weights: Floats, objectives: Sequence[Objective] = TABLE
) -> Floats:
    """Charge of the objective `update` for a loaded byte (...) [cost/byte].

    Args:
        tables: the scenario's tables.
        scales: (D,) of the scenario.
        weights: (..., D) preferences.
        objectives: those in force.
    """
    found: Floats = weight_of("update", weights / scales, objectives) / tables.nominal_memory
    return found


def full_load_price(compiled: Compiled, weights: Floats | None = None) -> float:
    """Charge of the objective `update` for loading all nominal memory once [cost per slot and request].

    In the unit of the metric `tariff_cost`, where the score is what requests are served by; where a scenario
    has a tariff of its own, the score and it are two currencies.

    Args:
        compiled: the scenario.
        weights: (D,) preference; the balanced one if None.
    """
    weights = balanced_preference(compiled.objectives) if weights is None else weights
    byte = float(update_prices(compiled.tables, compiled.scales, weights, compiled.objectives))
    return byte * compiled.tables.nominal_memory


def price_per_byte(tables: Tables, full_load: float) -> float:
    """Price of a loaded byte [cost/byte] in the unit of gains, from the price of loading all memory once.

    Args:
        tables: the scenario's tables.
        full_load: as `full_load_price` gives it, so that a slot costs `tariff_cost` + full_load x `update`.
    """
    return full_load * tables.nominal_requests / tables.nominal_memory


def option_price_per_byte(compiled: Compiled, full_load: float | None, weights: Floats) -> float:
    """Price of a loaded byte [cost/byte] by an option `load_price`.

    Args:
        compiled: the scenario.
        full_load: what loading all memory once costs, as in `price_per_byte`; None: as the score charges it.
        weights: (D,) preference of the episode.
    """
    price = full_load_price(compiled, weights) if full_load is None else full_load
    return price_per_byte(compiled.tables, price)


def option_prices_per_byte(compiled: Compiled, full_load: float | None, weights: Floats) -> Floats:
    """Prices of a loaded byte (B,) [cost/byte] by an option `load_price`, for a batch of episodes.

    Args:
        compiled: the scenario.
        full_load: as in `option_price_per_byte`.
        weights: (B, D) preferences of the episodes.
    """
    return np.array([option_price_per_byte(compiled, full_load, one) for one in weights])


def load_cost(tables: Tables, placement: Residents, byte: float, held: Residents | None = None) -> float:
    """Cost of loading a placement [cost], all devices of each node counted.

    Args:
        tables: the scenario's tables.
        placement: (N, M).
        byte: [cost/byte].
        held: (N, M) segments that are already held; None: pinned segments.
    """
    missing = bytes_to_load(tables, placement, tables.pinned if held is None else held)
    return byte * float((missing * tables.node_count[:, None]).sum())


def column_prices(tables: Tables, items: Prefixes, byte: float) -> Floats:
    """Cost of loading each prefix (I,) [cost], beyond the one before it in its chain.

    Args:
        tables: the scenario's tables.
        items: from `list_prefixes`.
        byte: [cost/byte].
    """
    found: Floats = byte * items.size * tables.node_count[items.node]
    return found


def crossing_prices(tables: Tables, tariff: Floats, charges: Floats) -> Floats:
    """Cost of a loaded byte on each link that it crosses (..., E), in the unit of the tariff per byte.

    Args:
        tables: the scenario's tables.
        tariff: (4 + F,) cost per unit.
        charges: (..., E, F) [unit/byte] of further objectives: `Tables.link_charge`, or those of slots.
    """
    found: Floats = tariff[BYTE_HOP] + tariff[JOULE] * tables.link_joules + charges @ tariff[PRICED:]
    return found


def byte_prices(compiled: Compiled, weights: Floats | None = None) -> Floats:
    """Cost of a byte that all devices of a node load of a model of a task (N, K) [cost/byte].

    Links are charged at nominal prices and from the repository; what a nearer node sends costs less.

    Args:
        compiled: the scenario.
        weights: (D,) preference; the balanced one if None.
    """
    tables, objectives = compiled.tables, compiled.objectives
    weights = balanced_preference(objectives) if weights is None else weights
    update = float(update_prices(tables, compiled.scales, weights, objectives))
    prices = np.full((len(tables.node_memory), len(tables.task_model) - 1), update)
    if tables.loading == TRANSFER:
        tariff = tariff_of(weights, compiled.scales, objectives) / tables.nominal_requests
        hop = crossing_prices(tables, tariff, tables.link_charge)
        sums = np.append(0.0, np.cumsum(hop[tables.load_link]))
        prices += (sums[tables.load_start[1:]] - sums[tables.load_start[:-1]]).reshape(prices.shape)
    return prices * tables.node_count[:, None]
