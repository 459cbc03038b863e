"""Candidates: the pins first, nothing twice, within memory, one for every stretch of the day."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.geometry import nominal_free_bytes, placed_bytes
from idn_gym.optimum.dynamic.candidates import (
    CandidateConfig,
    find_candidates,
    piece_spans,
    search_stretch,
)
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


@pytest.mark.parametrize(
    ("horizon", "pieces", "expected"),
    [
        (8, 1, [(0, 8)]),
        (9, 3, [(0, 9), (0, 4), (4, 9), (0, 3), (3, 6), (6, 9)]),
        (2, 24, [(0, 2), (0, 1), (1, 2)]),
    ],
)
def test_pieces_are_the_whole_halves_and_so_on(horizon, pieces, expected):
    assert piece_spans(horizon, pieces) == expected


def test_candidates_fit_and_follow_the_demand():
    demand = {"workload.popularity": {"kind": "alternating", "period": 12}, "horizon": 12}
    scenario = load_scenario("tiny", demand)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, [0, 1])
    found = find_candidates(compiled, instance, CandidateConfig(pieces=2))
    tables = compiled.tables
    np.testing.assert_array_equal(found[0], tables.pinned)
    assert len(np.unique(found, axis=0)) == len(found)
    used = placed_bytes(tables.segment_bytes, found, tables.pinned).sum(2)
    assert (used <= nominal_free_bytes(tables)).all()
    tasks = [set(tables.model_task[np.nonzero((p != EMPTY) & (tables.pinned == EMPTY))[1]]) for p in found]
    assert {0} in tasks and {1} in tasks


def test_a_load_is_paid_by_all_that_the_score_charges_over_the_slots_of_the_piece(make_scenario):
    """400 bytes cross a link to save 80 of requests in each slot; only traffic counts."""
    nodes = {"edge": {"memory": 400.0, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    models = {"m": {"blocks": [(0.01, 400.0, 0.0)]}}
    overrides = {"serving.loading": "transfer", "horizon": 10}
    scenario = make_scenario(nodes, [("edge", "cloud", {})], models, overrides)
    compiled, row = compile_scenario(scenario), build_instance(scenario, 0, preference={"traffic": 1.0})
    row.draw.demand[:] = 10.0
    for slots, loaded in ((4, False), (6, True)):
        (found,) = search_stretch(compiled, row, 0, slots, CandidateConfig(slots=2))
        assert (found != compiled.tables.pinned).any() == loaded
