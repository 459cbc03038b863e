"""Fractional actions are rounded without bias, and rows of actions are decoded as one by one."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY, Instance
from tests.core.named_codec import NODES, Codec
from tests.core.plain_placing import fill_plainly, round_plainly

SAMPLES = 20_000


@pytest.fixture
def whole(make_scenario):
    """Nine models of one block with sizes from 1 to 55 on two nodes."""
    sizes = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0)
    models = {f"m{i}": {"blocks": [(1.0, size, 0.0)]} for i, size in enumerate(sizes)}
    nodes = {name: {**node, "pins": []} if name == "e" else node for name, node in NODES.items()}
    return make_scenario(nodes, [("a", "e", {}), ("e", "c", {})], models, {"serving.max_parts": 1})


def sample(scenario, y, seed=0):
    """(SAMPLES, items) roundings of y, with their sizes and nodes."""
    codec = Codec("fractional", scenario)
    tables, draw = codec.instance
    uniforms = np.random.default_rng(seed).random((SAMPLES, draw.uniforms.shape[1], len(y)))
    codec.instance = Instance(tables, draw._replace(uniforms=uniforms))
    fields = [np.repeat(field, SAMPLES, axis=0) for field in codec.state]
    codec.state = codec.state._make(fields)
    wanted = codec.decode(np.repeat(y[None], SAMPLES, axis=0)).wanted
    node, segment = codec.codec.node, codec.codec.segment
    x = wanted[:, node, tables.segment_model[segment]] == segment
    return x, tables.segment_bytes[segment], node


def test_rounding_keeps_the_means(whole):
    """Within five standard errors: a false alarm once in about 10^5 draws."""
    y = np.random.default_rng(1).uniform(0.05, 0.95, 18)
    x, _, _ = sample(whole, y)
    error = np.sqrt(y * (1 - y) / SAMPLES)
    assert (np.abs(x.mean(0) - y) < 5 * error).all()
    assert not (x == x[0]).all()


def test_rounding_moves_the_used_size_of_a_node_by_less_than_one_item(whole):
    y = np.random.default_rng(2).uniform(0.05, 0.95, 18)
    x, size, node = sample(whole, y)
    for v in (0, 1):
        mine = node == v
        used = x[:, mine] @ size[mine]
        assert (np.abs(used - y[mine] @ size[mine]) < size[mine].max()).all()
        assert np.ptp(used) > 0


def test_whole_numbers_are_not_rounded(whole):
    y = np.array([0.0, 1.0, 1.0] * 6)
    x, _, _ = sample(whole, y)
    assert (x == (y > 0.5)).all()


def test_one_fractional_item_is_drawn_by_itself(whole):
    y = np.zeros(18)
    y[3], y[12] = 0.25, 0.5
    x, _, node = sample(whole, y)
    assert node[3] != node[12]
    error = np.sqrt(0.25 / SAMPLES)
    assert abs(x[:, 3].mean() - 0.25) < 5 * error
    # items of different nodes do not trade: all four combinations occur as often as chance has it
    assert abs((x[:, 3] & x[:, 12]).mean() - 0.125) < 5 * error


def test_rounding_uses_the_uniforms_of_the_slot(whole):
    codec = Codec("fractional", whole)
    y = np.full((1, 18), 0.5)
    slots = []
    for slot in range(4):
        codec.state.slot[0] = slot
        slots.append(codec.decode(y).wanted)
        np.testing.assert_array_equal(slots[-1], codec.decode(y).wanted)
    assert any((slots[0] != other).any() for other in slots[1:])


@pytest.fixture(scope="module")
def crowded(make_scenario):
    """Nineteen models in one to three blocks, whose sizes are not whole; their segments on two nodes."""
    rng = np.random.default_rng(5)
    models = {
        f"m{i:02}": {"blocks": [(1.0, rng.uniform(0.1, 20.0), float(k < i % 3)) for k in range(1 + i % 3)]}
        for i in range(19)
    }
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 55.0}, "e": {"memory": 150.0, "pins": ["m01"]}}
    return make_scenario(nodes, [("a", "e", {}), ("e", "c", {})], models)


def many_rows(codec, rng, rows):
    """Rows in different slots, with memories that move and uniforms of their own."""
    tables, draw = codec.instance
    memory = np.repeat(draw.memory, rows, axis=0) * rng.uniform(0.1, 1.2, (rows, *draw.memory.shape[1:]))
    uniforms = rng.random((rows, *draw.uniforms.shape[1:]))
    codec.instance = Instance(tables, draw._replace(memory=memory, uniforms=uniforms))
    codec.state = codec.state._make(np.repeat(field, rows, axis=0) for field in codec.state)
    codec.state.slot[:] = rng.integers(0, memory.shape[1], rows)
    return codec.codec.pairs, memory[np.arange(rows), codec.state.slot]


@pytest.mark.parametrize("steps", [10**6, 10, 1])
def test_scores_are_taken_as_a_stable_sort_has_them(crowded, steps):
    """Ties are rare, or many, or of all that is positive; among equals the first pair comes first."""
    codec, rng = Codec("scores", crowded), np.random.default_rng(7)
    pairs, memory = many_rows(codec, rng, 101)
    scores = rng.integers(-steps, steps, (101, len(pairs.node)), endpoint=True) / steps
    scores[:5] = [[-1.0], [0.0], [1e-300], [1.0], [0.5]]
    found = codec.decode(scores).wanted
    for b, wanted in enumerate(found):
        free = memory[b] - pairs.node_reserved
        np.testing.assert_array_equal(wanted, fill_plainly(pairs, free, scores[b], wanted.shape))
    assert (found != EMPTY).any()


@pytest.mark.parametrize("rows", [1, 3, 4, 101])
def test_rows_are_rounded_as_one_by_one(crowded, rows):
    """As many rows as go side by side, fewer and more; with whole and nearly whole fractions among them."""
    codec, rng = Codec("fractional", crowded), np.random.default_rng(rows)
    pairs, _ = many_rows(codec, rng, rows)
    uniforms = codec.instance.draw.uniforms[np.arange(rows), codec.state.slot]
    y = rng.random((rows, len(pairs.node)))
    whole = rng.random(y.shape) < rng.choice([0.0, 0.5, 0.95, 1.0], (rows, 1))
    y[whole] = rng.choice([0.0, 1.0, 1e-7, 1.0 - 1e-7, 1e-6, 1.0 - 1e-6], int(whole.sum()))
    for b, wanted in enumerate(codec.decode(y).wanted):
        np.testing.assert_array_equal(wanted, round_plainly(pairs, uniforms[b], y[b], wanted.shape))
