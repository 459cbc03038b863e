"""Kernels are compiled once for all sizes: the type of a record does not depend on how many rows it has."""

import numba
import numpy as np
import pytest

from idn_gym.core.nominal import nominal_draw
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.slots import placement_per_row
from idn_gym.core.workspace import make_scratch
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

CLOUD = {"device": "fast", "servers": float("inf"), "pins": ["all"]}


@pytest.fixture
def least(make_scenario):
    """One class with one model on one node and a cloud."""
    return make_scenario({"a": {"demand": 1.0}, "c": CLOUD}, [("a", "c", {})], {"m": {"blocks": [(1, 1, 0)]}})


def kinds(scenario, rows):
    """Types of all records of so many episodes."""
    instance = build_instance(scenario, range(rows))
    tables, draw = instance
    return [
        numba.typeof(one) for one in (tables, draw, empty_outcome(tables, rows), make_scratch(tables, rows))
    ]


@pytest.mark.parametrize("preset", ["tiny", "solar-field", "lorawan-field"])
def test_sizes_do_not_change_what_is_compiled(preset, least):
    """Neither one class nor one row, and stores and radios are there or not."""
    usual = kinds(load_scenario(preset, {"horizon": 2}), 3)
    assert kinds(least, 1) == usual
    assert kinds(load_scenario(preset, {"horizon": 2}), 1) == usual


def test_tables_that_were_not_frozen_are_those_that_were(least):
    tables = compile_scenario(least).tables
    assert not tables.node_memory.flags.writeable
    thawed = tables._replace(node_memory=tables.node_memory.copy())
    assert numba.typeof(thawed) == numba.typeof(tables)
    assert not any(kind.mutable for kind in numba.typeof(thawed).types if isinstance(kind, numba.types.Array))


def test_layouts_that_sizes_do_not_explain_are_told_apart(least):
    compiled = compile_scenario(least)
    draw = nominal_draw(compiled.tables, np.ones(4))
    strided = draw._replace(demand=np.ones((4, 1, 2))[::2, :, ::2])
    assert numba.typeof(strided) != numba.typeof(draw)


def test_placements_of_later_rows_lie_in_memory_as_those_of_the_first(least):
    pinned = compile_scenario(least).tables.pinned
    kinds = {numba.typeof(placement_per_row(pinned, b)) for b in range(3)}
    assert kinds == {numba.types.Array(numba.types.int32, 3, "C")}
    assert (placement_per_row(pinned, 2) == pinned).all()
