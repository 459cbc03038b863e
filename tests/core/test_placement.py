import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

# Each model solves a task of its own. All save the same latency on a node near the ingress, so the smaller
# one saves more per byte.
MODELS = {
    "s": {"blocks": [(1.0, 10.0, 0.0)]},
    "m": {"blocks": [(1.0, 30.0, 0.0)]},
    "l": {"blocks": [(1.0, 60.0, 0.0)]},
    "cut": {"blocks": [(1.0, 8.0, 1.0), (1.0, 16.0, 2.0), (1.0, 32.0, 0.0)]},
}
TASKS = [{"name": name, "models": [name], "timeout": 100.0, "share": 1.0} for name in MODELS]


@pytest.fixture
def scenario(make_scenario):
    """An ingress of 60 bytes; the repository holds all, and s is pinned at the edge as well."""
    nodes = {
        "a": {"demand": 1.0, "memory": 60.0},
        "e": {"memory": 100.0, "pins": ["s"]},
        "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
    }
    models = {name: {**model, "task": name} for name, model in MODELS.items()}
    return make_scenario(nodes, [("a", "e", {}), ("e", "c", {})], models, tasks=TASKS)


def value(scenario, node, segment):
    compiled = compile_scenario(scenario)
    names = compiled.names
    return compiled.tables.segment_value[names.nodes.index(node), names.segments.index(segment)]


def test_what_fits_is_placed(scenario, play):
    slot = play(scenario, {"a": ["s", "m"], "e": ["l"]})
    assert slot.held == {"a": ["s", "m"], "e": ["s", "l"], "c": ["s", "m", "l", "cut"]}
    assert slot.refused == 0
    assert sum(slot.loaded) == 10 + 30 + 60


def test_a_placement_that_is_just_as_large_as_the_memory_fits(scenario, play):
    assert play(scenario, {"a": ["l"]}).held["a"] == ["l"]
    assert play(scenario, {"a": ["s", "m", "cut[0:2]"]}, memory=[64.0, 100.0, 1e9]).refused == 0
    assert play(scenario, {"a": ["s", "m", "cut[0:2]"]}, memory=[63.0, 100.0, 1e9]).refused == 1


def test_what_does_not_fit_is_refused_by_value_per_byte(scenario, play):
    """s and m together take 40 of the 60 bytes; l saves most, but not per byte."""
    ranks = sorted(["s", "m", "l"], key=lambda name: -value(scenario, "a", name))
    assert ranks == ["s", "m", "l"]
    slot = play(scenario, {"a": ["l", "m", "s"]})
    assert slot.held["a"] == ["s", "m"]
    assert slot.refused == 1


def test_smaller_segments_may_follow_one_that_does_not_fit(scenario, play):
    """m comes first and leaves no room for l, then cut[0:1] still goes in."""
    assert value(scenario, "a", "m") > value(scenario, "a", "l") > value(scenario, "a", "cut[0:1]")
    slot = play(scenario, {"a": ["m", "l", "cut[0:1]"]})
    assert slot.held["a"] == ["m", "cut[0:1]"]
    assert slot.refused == 1


def test_what_was_resident_stays_before_new_wishes(scenario, play):
    slot = play(scenario, {"a": ["l", "m", "s"]}, before={"a": ["l"]})
    assert slot.held["a"] == ["l"]
    assert slot.refused == 2
    assert sum(slot.loaded) == 0.0


def test_another_segment_of_a_resident_model_is_a_new_wish(scenario, play):
    """cut[0:1] is on the node, the wish is for cut[0:2]: it queues by its value, behind s and m."""
    slot = play(scenario, {"a": ["cut[0:2]", "s", "m"]}, before={"a": ["cut[0:1]"]})
    assert slot.held["a"] == ["s", "m"]


def test_what_is_not_wished_leaves(scenario, play):
    slot = play(scenario, {"a": ["s"]}, before={"a": ["m"]})
    assert slot.held["a"] == ["s"]


@pytest.mark.parametrize(
    ("before", "after", "loaded"),
    [
        ("cut[0:1]", "cut[0:2]", 16.0),
        ("cut[0:2]", "cut[0:1]", 0.0),
        ("cut[0:2]", "cut[1:3]", 32.0),
        ("cut[0:1]", "cut[2:3]", 32.0),
        ("cut", "cut[1:3]", 0.0),
        ("cut[1:3]", "cut", 8.0),
    ],
)
def test_only_blocks_that_were_not_there_are_loaded(scenario, play, before, after, loaded):
    slot = play(scenario, {"a": [after]}, before={"a": [before]})
    assert slot.held["a"] == [after]
    assert sum(slot.loaded) == loaded


def test_pinned_models_cannot_be_replaced_and_take_their_memory(scenario, play):
    """The edge has 100 bytes less the 10 of s; a wish for the repository is not heard."""
    slot = play(scenario, {"e": ["s", "l", "m"], "c": ["cut[0:1]"]})
    assert slot.held["e"] == ["s", "m", "l"]
    assert sum(slot.loaded) == 90.0
    assert slot.held["c"] == ["s", "m", "l", "cut"]
    assert play(scenario, {"e": ["l", "m", "cut[0:1]"]}).refused == 1


def test_shrinking_memory_evicts_the_least_valuable_residents(scenario, play):
    both = {"a": ["s", "m"]}
    slot = play(scenario, both, before=both, memory=[39.0, 100.0, 1e9])
    assert slot.held["a"] == ["s"]
    assert slot.refused == 1
    assert play(scenario, both, before=both, memory=[9.0, 100.0, 1e9]).held["a"] == []


def test_memory_below_what_is_pinned_leaves_the_pins_alone(scenario, play):
    slot = play(scenario, {"e": ["m"]}, memory=[60.0, 5.0, 1e9])
    assert slot.held["e"] == ["s"]
    assert slot.refused == 1


def test_the_placement_serves_in_the_slot_of_the_action(scenario, play):
    assert play(scenario, {"a": ["s", "m"]}).busy[0] > 0.0
    assert play(scenario, {}, before={"a": ["s", "m"]}).busy[0] == 0.0


def test_rows_of_a_batch_do_not_touch_each_other(scenario):
    instance = build_instance(scenario, [0, 1, 2])
    state = initial_state(instance)
    names = compile_scenario(scenario).names
    wanted = np.full_like(state.resident, EMPTY)
    for row, segment in enumerate(("s", "m", "l")):
        wanted[row, 0, row] = names.segments.index(segment)
    after, outcome = step(instance, state, Action(wanted))
    assert outcome.loaded.sum(axis=1).tolist() == [10.0, 30.0, 60.0]
    assert (after.resident[:, 0] == wanted[:, 0]).all()


def test_a_step_leaves_its_arguments_as_they_are(scenario):
    instance = build_instance(scenario, 0)
    state = initial_state(instance)
    wanted = np.zeros_like(state.resident)
    kept = [field.copy() for field in (*state, wanted, *instance.draw)]
    first = step(instance, state, Action(wanted))
    for field, copy in zip((*state, wanted, *instance.draw), kept, strict=True):
        np.testing.assert_array_equal(field, copy)
    again = step(instance, state, Action(wanted))
    for field, same in zip((*first[0], *first[1]), (*again[0], *again[1]), strict=True):
        np.testing.assert_array_equal(field, same)


def test_demand_is_smoothed_into_the_state(scenario, play):
    slot = play(scenario, demand=[5.0, 0.0, 2.5, 2.5])
    np.testing.assert_allclose(slot.state.recent[0], 2.5 + 0.3 * np.array([2.5, -2.5, 0.0, 0.0]))
    assert slot.state.slot.tolist() == [1]
