import itertools

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY, Instance
from tests.core.named_codec import MODELS, NODES, Codec
from tests.core.plain_placing import fill_plainly, round_plainly

SAMPLES = 20_000


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, [("a", "e", {}), ("e", "c", {})], MODELS)


# ---------------------------------------------------------------- placement


def test_placement_picks_one_segment_per_node_and_task(scenario):
    codec = Codec("placement", scenario)
    assert codec.codec.describe() == [
        "a, one: 0 nothing, 1 s, 2 m, 3 l",
        "a, two: 0 nothing, 1 cut[0:1]",
        "e, one: 0 nothing, 1 m, 2 l",
        "e, two: 0 nothing, 1 cut[0:1], 2 cut, 3 cut[1:2]",
    ]
    assert codec.wanted([[2, 1, 0, 1]]) == {"a": ["m", "cut[0:1]"], "e": ["cut[0:1]"], "c": []}
    assert codec.wanted([[0, 0, 0, 0]]) == {"a": [], "e": [], "c": []}


@pytest.mark.parametrize("memory", [100.0, 65.0, 39.0, 9.0])
def test_the_placement_mask_is_what_fits_alone(scenario, memory):
    """Brute force: ask for each choice alone and see whether it gets there."""
    codec = Codec("placement", scenario)
    codec.instance.draw.memory[0, 0, :2] = memory
    mask = iter(codec.codec.masks(codec.instance, codec.state)[0])
    for d, count in enumerate(codec.codec.space.nvec):
        for choice in range(count):
            action = np.zeros((1, len(codec.codec.space.nvec)), np.int64)
            action[0, d] = choice
            _, outcome = codec.placed(action)
            assert next(mask) == (outcome.refused[0] == 0)
    assert next(mask, None) is None


# ---------------------------------------------------------------- change


def test_change_loads_one_item_and_keeps_the_rest(scenario):
    codec = Codec("change", scenario).hold(a=["m"])
    load = codec.codec.describe().index("load a: s")
    assert codec.wanted([load])["a"] == ["s", "m"]
    assert codec.wanted([0])["a"] == ["m"]


def test_change_evicts_the_least_valuable_until_it_fits(scenario):
    """Per byte m is worth less than cut[0:1] and that less than s; l needs all there is."""
    codec = Codec("change", scenario).hold(a=["s", "m", "cut[0:1]"])
    lines = codec.codec.describe()
    values = codec.compiled.tables.segment_value[0]
    index = codec.names.segments.index
    assert values[index("m")] < values[index("cut[0:1]")] < values[index("s")]
    assert codec.wanted([lines.index("load a: l")])["a"] == ["l"]
    codec = Codec("change", scenario).hold(e=["m", "cut[0:1]"])
    assert codec.wanted([lines.index("load e: cut[1:2]")])["e"] == ["s", "cut[1:2]"]
    for held, loaded, left in (
        (["s", "cut[0:1]"], "m", ["s", "m"]),
        (["m", "cut[0:1]"], "s", ["s", "cut[0:1]"]),
    ):
        codec = Codec("change", scenario).hold(a=held)
        codec.instance.draw.memory[0, 0, 0] = 45.0
        assert codec.wanted([lines.index(f"load a: {loaded}")])["a"] == left


def test_change_replaces_another_segment_of_the_model(scenario):
    codec = Codec("change", scenario).hold(e=["cut[0:1]"])
    assert codec.wanted([codec.codec.describe().index("load e: cut")])["e"] == ["s", "cut"]


def test_change_never_evicts_pinned_models(scenario):
    codec = Codec("change", scenario)
    for action in range(codec.codec.space.n):
        assert codec.wanted([action])["e"][:1] == ["s"]


@pytest.mark.parametrize("memory", [(60.0, 100.0), (60.0, 70.0), (39.0, 82.0), (10.0, 18.0), (5.0, 5.0)])
@pytest.mark.parametrize(
    "held", [{}, {"a": ["s", "m"], "e": ["cut[0:1]"]}, {"a": ["l"], "e": ["m", "cut[0:1]"]}]
)
def test_the_change_mask_is_exact(scenario, memory, held):
    """Brute force: an item is allowed if it is not there and playing the action gets it there."""
    codec = Codec("change", scenario).hold(**held)
    codec.instance.draw.memory[0, 0, :2] = memory
    mask = codec.codec.masks(codec.instance, codec.state)[0]
    assert mask[0]
    for action, (v, s) in enumerate(zip(codec.codec.node, codec.codec.segment, strict=True), start=1):
        m = codec.compiled.tables.segment_model[s]
        there = codec.state.resident[0, v, m] == s
        after, _ = codec.placed([action])
        assert mask[action] == (after[v, m] == s and not there)
        if mask[action]:
            others = np.ones(after.shape[0], bool)
            others[v] = False
            fits = codec.placed([0])[0]
            assert (after[others] == fits[others]).all()


