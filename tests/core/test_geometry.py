"""Segments as sets of blocks: every rule against sets, for single numbers in kernels and for whole arrays."""

from itertools import product

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.geometry import (
    block_shares,
    bytes_to_load,
    covered_parts,
    covers,
    free_bytes,
    held_bytes,
    load_if_fits,
    nominal_free_bytes,
    placed_bytes,
    shared_bytes,
    whole_models,
)
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS

TABLES = compile_scenario(PRESETS["fashion-edge"]).tables


@kernel
def covers_one(spans, held, part):
    return covers(spans, held, part)


@kernel
def load_one(spans, new, held):
    return shared_bytes(spans, new, held), bytes_to_load(spans, new, held)


@kernel
def hold_one(there, held, pin):
    return held_bytes(there, held), placed_bytes(there, held, pin)


@kernel
def fill_one(tables, v, s, free, placed):
    return load_if_fits(tables, 0, v, s, free, placed)


@kernel
def free_one(memory, reserved, b, t, v):
    return free_bytes(memory, reserved, b, t, v)


def blocks(segment):
    if segment == EMPTY:
        return set()
    return set(range(TABLES.segment_first[segment], TABLES.segment_last[segment]))


def size(model, held):
    return sum(TABLES.block_bytes[model, k + 1] - TABLES.block_bytes[model, k] for k in held)


def pairs():
    """Every two segments of one model, and each with nothing on either side."""
    for model in range(len(TABLES.model_task)):
        mine = [EMPTY, *np.flatnonzero(TABLES.segment_model == model)]
        for one, other in product(mine, mine):
            yield model, int(one), int(other)


def test_a_segment_covers_another_if_it_has_all_its_blocks():
    cases = [(one, other) for _, one, other in pairs() if other != EMPTY]
    expected = [one != EMPTY and blocks(one) >= blocks(other) for one, other in cases]
    assert set(expected) == {True, False}
    held, part = np.array(cases).T
    assert covers(TABLES, held, part).tolist() == expected
    assert [covers_one(TABLES, *case) for case in cases] == expected


def test_bytes_in_common_and_bytes_to_load_are_those_of_the_blocks():
    cases = list(pairs())
    common = [size(model, blocks(one) & blocks(other)) for model, one, other in cases]
    missing = [size(model, blocks(one) - blocks(other)) for model, one, other in cases]
    _, one, other = np.array(cases).T
    np.testing.assert_array_equal(shared_bytes(TABLES, one, other), common)
    np.testing.assert_array_equal(bytes_to_load(TABLES, one, other), missing)
    alone = [load_one(TABLES, a, b) for _, a, b in cases]
    np.testing.assert_array_equal(alone, np.stack([common, missing], 1))


def test_bytes_on_a_node_are_those_of_what_is_there_and_pins_are_not_placed():
    held, pin = np.array([EMPTY, 0, 1, EMPTY, 1]), np.array([EMPTY, EMPTY, EMPTY, 1, 1])
    there = np.array([3.0, 5.0])
    assert held_bytes(there, held).tolist() == [0.0, 3.0, 5.0, 0.0, 5.0]
    assert placed_bytes(there, held, pin).tolist() == [0.0, 3.0, 5.0, 0.0, 0.0]
    alone = [hold_one(there, *case) for case in zip(held, pin, strict=True)]
    assert alone == [(0.0, 0.0), (3.0, 3.0), (5.0, 5.0), (0.0, 0.0), (5.0, 0.0)]


def test_segments_as_shares_of_their_model():
    first, last = block_shares(TABLES)
    whole = whole_models(TABLES)
    assert whole.any() and not whole.all()
    for s, model in enumerate(TABLES.segment_model):
        count = TABLES.model_blocks[model]
        assert first[s] == min(blocks(s)) / count and last[s] == (max(blocks(s)) + 1) / count
        assert whole[s] == (blocks(s) == set(range(count)))


def test_parts_are_covered_where_they_run():
    held = np.where(TABLES.pinned == EMPTY, EMPTY, TABLES.pinned)
    covered = covered_parts(TABLES, held)
    for q in range(len(covered)):
        v, s = TABLES.part_node[q], TABLES.part_segment[q]
        assert covered[q] == (blocks(held[v, TABLES.segment_model[s]]) >= blocks(s))
    assert covered.any() and not covered.all()


def test_pins_take_memory_and_a_shrunk_node_has_none_left():
    memory = np.array([[[5.0, 9.0], [1.0, 9.0]]])
    reserved = np.array([2.0, 0.0])
    assert [free_one(memory, reserved, 0, t, 0) for t in range(2)] == [3.0, -1.0]
    tables = TABLES._replace(node_memory=memory[0, 1], node_reserved=reserved)
    assert nominal_free_bytes(tables).tolist() == [0.0, 9.0]


@pytest.mark.parametrize(
    ("free", "held", "loaded"), [(0.0, EMPTY, True), (-1.0, EMPTY, False), (9.0, 0, False)]
)
def test_a_segment_is_loaded_where_it_fits_and_its_model_has_none(free, held, loaded):
    s = len(TABLES.segment_bytes) - 1
    m = TABLES.segment_model[s]
    placed = np.full((1, *TABLES.pinned.shape), EMPTY, np.int32)
    placed[0, 1, m] = held
    assert fill_one(TABLES, 1, s, TABLES.segment_bytes[s] + free, placed) == loaded
    assert placed[0, 1, m] == (s if loaded else held)
