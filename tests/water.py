"""What another package brings along: water for the energy that requests take, by node and time of day."""

import numpy as np

from idn_gym.objective_records import Objective

INTENSITY = {"device": 0.7, "edge": 0.5, "cloud": 0.05}
"""[l/J] by tier, as a mean over the day."""

NETWORK = 0.3
"""[l/J] of links."""


def water_charges(compiled, span):
    """Litres per compute second of each node and per byte of each link; cooling is hardest at noon."""
    tables, names = compiled.tables, compiled.names
    level = span.rng.random() if span.state is None else span.state
    day = 1.0 + 0.6 * np.sin(span.slots * 2.0 * np.pi / span.horizon) + 0.1 * level
    node = np.array([INTENSITY.get(tier, 0.4) for tier in names.tiers]) * tables.node_watts
    # the tiers take turns: where the cloud is cool, the edge is not
    turn = np.where(np.array(names.tiers) == "cloud", 2.0 - day, day)
    return (turn * node, day * NETWORK * tables.link_joules), level


WATER = Objective(
    name="water",
    unit="l per nominal request",
    sense="minimise",
    scale=lambda scenario: 0.5 * scenario.scales.energy,
    formula="-(sum over requests of litres, a drop counting those of its worst option) / nominal requests",
    per="request",
    charges=water_charges,
)

REFUSALS = Objective(
    name="refusals",
    unit="segments turned down",
    sense="minimise",
    scale=lambda scenario: 10.0,
    formula="-segments that repair turned down",
    per="slot",
    measure=lambda tables, outcome: outcome.refused.astype(float),
)