@pytest.mark.parametrize("name", ["placement", "change"])
def test_masks_read_the_memory_of_their_slot(scenario, name):
    """a has room for each of its items, but in slot 2 not for m nor l."""
    codec = Codec(name, scenario)
    codec.instance.draw.memory[0, :, :2] = 60.0, 100.0
    codec.instance.draw.memory[0, 2, 0] = 10.0
    seen = []
    for slot in range(4):
        codec.state.slot[0] = slot
        seen.append(codec.codec.masks(codec.instance, codec.state)[0].copy())
    assert (seen[0] == seen[1]).all() and (seen[0] == seen[3]).all()
    lost = seen[0] & ~seen[2]
    assert lost.sum() == 2 and not (seen[2] & ~seen[0]).any()


# ---------------------------------------------------------------- scores


def test_scores_fill_in_falling_order_while_it_fits(scenario):
    """m first, then l does not fit, then s does."""
    codec = Codec("scores", scenario)
    assert codec.wanted(codec.items({"a: m": 0.9, "a: l": 0.8, "a: s": 0.1}, -1.0))["a"] == ["s", "m"]
    assert codec.wanted(codec.items({"a: m": 0.7, "a: l": 0.8, "a: s": 0.1}, -1.0))["a"] == ["l"]


def test_scores_of_zero_and_below_stay_out(scenario):
    codec = Codec("scores", scenario)
    assert codec.wanted(codec.items({"a: m": 0.0, "a: s": -0.5}, -1.0)) == {"a": [], "e": [], "c": []}


def test_scores_take_one_segment_per_model(scenario):
    codec = Codec("scores", scenario)
    assert codec.wanted(codec.items({"e: cut": 0.1, "e: cut[0:1]": 0.2, "e: cut[1:2]": 0.3}, -1.0))["e"] == [
        "cut[1:2]"
    ]


def test_scores_can_say_every_placement_that_fits(scenario):
    """+1 for what is wanted, -1 for the rest: brute force over all sets of items."""
    codec = Codec("scores", scenario)
    tables = codec.compiled.tables
    tried = 0
    for bits in itertools.product((-1.0, 1.0), repeat=len(codec.codec.node)):
        chosen = np.array(bits) > 0
        node, segment = codec.codec.node[chosen], codec.codec.segment[chosen]
        pairs = set(zip(node.tolist(), tables.segment_model[segment].tolist(), strict=True))
        used = np.bincount(node, tables.segment_bytes[segment], 3)
        if len(pairs) < chosen.sum() or used[0] > 60 or used[1] > 90:
            continue
        tried += 1
        wanted = np.full_like(codec.state.resident[0], EMPTY)
        wanted[node, tables.segment_model[segment]] = segment
        assert (codec.decode([bits]).wanted[0] == wanted).all()
    assert tried > 30


def test_shares_of_memory_per_task(scenario):
    """a has 60 bytes, e has 90 beside what is pinned."""
    codec = Codec("scores-task", scenario)
    lines = codec.codec.describe()
    assert lines == ["a: one", "a: two", "e: one", "e: two"]
    assert codec.wanted([[-1.0, 0.5, -1.0, -1.0]]) == {"a": ["cut[0:1]"], "e": [], "c": []}
    # 60 x 0.1 / (0.1 + 0.8) bytes are too few for cut[0:1] but for what the first task leaves over
    assert codec.wanted([[0.8, 0.1, -1.0, -1.0]])["a"][-1] == "cut[0:1]"
    # e has 90: a share of 0.8 holds all of cut, a share of 0.75 does not
    assert codec.wanted([[-1.0, -1.0, 0.2, 0.8]])["e"] == ["cut"]
    assert "cut" not in codec.wanted([[-1.0, -1.0, 0.25, 0.75]])["e"]


def test_a_task_gets_the_segment_that_saves_most(scenario):
    codec = Codec("scores-task", scenario)
    tables = codec.compiled.tables
    saving = tables.segment_value[0] * tables.segment_bytes
    for memory, choices in ((60.0, ["s", "m", "l"]), (59.0, ["s", "m"]), (29.0, ["s"])):
        codec.instance.draw.memory[0, 0, 0] = memory
        best = max(choices, key=lambda name: saving[codec.names.segments.index(name)])
        assert codec.wanted([[1.0, -1.0, -1.0, -1.0]])["a"] == [best]


# ---------------------------------------------------------------- fractional


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


def test_of_two_segments_of_a_model_the_larger_stays(scenario):
    codec = Codec("fractional", scenario)
    assert codec.wanted(codec.items({"e: cut[0:1]": 1.0, "e: cut[1:2]": 1.0}, 0.0))["e"] == ["cut[1:2]"]


# ---------------------------------------------------------------- against plain lists


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
