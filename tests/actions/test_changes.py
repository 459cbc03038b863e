"""Several changes in a slot: one after the other, each on what earlier ones left."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idn_gym.actions import make_codec
from idn_gym.actions.discrete import SLOT_CHANGES
from idn_gym.core.loading import held_segments
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.core.named_codec import MODELS, NODES, Codec

SEEDS = st.integers(0, 2**32 - 1)


class Changes(Codec):
    """`changes`, spoken to by pairs."""

    def __init__(self, scenario):
        super().__init__("changes", scenario)
        values = self.codec.describe()[0].removeprefix("change 1: ").split(", ")
        self.lines = [value.split(" ", 1)[1] for value in values]

    def say(self, *pairs):
        chosen = [self.lines.index(f"load {pair}" if pair else "nothing") for pair in pairs]
        return [chosen + [0] * (SLOT_CHANGES - len(chosen))]


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, [("a", "e", {}), ("e", "c", {})], MODELS)


def test_all_of_it_comes_in_one_slot(scenario):
    codec = Changes(scenario)
    assert codec.codec.describe()[1:] == [f"change {k}: as change 1" for k in (2, 3, 4)]
    assert codec.wanted(codec.say("a: s", "e: m", "", "a: m")) == codec.wanted(
        codec.say("a: m", "", "e: m", "a: s")
    )
    assert codec.wanted(codec.say("a: s", "e: m", "", "a: m"))["a"] == ["s", "m"]
    assert codec.wanted(codec.say("a: s", "e: m", "", "a: m"))["e"] == ["s", "m"]
    assert codec.wanted(codec.say()) == codec.hold(a=[]).wanted(codec.say())


def test_later_ones_evict_what_earlier_ones_loaded(scenario):
    """l needs all of a: whoever comes last is there."""
    codec = Changes(scenario)
    assert codec.wanted(codec.say("a: s", "a: l"))["a"] == ["l"]
    assert codec.wanted(codec.say("a: l", "a: s"))["a"] == ["s"]


def test_what_is_chosen_twice_counts_once(scenario):
    codec = Changes(scenario)
    assert codec.wanted(codec.say("a: s", "a: l", "a: s"))["a"] == ["l"]
    assert codec.wanted(codec.say("a: m", "a: m", "a: m", "a: m"))["a"] == ["m"]


@given(data=st.data(), seed=SEEDS)
def test_one_at_a_time_it_is_change(make_scenario, worlds, data, seed):
    """Whichever of the four asks; and the mask is that of `change`, four times."""
    scenario = make_scenario(**data.draw(worlds))
    compiled = compile_scenario(scenario)
    assume(compiled.placeable.any())
    changes, change = make_codec("changes", compiled), make_codec("change", compiled)
    instance, rng = build_instance(scenario, seed), np.random.default_rng(seed)
    state = initial_state(instance)
    for _ in range(scenario.horizon):
        one = rng.integers(0, change.space.n, 1)
        several = np.zeros((1, SLOT_CHANGES), np.int64)
        several[0, rng.integers(SLOT_CHANGES)] = one[0]
        decoded = changes.decode(instance, state, several)
        np.testing.assert_array_equal(decoded.wanted, change.decode(instance, state, one).wanted)
        mask = changes.masks(instance, state)
        np.testing.assert_array_equal(mask, np.tile(change.masks(instance, state), SLOT_CHANGES))
        state, _ = step(instance, state, decoded)
        nothing = changes.decode(instance, state, np.zeros_like(several))
        np.testing.assert_array_equal(nothing.wanted, held_segments(state))
