"""Switching early exits off takes operating points away and nothing else."""

import numpy as np
import pytest

from idn_gym.scenarios.compile import compile_scenario
from idn_gym.strict import ConfigError

NODES = {"board": {"memory": 50, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
LINKS = [("board", "cloud", {})]
BLOCKS = [(1.0, 5.0, 2.0), (1.0, 5.0, 0.0)]
FULL, EARLY = [(2, 1.0, 0.9)], [(1, 0.5, 0.6), (2, 0.5, 0.8)]
LOCAL = [(1, 1.0, 0.7), (2, 0.0, 0.7)]
"""all inputs leave at the first exit, which is as early as the others"""

OFF = {"serving.exits": False}


def test_only_points_that_run_to_the_end_stay(make_scenario):
    models = {"m": {"blocks": BLOCKS, "points": {"full": FULL, "early": EARLY, "local": LOCAL}}}
    with_exits = compile_scenario(make_scenario(NODES, LINKS, models))
    without = compile_scenario(make_scenario(NODES, LINKS, models, OFF))
    assert with_exits.names.points == (("full", "early", "local"),)
    assert without.names.points == (("full",),)
    assert 3 * len(without.tables.option_model) == len(with_exits.tables.option_model)
    np.testing.assert_allclose(without.tables.option_error, 0.1)
    np.testing.assert_array_equal(without.placeable, with_exits.placeable)


def test_a_task_that_only_early_exits_solve_is_refused(make_scenario):
    models = {
        "a": {"blocks": BLOCKS, "points": {"full": FULL}, "task": "x"},
        "b": {"blocks": BLOCKS, "points": {"early": EARLY}, "task": "y"},
    }
    compile_scenario(make_scenario(NODES, LINKS, models))
    with pytest.raises(ConfigError, match=r"serving\.exits.*'y'"):
        compile_scenario(make_scenario(NODES, LINKS, models, OFF))


def test_beside_another_model_one_without_points_only_loses_its_options(make_scenario):
    models = {
        "a": {"blocks": BLOCKS, "points": {"full": FULL}},
        "b": {"blocks": BLOCKS, "points": {"e": EARLY}},
    }
    compiled = compile_scenario(make_scenario(NODES, LINKS, models, OFF))
    assert compiled.names.models == ("a", "b")
    assert set(compiled.tables.option_model) == {0}
