"""A base placement, and what differs from it in a slot."""

import numpy as np
import pytest

from idn_gym.actions.discrete import SLOT_CHANGES
from idn_gym.core.arrays import EMPTY
from idn_gym.core.transition import step
from tests.core.named_codec import MODELS, NODES, Codec

LINKS = [("a", "e", {}), ("e", "c", {})]
BASE = [{"node": "a", "segments": ["m", "s"]}, {"node": "e", "segments": ["cut[0:1]"]}]
GIVEN = {"placements": [{"nodes": BASE}, {}]}


class Residual(Codec):
    """`residual`, spoken to by pairs."""

    def __init__(self, scenario):
        super().__init__("residual", scenario)
        values = self.codec.describe()[0].removeprefix("change 1: ").split(", ")
        self.lines = [value.split(" ", 1)[1] for value in values]

    def say(self, *words):
        chosen = [self.lines.index(word) for word in words]
        return [chosen + [0] * (SLOT_CHANGES - len(chosen))]


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, LINKS, MODELS, GIVEN)


def test_nothing_is_the_base_whatever_is_held(scenario):
    for held in ({}, {"a": ["l"], "e": ["m"]}):
        codec = Residual(scenario).hold(**held)
        wanted = codec.wanted(codec.say())
        assert wanted["a"] == ["s", "m"] and wanted["e"] == ["s", "cut[0:1]"]


def test_a_change_lasts_as_long_as_it_is_chosen(scenario):
    codec = Residual(scenario)
    seen = []
    for action in (
        codec.say(),
        codec.say("leave out a: m", "load e: m"),
        codec.say("load a: cut[0:1]"),
        codec.say(),
    ):
        codec.state, _ = step(codec.instance, codec.state, codec.decode(action))
        rows = codec.state.resident[0]
        seen.append([[codec.names.segments[s] for s in row if s != EMPTY] for row in rows[:2]])
    assert seen[0] == seen[3] == [["s", "m"], ["s", "cut[0:1]"]]
    assert seen[1] == [["s"], ["s", "m", "cut[0:1]"]]
    assert seen[2] == [["s", "m", "cut[0:1]"], ["s", "cut[0:1]"]]


def test_changes_are_made_in_order_and_count_once(scenario):
    codec = Residual(scenario)
    assert codec.wanted(codec.say("load a: l", "leave out a: m"))["a"] == ["l"]
    assert codec.wanted(codec.say("leave out a: m", "leave out a: m"))["a"] == ["s"]
    assert codec.wanted(codec.say("load e: cut"))["e"] == ["s", "cut"]
    assert codec.wanted(codec.say("load e: cut", "leave out e: cut[0:1]"))["e"] == ["s", "cut"]


@pytest.mark.parametrize("memory", [(60.0, 100.0), (39.0, 82.0), (10.0, 18.0)])
def test_the_mask_is_what_changes_what_is_asked_for(scenario, memory):
    codec = Residual(scenario)
    codec.instance.draw.memory[0, 0, :2] = memory
    mask = codec.codec.masks(codec.instance, codec.state).reshape(SLOT_CHANGES, -1)
    assert (mask == mask[0]).all() and mask[0, 0]
    base = codec.wanted(codec.say())
    for i, line in enumerate(codec.lines[1:], start=1):
        assert mask[0, i] == (codec.wanted([[i, 0, 0, 0]]) != base), line


def test_without_a_placement_nodes_are_filled_at_nominal_demand(make_scenario):
    """Per byte s is worth most on a, then cut[0:1], then m, after which l has no room."""
    codec = Residual(make_scenario(NODES, LINKS, MODELS))
    tables, base = codec.compiled.tables, codec.codec.base
    assert codec.wanted(codec.say())["a"] == ["s", "m", "cut[0:1]"]
    for v, free in ((0, 60.0), (1, 90.0)):
        held = base[v][(base[v] != EMPTY) & (base[v] != tables.pinned[v])]
        room = free - tables.segment_bytes[held].sum()
        assert room >= 0.0 and (tables.segment_value[v, held] > 0.0).all()
        left = np.flatnonzero(codec.compiled.placeable[v] & (base[v][tables.segment_model] == EMPTY))
        better = left[tables.segment_value[v, left] > 0.0]
        assert (tables.segment_bytes[better] > room).all()
