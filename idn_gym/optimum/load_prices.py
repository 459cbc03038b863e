"""What a load costs: the price of its bytes by the weights of the score, and how fast they come."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import BYTE_HOP, JOULE, PRICED, TRANSFER, Floats, Tables, owners
from idn_gym.objectives import tariff_of, weight_of
from idn_gym.scenarios.compile import Compiled


def load_prices(compiled: Compiled, weights: Floats) -> Floats:
    """Scalar cost of a byte that a node loads, (N, K) by node and task [cost/byte].

    It is the weight of `update`, and under `transfer` that of traffic, energy and further objectives over
    all hops to the repository, at nominal charges: at most that, where a nearer node has the bytes.

    Args:
        compiled: the scenario.
        weights: (D,) preference in force.
    """
    tables, objectives = compiled.tables, compiled.objectives
    nodes, tasks = len(tables.node_memory), len(tables.task_model) - 1
    update = weight_of("update", weights / compiled.scales, objectives) / tables.nominal_memory
    prices = np.full(nodes * tasks, float(update))
    if tables.loading == TRANSFER:
        tariff = tariff_of(weights, compiled.scales, objectives) / tables.nominal_requests
        link = tariff[BYTE_HOP] + tariff[JOULE] * tables.link_joules + tables.link_charge @ tariff[PRICED:]
        np.add.at(prices, owners(tables.load_start), link[tables.load_link])
    return prices.reshape(nodes, tasks)


def load_rates(tables: Tables) -> Floats:
    """Bytes per slot (N, K) that a lone load of a node and task gets at nominal rates; inf: instant."""
    nodes, tasks = len(tables.node_memory), len(tables.task_model) - 1
    rates = np.full(nodes * tasks, np.inf)
    shared = tables.link_down_rate <= 0.0
    budget = np.where(shared, tables.loading_share * tables.link_rate, tables.link_down_rate)
    np.minimum.at(rates, owners(tables.load_start), (budget * tables.slot_seconds)[tables.load_link])
    return rates.reshape(nodes, tasks)
