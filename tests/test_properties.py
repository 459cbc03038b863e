"""What must hold in every world, on random small ones."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import from_plain, to_plain
from idn_gym.core.arrays import BYTE_HOP, EMPTY, JOULE, SECOND, SHARED, TRANSFER, Action
from idn_gym.core.costs import serving_cost
from idn_gym.core.geometry import bytes_to_load, held_bytes
from idn_gym.core.loading import held_segments
from idn_gym.core.transition import initial_state, step
from idn_gym.observations import OBSERVERS
from idn_gym.overrides import override
from idn_gym.rewards import compute_rewards
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.simulation import Simulation

SEEDS = st.integers(0, 2**32 - 1)
FINITE = pytest.mark.filterwarnings("ignore:.*has finite compute")
"""Random worlds may have repositories that can be full, and say so."""


def random_wish(rng, tables, batch=1):
    """(B, N, M) any segment of each model on any node, or nothing."""
    wanted = np.full((batch, *tables.pinned.shape), EMPTY, np.int32)
    for m in range(wanted.shape[2]):
        mine = np.flatnonzero(tables.segment_model == m)
        wanted[:, :, m] = rng.choice([EMPTY, *mine], wanted.shape[:2])
    return wanted


def play(instance, rng, slots=4):
    """Yield (t, state after, outcome) under random wishes."""
    state = initial_state(instance)
    for t in range(slots):
        state, outcome = step(instance, state, Action(random_wish(rng, instance.tables, len(state.slot))))
        yield t, state, outcome


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------- books and budgets


@given(data=st.data(), seed=SEEDS)
def test_requests_are_conserved(make_scenario, worlds, data, seed):
    scenario = make_scenario(**data.draw(worlds))
    instance = build_instance(scenario, seed)
    for t, _, outcome in play(instance, np.random.default_rng(seed)):
        np.testing.assert_array_equal(outcome.arrived[0], instance.draw.demand[0, t])
        slack = 1e-9 * (1 + outcome.arrived)
        assert (outcome.served >= 0).all() and (outcome.served <= outcome.arrived + slack).all()
        dropped = outcome.arrived - outcome.served
        for part in (outcome.correct, outcome.split, outcome.early):
            assert (part >= 0).all() and (part <= outcome.served + slack).all()
        assert (outcome.late >= dropped - slack).all() and (outcome.late <= outcome.arrived + slack).all()
        close(outcome.started.sum(axis=2), outcome.arrived)
        close(outcome.started[:, :, -1], dropped)
        tables, draw = instance
        drop = (np.ones_like(dropped[0]), tables.class_timeout, draw.drop_joules[0], tables.class_drop_bytes)
        np.testing.assert_allclose(outcome.penalty[0], (dropped[0] * drop).T, rtol=1e-9, atol=1e-7)
        assert (outcome.latency <= outcome.served * tables.class_timeout + slack).all()


@given(data=st.data(), seed=SEEDS)
def test_no_budget_is_exceeded(make_scenario, worlds, data, seed):
    scenario = make_scenario(**data.draw(worlds))
    instance = build_instance(scenario, seed)
    tables, draw = instance
    for t, state, outcome in play(instance, np.random.default_rng(seed)):
        held = held_segments(state)[0]
        size = held_bytes(tables.segment_bytes, held) + bytes_to_load(tables, state.resident[0], held)
        free = tables.pinned == EMPTY
        pins = np.where(free, 0.0, size).sum(1)
        placed = np.where(free, size, 0.0).sum(1)
        assert (placed <= np.maximum(0.0, draw.memory[0, t] - pins) * (1 + 1e-12)).all()
        assert (state.resident[0][~free] == tables.pinned[~free]).all()
        if tables.capacity == SHARED:
            assert (outcome.busy[0] <= draw.seconds[0, t] * (1 + 1e-9)).all()
            shared = np.where(tables.link_down_rate > 0.0, 0.0, outcome.load_bytes[0])
            crossed = outcome.carried[0] + shared
            assert (crossed <= draw.rate[0, t] * tables.slot_seconds * (1 + 1e-9)).all()
            assert (outcome.link_utilisation[0] <= tables.last_resort * (1 + 1e-9)).all()
            busy, carried = np.zeros_like(outcome.busy[0]), np.zeros_like(outcome.carried[0])
            for rho, p in enumerate(tables.class_path):
                for j, k in enumerate(range(tables.path_start[p], tables.path_start[p + 1])):
                    busy[tables.path_node[k]] += outcome.spent[0, rho, j]
                    if tables.path_link[k] != EMPTY:
                        carried[tables.path_link[k]] += outcome.sent[0, rho, j]
            close(busy, outcome.busy[0])
            close(carried, outcome.carried[0])


@given(data=st.data(), seed=SEEDS, name=st.sampled_from(["scores", "scores-task"]))
def test_codecs_that_fill_ask_for_nothing_that_does_not_fit(make_scenario, worlds, data, seed, name):
    scenario = make_scenario(**data.draw(worlds))
    compiled = compile_scenario(scenario)
    assume(compiled.placeable.any())
    codec = ACTION_CODECS[name](compiled)
    instance = build_instance(scenario, seed)
    state = initial_state(instance)
    rng = np.random.default_rng(seed)
    for _ in range(scenario.horizon):
        scores = rng.uniform(-0.5, 1, (1, *codec.space.shape)).astype(np.float32)
        action = codec.decode(instance, state, scores)
        state, outcome = step(instance, state, action)
        assert outcome.refused[0] == 0
        free = instance.tables.pinned == EMPTY
        np.testing.assert_array_equal(held_segments(state)[0][free], action.wanted[0][free])


# ---------------------------------------------------------------- no peeking


@FINITE
@given(
    data=st.data(),
    seed=SEEDS,
    name=st.sampled_from(["placement", "change", "fractional"]),
    observer=st.sampled_from(list(OBSERVERS)),
)
def test_nobody_sees_the_future(make_scenario, worlds, data, seed, name, observer):
    """Demand from t on and resources from t + 1 on may be anything: at t one sees the same."""
    scenario = make_scenario(**data.draw(worlds))
    assume(compile_scenario(scenario).placeable.any())
    now = data.draw(st.integers(0, scenario.horizon - 1))
    simulations = [Simulation(scenario, name, observer, "balanced", "train", batch=1) for _ in range(2)]
    rng = np.random.default_rng(seed)
    for simulation in simulations:
        simulation.reset([0], [seed])
    draw = simulations[1].instance.draw
    draw.demand[0, now:] = rng.uniform(0, 20, draw.demand[0, now:].shape)
    for field in (draw.seconds, draw.memory, draw.rate, draw.uniforms):
        field[0, now + 1 :] *= rng.uniform(0.1, 0.9)
    space = simulations[0].codec.space
    space.seed(int(seed) % 2**31)
    for _ in range(now):
        action = space.sample()
        one, other = (simulation.step(np.asarray(action)[None]) for simulation in simulations)
        np.testing.assert_equal(one.observation, other.observation)
        np.testing.assert_array_equal(one.vector, other.vector)
    one, other = (simulation.observe()[0] for simulation in simulations)
    np.testing.assert_equal(one, other)
    if name != "fractional":
        np.testing.assert_array_equal(simulations[0].masks(), simulations[1].masks())


@FINITE
@given(data=st.data(), seed=SEEDS, observer=st.sampled_from(list(OBSERVERS)))
def test_hidden_resources_are_hidden(make_scenario, worlds, data, seed, observer):
    """Neither observation nor mask tells what nodes and links can do in the coming slot."""
    world = data.draw(worlds)
    world["overrides"]["resources"] = "hidden"
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    simulation = Simulation(scenario, "change", observer, "balanced", "train", batch=1)
    simulation.reset([0], [seed])
    observation, mask = simulation.observe()[0], simulation.masks().copy()
    for field in (
        simulation.instance.draw.seconds,
        simulation.instance.draw.memory,
        simulation.instance.draw.rate,
    ):
        field *= 0.5
    np.testing.assert_equal(simulation.observe()[0], observation)
    np.testing.assert_array_equal(simulation.masks(), mask)


# ---------------------------------------------------------------- symmetries


@given(data=st.data(), seed=SEEDS)
def test_a_step_is_a_function_of_its_arguments(make_scenario, worlds, data, seed):
    instance = build_instance(make_scenario(**data.draw(worlds)), seed)
    runs = [play(instance, np.random.default_rng(seed)) for _ in range(2)]
    for (_, *one), (_, *other) in zip(*runs, strict=True):
        for pair in zip(one, other, strict=True):
            for field, same in zip(*pair, strict=True):
                np.testing.assert_array_equal(field, same)


@given(data=st.data(), seed=SEEDS)
def test_rows_of_a_batch_are_the_episodes_one_by_one(make_scenario, worlds, data, seed):
    scenario = make_scenario(**data.draw(worlds))
    seeds = [seed, seed // 2, 7]
    batch = build_instance(scenario, seeds, preference="random")
    wishes = [random_wish(np.random.default_rng(t), batch.tables, 3) for t in range(scenario.horizon)]
    state = initial_state(batch)
    singles = [build_instance(scenario, s, preference="random") for s in seeds]
    states = [initial_state(single) for single in singles]
    for wish in wishes:
        state, outcome = step(batch, state, Action(wish))
        for row, single in enumerate(singles):
            states[row], alone = step(single, states[row], Action(wish[row : row + 1]))
            for field, same in zip((*states[row], *alone), (*state, *outcome), strict=True):
                np.testing.assert_array_equal(field[0], same[row])


# ---------------------------------------------------------------- costs


@given(data=st.data(), seed=SEEDS)
def test_dropping_everything_is_never_best_for_any_objective(make_scenario, worlds, data, seed):
    """Whatever is placed, no objective is worse than if all requests had been dropped."""
    instance = build_instance(make_scenario(**data.draw(worlds)), seed)
    tables, draw = instance
    for t, _, outcome in play(instance, np.random.default_rng(seed)):
        batch = draw.demand[0, t]
        drop = {
            "latency": (SECOND, batch * tables.class_timeout),
            "energy": (JOULE, batch * draw.drop_joules[0]),
            "traffic": (BYTE_HOP, batch * tables.class_drop_bytes),
        }
        for name, (component, cost) in drop.items():
            found = getattr(outcome, name)[0] + outcome.penalty[0, :, component]
            assert (found <= cost * (1 + 1e-9) + 1e-12).all(), name
        assert (outcome.correct[0] >= 0).all()
        assert ((outcome.correct[0] > 0) == (outcome.served[0] > 0)).all()


@given(data=st.data(), seed=SEEDS)
def test_more_demand_never_costs_less(make_scenario, worlds, data, seed):
    """Under a fixed placement with private capacity; where it is shared, requests may push others off
    what a third class needs."""
    world = data.draw(worlds)
    world["overrides"] |= {"serving.capacity": "exogenous", "serving.loading": "instant"}
    instance = build_instance(make_scenario(**world), seed)
    tables, draw = instance
    rng = np.random.default_rng(seed)
    for t, state, _ in play(instance, rng):
        rho = rng.integers(len(tables.class_task))
        before = serving_cost(instance, t, state.resident[0])
        draw.demand[0, t, rho] += rng.uniform(0.1, 5)
        assert serving_cost(instance, t, state.resident[0]) >= before * (1 - 1e-12)


@given(data=st.data(), seed=SEEDS)
def test_no_demand_no_costs(make_scenario, worlds, data, seed):
    world = data.draw(worlds)
    world["overrides"]["idle_energy"] = False
    scenario = make_scenario(**world)
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, seed)
    instance.draw.demand[:] = 0.0
    for _, _, outcome in play(instance, np.random.default_rng(seed)):
        vector, scalar = compute_rewards(compiled.tables, outcome, instance.draw.weights, compiled.scales)
        assert (vector[:, :2] == 0).all() and outcome.tariff_cost[0] == 0.0
        if instance.tables.loading != TRANSFER:
            assert (vector[:, 2:4] == 0).all()
        close(scalar, (instance.draw.weights * vector / compiled.scales)[:, 2:].sum(axis=1))


@given(data=st.data(), seed=SEEDS)
def test_the_scalar_cost_is_never_negative(make_scenario, worlds, data, seed):
    scenario = make_scenario(**data.draw(worlds))
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, seed, preference="random")
    for _, _, outcome in play(instance, np.random.default_rng(seed)):
        vector, scalar = compute_rewards(compiled.tables, outcome, instance.draw.weights, compiled.scales)
        assert scalar[0] <= 0.0
        assert vector[0, 0] >= 0.0 and (vector[0, 1:] <= 0.0).all()


@given(data=st.data())
def test_scenarios_survive_writing_and_reading(make_scenario, worlds, data):
    scenario = make_scenario(**data.draw(worlds))
    assert from_plain(type(scenario), to_plain(scenario)) == scenario
    assert from_plain(type(scenario), override(to_plain(scenario), {"horizon": 3})) != scenario
