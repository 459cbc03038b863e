import itertools

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from tests.core.named_codec import MODELS, NODES, Codec


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


def test_of_two_segments_of_a_model_the_larger_stays(scenario):
    codec = Codec("fractional", scenario)
    assert codec.wanted(codec.items({"e: cut[0:1]": 1.0, "e: cut[1:2]": 1.0}, 0.0))["e"] == ["cut[1:2]"]
