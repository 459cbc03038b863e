"""Keep, load, drop: what is kept stays, what is loaded finds room or does not come."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idn_gym.actions import make_codec
from idn_gym.actions.per_pair import DROP, KEEP, LOAD
from idn_gym.core.arrays import EMPTY
from idn_gym.core.geometry import held_bytes
from idn_gym.core.loading import held_segments
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.core.named_codec import MODELS, NODES, Codec

LINKS = [("a", "e", {}), ("e", "c", {})]
TRANSFER = {"serving.loading": "transfer"}
SEEDS = st.integers(0, 2**32 - 1)


class Choices(Codec):
    """`keep-load-drop`, spoken to by pairs."""

    def __init__(self, scenario):
        super().__init__("keep-load-drop", scenario)
        self.lines = [line.rpartition(": ")[0] for line in self.codec.describe()]

    def say(self, *words):
        """The action that keeps all but what is said as "load a: s"."""
        action = np.full((1, len(self.lines)), KEEP)
        for word in words:
            verb, pair = word.split(" ", 1)
            action[0, self.lines.index(pair)] = {"load": LOAD, "drop": DROP}[verb]
        return action


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, LINKS, MODELS)


@pytest.fixture
def loading(make_scenario):
    """Where models come over links, and "cut" takes several slots to come to e, which has room for it."""
    links = [("a", "e", {"rate": 8.0}), ("e", "c", {"rate": 8.0})]
    return make_scenario(NODES, links, MODELS, {**TRANSFER, "slot_seconds": 2.0, "horizon": 40})


def test_what_it_says(scenario):
    codec = Choices(scenario)
    assert codec.codec.describe()[0] == "a: s: 0 keep, 1 load, 2 drop"
    assert codec.codec.space.nvec.tolist() == [3] * len(codec.lines)
    codec.hold(a=["m"], e=["cut[0:1]"])
    assert codec.wanted(codec.say()) == {
        "a": ["m"],
        "e": ["s", "cut[0:1]"],
        "c": codec.wanted(codec.say())["c"],
    }
    assert codec.wanted(codec.say("load a: s", "drop a: m"))["a"] == ["s"]
    assert codec.wanted(codec.say("load a: m", "drop a: s", "load e: m"))["a"] == ["m"]


def test_of_a_model_what_is_kept_comes_first(scenario):
    codec = Choices(scenario).hold(e=["cut[0:1]"])
    assert codec.wanted(codec.say("load e: cut"))["e"] == ["s", "cut[0:1]"]
    assert codec.wanted(codec.say("load e: cut", "drop e: cut[0:1]"))["e"] == ["s", "cut"]


def test_of_several_loads_of_a_model_the_one_of_most_value_is_asked_for(scenario):
    codec = Choices(scenario)
    loads = ("cut[0:1]", "cut", "cut[1:2]")
    value = codec.compiled.tables.segment_value[1]
    for count in (1, 2, 3):
        for some in itertools.permutations(loads, count):
            best = max(some, key=lambda name: value[codec.names.segments.index(name)])
            assert codec.wanted(codec.say(*(f"load e: {name}" for name in some)))["e"] == ["s", best]


def test_a_load_displaces_nothing(scenario):
    """a has 60 bytes: m of 30 stays, so l of 60 does not come, but for when m goes in the same slot."""
    codec = Choices(scenario).hold(a=["m"])
    index = codec.names.segments.index
    after, outcome = codec.placed(codec.say("load a: l"))
    assert after[0].tolist().count(EMPTY) == 3 and index("m") in after[0] and outcome.refused[0] == 1
    after, outcome = codec.placed(codec.say("load a: l", "drop a: m"))
    assert after[0].tolist().count(EMPTY) == 3 and index("l") in after[0] and outcome.refused[0] == 0


def test_any_placement_that_fits_is_one_slot_away(scenario):
    """Brute force over all sets of pairs: load them, and drop the rest."""
    tried, pairs, tables = 0, Choices(scenario).codec, compile_scenario(scenario).tables
    for bits in itertools.product((False, True), repeat=len(pairs.node)):
        chosen = np.array(bits)
        node, segment = pairs.node[chosen], pairs.segment[chosen]
        models = set(zip(node.tolist(), tables.segment_model[segment].tolist(), strict=True))
        used = np.bincount(node, tables.segment_bytes[segment], 3)
        if len(models) < len(node) or used[0] > 60 or used[1] > 90:
            continue
        tried += 1
        codec = Choices(scenario).hold(a=["s", "m"], e=["cut[0:1]", "m"])
        here = codec.state.resident[0, codec.codec.node, tables.segment_model[codec.codec.segment]]
        action = np.where(chosen, np.where(here == codec.codec.segment, KEEP, LOAD), DROP)
        after, outcome = codec.placed(action[None])
        wanted = tables.pinned.copy()
        wanted[node, tables.segment_model[segment]] = segment
        assert (after == wanted).all() and outcome.refused[0] == 0
    assert tried > 30


def test_a_load_goes_on_and_can_be_called_off(loading):
    """The old segment stays until the new one is there, and is kept if the load is dropped."""
    codec = Choices(loading).hold(e=["cut[0:1]"])
    start = codec.say("load e: cut", "drop e: cut[0:1]")
    codec.state, _ = step(codec.instance, codec.state, codec.decode(start))
    named = codec.names.segments
    at = named.index("cut[0:1]"), named.index("cut")
    row = 1, codec.compiled.tables.segment_model[at[0]]
    assert (codec.state.resident[0][row], codec.state.wish[0][row]) == at
    assert "cut" in codec.wanted(codec.say())["e"]
    assert "cut" in codec.wanted(codec.say("drop e: cut[0:1]"))["e"]
    assert "cut[0:1]" in codec.wanted(codec.say("drop e: cut", "load e: cut[1:2]"))["e"]
    assert codec.wanted(codec.say("drop e: cut", "drop e: cut[0:1]"))["e"] == ["s"]
    mask = codec.codec.masks(codec.instance, codec.state).reshape(-1, 3)
    for name, allowed in (("cut", [1, 0, 1]), ("cut[0:1]", [1, 0, 1]), ("cut[1:2]", [1, 1, 0])):
        assert mask[codec.lines.index(f"e: {name}")].tolist() == [bool(x) for x in allowed]
    slots = 0
    while codec.state.wish[0][row] != EMPTY:
        codec.state, _ = step(codec.instance, codec.state, codec.decode(codec.say()))
        slots += 1
    assert codec.state.resident[0][row] == at[1] and slots > 1


@pytest.mark.parametrize("memory", [(60.0, 100.0), (39.0, 82.0), (10.0, 18.0), (5.0, 5.0)])
def test_the_mask_is_what_can_come_by_itself_and_what_is_there(scenario, memory):
    """Brute force: with all else dropped a load gets there; what may be dropped is gone."""
    codec = Choices(scenario).hold(a=["s"], e=["m", "cut[0:1]"])
    codec.instance.draw.memory[0, 0, :2] = memory
    mask = codec.codec.masks(codec.instance, codec.state).reshape(-1, 3)
    assert mask[:, KEEP].all()
    for i, (v, s) in enumerate(zip(codec.codec.node, codec.codec.segment, strict=True)):
        m = codec.compiled.tables.segment_model[s]
        there = codec.state.resident[0, v, m] == s
        alone = np.full((1, len(mask)), DROP)
        alone[0, i] = LOAD
        assert mask[i, LOAD] == (not there and codec.placed(alone)[0][v, m] == s)
        gone = codec.say(f"drop {codec.lines[i]}")
        assert mask[i, DROP] == there == (codec.wanted(gone) != codec.wanted(codec.say()))


@given(data=st.data(), seed=SEEDS)
def test_what_is_kept_stays_and_what_comes_was_asked_for(make_scenario, worlds, data, seed):
    """In random worlds under random choices, also while loads are on their way."""
    scenario = make_scenario(**data.draw(worlds))
    compiled = compile_scenario(scenario)
    assume(compiled.placeable.any())
    codec, change = make_codec("keep-load-drop", compiled), make_codec("change", compiled)
    instance, rng = build_instance(scenario, seed), np.random.default_rng(seed)
    tables, state = instance.tables, initial_state(instance)
    model, free = tables.segment_model[codec.segment], tables.pinned == EMPTY
    for t in range(scenario.horizon):
        keep = codec.decode(instance, state, np.zeros((1, len(model)), np.int64))
        np.testing.assert_array_equal(keep.wanted, held_segments(state))
        nothing = change.decode(instance, state, np.zeros(1, np.int64))
        np.testing.assert_array_equal(keep.wanted, nothing.wanted)
        choice = rng.choice(
            3, (1, len(model)), p=data.draw(st.sampled_from([(0.6, 0.3, 0.1), (0.2, 0.6, 0.2)]))
        )
        before = held_segments(state)[0]
        after, _ = step(instance, state, codec.decode(instance, state, choice))
        held, dropped, asked = held_segments(after)[0], np.zeros(free.shape, bool), np.zeros(free.shape, bool)
        mine = before[codec.node, model] == codec.segment
        dropped[codec.node[mine], model[mine]] = choice[0, mine] == DROP
        now = held[codec.node, model] == codec.segment
        asked[codec.node[now], model[now]] = choice[0, now] == LOAD
        fits = held_bytes(tables.segment_bytes, before * free + ~free * EMPTY).sum(1)
        roomy = fits <= instance.draw.memory[0, t] - tables.node_reserved
        kept = free & (before != EMPTY) & ~dropped & roomy[:, None]
        assert (held[kept] == before[kept]).all()
        new = free & (held != EMPTY) & (held != before) & (held != state.resident[0])
        assert asked[new].all()
        state = after
