"""A row of an instance as the score judges it: requests are priced by the preference."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, JOULE, PRICED, Floats, Instance
from idn_gym.core.pricing import PRICE_FIELDS, compute_option_costs
from idn_gym.core.slots import one_row
from idn_gym.objectives import tariff_of
from idn_gym.scenarios.compile import Compiled


def judged_row(compiled: Compiled, instance: Instance, b: int) -> Instance:
    """Row b alone, whose tariff is what the scalar reward weighs, per nominal request.

    Raises:
        ConfigError: the preference weighs something per slot that a package maximises: nothing bounds it.
    """
    row = one_row(instance, b)
    tables, draw = row
    for objective, weight in zip(compiled.objectives, draw.weights[0], strict=True):
        if objective.measure is not None and objective.sense == "maximise" and weight > 0.0:
            raise ConfigError(
                f"preference.{objective.name}", "must be 0 here; no bound is known for this objective"
            )
    tariff = tariff_of(draw.weights, compiled.scales, compiled.objectives)
    fresh = {name: getattr(draw, name).copy() for name in PRICE_FIELDS}
    draw = draw._replace(tariff=tariff, **fresh)
    compute_option_costs(tables, draw, 0)
    return Instance(tables, draw)


def fixed_costs(row: Instance) -> Floats:
    """Scalar cost (T,) of each slot of a `judged_row` for every placement: that of idle energy.

    A node with a battery may be off, so what it idles with is left out.
    """
    tables, draw = row
    watts = float(tables.node_idle_watts[tables.node_store == EMPTY].sum())
    idle = watts * tables.slot_seconds * draw.tariff[0, JOULE]
    further = draw.charge_slot[0] @ draw.tariff[0, PRICED:]
    found: Floats = (idle + further) / tables.nominal_requests
    return np.asarray(found, float)
