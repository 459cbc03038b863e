"""Loads in worlds of their own: masks, private capacity, copies of episodes; no byte is ever lost."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.geometry import bytes_to_load
from idn_gym.core.loading import held_segments
from idn_gym.core.transition import initial_state, step
from idn_gym.core.workspace import make_scratch
from idn_gym.metrics import METRICS
from idn_gym.readouts import name_load
from idn_gym.rendering.scene import look
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.simulation import Simulation
from tests.conftest import place_by_name
from tests.core.test_loading import LINKS, NODES, ONE, TRANSFER, Episode


def test_what_has_come_and_has_not_started_is_named_so(make_scenario):
    """40 bytes in a slot, then 9 s of start-up: the placement and the picture say which it is."""
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 200.0, "device": "slow to load"}}
    models = {"m": {"blocks": [(0.1, 40.0, 0.0)], "start_seconds": 3.0}}
    world = make_scenario(nodes, LINKS, models, TRANSFER)
    simulation = Simulation(world, "segments", "flat", "balanced", "train", 1)
    simulation.reset([0], [0])
    simulation.step(place_by_name(world, {"a": ["m"]}))
    assert simulation.describe_placement(0)["a"] == ["m (starting)"]
    (shown,) = look(simulation, 0, np.zeros(len(METRICS))).nodes[0].items
    assert shown.name == "m (starting)" and shown.loaded < 1.0
    assert [name_load("m", share) for share in (0.0, 0.668, 0.999)] == [
        "m (loading 0 %)",
        "m (loading 67 %)",
        "m (loading 99 %)",
    ]


def test_masks_and_repair_count_what_is_on_its_way(make_scenario):
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 60.0}, "e": {"memory": 5.0}}
    simulation = Simulation(
        make_scenario(nodes, LINKS, ONE, TRANSFER), "change", "flat", "balanced", "train", 1
    )
    simulation.reset([0], [0])
    lines = simulation.codec.describe()
    whole = lines.index("load a: m")
    assert simulation.masks()[0, whole]
    simulation.step(np.array([whole]))
    assert not simulation.masks()[0, whole]
    assert simulation.describe_placement(0)["a"] == ["m (loading 67 %)"]
    simulation.step(np.array([0]))  # nothing changes: it goes on
    assert simulation.describe_placement(0)["a"] == ["m"]


def test_an_episode_goes_on_to_the_bit_amid_loads():
    """From its state, as a copy and pickled."""
    scenario = load_scenario("tiny", {**TRANSFER, "slot_seconds": 1.0, "horizon": 12})
    one, other = (Simulation(scenario, "placement", "flat", "balanced", "train", 1) for _ in range(2))
    space = one.codec.space
    space.seed(5)
    actions = [space.sample()[None] for _ in range(12)]
    one.reset([0], [3])
    for action in actions[:4]:
        one.step(action)
    assert (one.state.wish != EMPTY).any() and 0.0 < one.state.bytes_to_come.sum()
    other.set_state(one.get_state())
    twins = [other, copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    for action in actions[4:]:
        first = one.step(action)
        for twin in twins:
            second = twin.step(action)
            np.testing.assert_array_equal(first.observation, second.observation)
            np.testing.assert_array_equal(first.metrics, second.metrics)
            for field, same in zip(one.state, twin.state, strict=True):
                np.testing.assert_array_equal(field, same)


def test_nodes_that_no_repository_reaches_load_nothing(make_scenario):
    nodes = {**NODES, "lost": {"memory": 100.0}}
    compiled = compile_scenario(make_scenario(nodes, LINKS, ONE, TRANSFER))
    assert compiled.placeable.any(1).tolist() == [True, True, False, False]
    assert compile_scenario(make_scenario(nodes, LINKS, ONE)).placeable[3].any()


def test_private_capacity_loads_at_once(make_scenario):
    both = r"loading: 'transfer' is not .* `serving\.capacity` is exogenous.* `serving\.loading` to instant"
    with pytest.raises(ConfigError, match=both):
        make_scenario(NODES, LINKS, ONE, {**TRANSFER, "serving.capacity": "exogenous"})


def test_where_nothing_loads_transfer_is_instant(make_scenario):
    """To the bit, once all is there."""
    placed = {"a": ["m[0:1]"], "e": ["m"]}
    scenarios = [
        make_scenario(
            NODES,
            LINKS,
            ONE,
            {"serving.queueing": "mgc", "serving.load_limit": 0.9, "serving.last_resort": 0.95, **more},
        )
        for more in ({}, TRANSFER)
    ]
    outcomes = []
    for scenario in scenarios:
        world = Episode(scenario)
        wanted = place_by_name(scenario, placed)
        world.state.resident[wanted != EMPTY] = wanted[wanted != EMPTY]
        assert (held_segments(world.state) == world.state.resident).all()
        outcomes.append(world.play(**placed))
    for field, same in zip(*outcomes, strict=True):
        np.testing.assert_array_equal(field, same)


def loading_world(data, worlds):
    world = data.draw(worlds)
    world["overrides"] |= {"serving.capacity": "shared", "serving.loading": "transfer", "horizon": 6}
    return world


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_what_is_there_for_a_share_of_the_slot_serves_no_more_of_the_batch(make_scenario, worlds, data, seed):
    """For every x, all options of a class that are available for at most x serve at most x of its batch."""
    instance = build_instance(make_scenario(**loading_world(data, worlds)), seed)
    rng, state, scratch = np.random.default_rng(seed), initial_state(instance), make_scratch(instance.tables)
    model = instance.tables.segment_model
    for t in range(6):
        if t % 2 == 0:
            wanted = np.stack(
                [
                    rng.choice([EMPTY, *np.flatnonzero(model == m)], len(state.resident[0]))
                    for m in range(state.resident.shape[2])
                ],
                axis=1,
            )[None].astype(np.int32)
        state, outcome = step(instance, state, Action(wanted), scratch)
        for rho, batch in enumerate(outcome.arrived[0]):
            mine = slice(scratch.entry_start[rho], scratch.ordered[rho])
            amount, window = scratch.amount[mine], scratch.window[mine]
            assert amount.sum() == pytest.approx(outcome.served[0, rho], abs=1e-9)
            for x in window:
                assert amount[window <= x].sum() <= x * batch * (1 + 1e-9)


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_no_byte_of_a_load_is_lost(make_scenario, worlds, data, seed):
    """What has come and what is still to come is what was missing, and no link carries what no load takes."""
    world = loading_world(data, worlds)
    world["overrides"]["dynamics.memory"] = None
    scenario = make_scenario(**world)
    instance, compiled = build_instance(scenario, seed), compile_scenario(scenario)
    tables, rng = instance.tables, np.random.default_rng(seed)
    wanted = np.full((1, *tables.pinned.shape), EMPTY, np.int32)
    for v, s in zip(*compiled.pairs, strict=True):
        if rng.random() < 0.5:
            wanted[0, v, tables.segment_model[s]] = s
    state, come = initial_state(instance), 0.0
    for _ in range(6):
        state, outcome = step(instance, state, Action(wanted))
        come += outcome.loaded.sum()
        missing = bytes_to_load(tables, held_segments(state)[0], tables.pinned).sum()
        assert come + state.bytes_to_come.sum() == pytest.approx(missing, rel=1e-9, abs=1e-9)
        assert outcome.in_flight[0] == (state.wish != EMPTY).sum()
        assert outcome.load_traffic[0] == pytest.approx(outcome.load_bytes[0].sum())
