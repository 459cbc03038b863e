"""Requests by option against what serving books."""

import numpy as np
import pytest

from idn_gym.core.arrays import ERROR
from idn_gym.core.costs import serve
from idn_gym.core.flows import listed_options, option_flows
from idn_gym.core.row_starts import owners
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


def filled(instance, t):
    """A placement of as many segments as there is room for, drawn at random."""
    rng, tables = np.random.default_rng(0), instance.tables
    placement, left = tables.pinned.copy(), instance.draw.memory[0, t] - tables.node_reserved
    for s in rng.permutation(len(tables.segment_model)):
        m = tables.segment_model[s]
        for v in np.flatnonzero(tables.node_movable & (placement[:, m] < 0)):
            if tables.segment_bytes[s] <= left[v]:
                placement[v, m], left[v] = s, left[v] - tables.segment_bytes[s]
    return placement


@pytest.mark.parametrize("capacity", ["shared", "exogenous"])
@pytest.mark.parametrize("load", [0.2, 10.0])
@pytest.mark.parametrize("preset", ["tiny", "edge-small"])
def test_flows_are_what_serving_books(preset, load, capacity):
    instance = build_instance(
        load_scenario(preset, {"serving.capacity": capacity, "serving.loading": "instant"}), 0
    )
    tables, draw = instance.tables, instance.draw
    draw.demand[:] *= load
    placement = filled(instance, 5)
    flows, dropped = option_flows(instance, 5, placement)
    found, of = serve(instance, 5, placement), owners(tables.option_start)
    served = np.bincount(of, flows, len(dropped))
    assert served == pytest.approx(found.served[0])
    assert served + dropped == pytest.approx(draw.demand[0, 5])
    work = np.repeat(flows, np.diff(tables.part_start)) * tables.part_seconds
    busy = np.bincount(tables.part_node, work, len(tables.node_memory)) * draw.slowdown[0]
    assert busy == pytest.approx(found.busy[0])
    assert flows @ tables.option_traffic == pytest.approx(found.traffic[0].sum())
    assert dropped == pytest.approx(found.penalty[0, :, ERROR])
    assert set(np.flatnonzero(flows)) <= set(np.flatnonzero(listed_options(instance, 5, placement)))
    if capacity == "shared":
        assert (dropped.sum() > 0.0) == (load > 1.0)
