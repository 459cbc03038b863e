"""Candidates: the pins first, nothing twice, within memory, one for every stretch of the day."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.geometry import nominal_free_bytes, placed_bytes
from idn_gym.optimum.dynamic.candidates import CandidateConfig, find_candidates, piece_spans
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
