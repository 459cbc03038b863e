"""The observation `graph-moves`: what moving a model takes, how long demand stays, and what must leave."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.context_env import ContextEnv
from idn_gym.core.arrays import EMPTY
from idn_gym.core.geometry import nominal_free_bytes
from idn_gym.core.nominal import passed_nodes, passing_requests
from idn_gym.env import IDNEnv
from idn_gym.observations import extensions_of
from idn_gym.observations.further_columns import STAY_SLOTS
from idn_gym.observations.past_runs import RUN_WINDOW
from idn_gym.policies.registry import make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.spans import SPAN_SLOTS
from idn_gym.simulation import Simulation
from tests.conftest import place_by_name
from tests.test_graph_observation import MOVING, see

pytestmark = pytest.mark.filterwarnings("ignore:.*has finite compute")

SEEDS = st.integers(0, 2**32 - 1)
NAMES = ["load time", "stay", "age", "displaced"]
TRANSFER = {"serving.capacity": "shared", "serving.loading": "transfer"}
STILL = {"dynamics.link": {"kind": "fixed"}, "dynamics.outages": None, "dynamics.link_outages": None}
STILL |= {"dynamics.background": None, "dynamics.memory": None}

# Loads get 40 bytes a slot of 10 s on the first link and 20 on the second.
NODES = {
    "a": {"demand": 1.0, "memory": 60.0},
    "e": {"device": "fast", "memory": 100.0},
    "c": {"device": "fast", "pins": ["all"], "servers": float("inf")},
}
LINKS = [("a", "e", {"rate": 8.0}), ("e", "c", {"rate": 4.0})]
MODELS = {
    "m": {"blocks": [(1.0, 10.0, 4.0), (1.0, 20.0, 0.0)], "start_seconds": 2.0},
    "n": {"blocks": [(1.0, 20.0, 0.0)], "task": "u"},
    "o": {"blocks": [(1.0, 25.0, 0.0)], "task": "w"},
}


def as_share(slots):
    return slots / (slots + STAY_SLOTS)


@pytest.fixture
def simulation(make_scenario):
    def make(**overrides):
        scenario = make_scenario(NODES, LINKS, MODELS, {**TRANSFER, "horizon": 20, **overrides})
        made = Simulation(scenario, "segments", "graph-moves", "balanced", "train", batch=1)
        made.reset([0], [0])
        return made

    return make


def play(simulation, **placement):
    simulation.step(place_by_name(simulation.compiled.scenario, placement))


def seconds(simulation, pair):
    """Seconds that loading a pair takes, as observed."""
    share = see(simulation, "pairs", pair)["load time"]
    return 10.0 * share / (1.0 - share)


# ---------------------------------------------------------------- beside `graph`


@pytest.mark.parametrize("name, changes", [("tiny", MOVING), ("edge-small", TRANSFER), ("digits-adapt", {})])
def test_all_else_is_the_graph(name, changes):
    scenario = load_scenario(name, changes)
    one, other = (
        Simulation(scenario, None, codec, "balanced", "train", batch=2) for codec in ("graph", "graph-moves")
    )
    space = one.codec.space
    space.seed(0)
    for simulation in (one, other):
        simulation.reset([0, 1], [0, 1])
    told = one.observer.describe()["pairs"]["columns"]
    more = other.observer.describe()["pairs"]["columns"]
    assert more[: len(told)] == told and [column["name"] for column in more[len(told) :]] == NAMES
    for _ in range(4):
        actions = np.stack([space.sample() for _ in range(2)])
        base, seen = one.step(actions).observation, other.step(actions).observation
        for table, values in base.items():
            np.testing.assert_array_equal(seen[table][..., : values.shape[-1]], values)
        assert seen["pairs"].shape[-1] == base["pairs"].shape[-1] + len(NAMES)
        assert all((seen["pairs"][..., -len(NAMES) :] <= 1.0).ravel())
        np.testing.assert_array_equal(one.observe()[1], other.observe()[1])  # clipped entries among them


def test_gymnasiums_checker_passes():
    from gymnasium.utils.env_checker import check_env

    env = gym.make("IDN-v0", scenario="tiny", observation="graph-moves", preference="random")
    check_env(env.unwrapped, skip_render_check=True)


def test_who_reads_graph_by_names_reads_this_too():
    assert extensions_of("graph") == ("graph", "graph-moves") and extensions_of("flat") == ("flat",)
    acted = []
    for codec in extensions_of("graph"):
        env = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", action="scores", observation=codec)
        observation, _ = env.reset(seed=[0, 1])
        acted.append(make_policy("index", env).predict(observation, None, None, True)[0])
        env.close()
    np.testing.assert_array_equal(*acted)


# ---------------------------------------------------------------- how long loading takes


def test_a_load_by_hand(simulation):
    """30 bytes at 20 a slot, and 2 s of start-up; then from the middle node at 40 a slot."""
    sim = simulation()
    assert seconds(sim, "a: m") == pytest.approx(17.0, rel=1e-5)
    assert seconds(sim, "a: m[0:1]") == pytest.approx(7.0, rel=1e-5)
    play(sim, e=["m"])
    assert seconds(sim, "e: m") == pytest.approx(7.0, rel=1e-5)
    play(sim, e=["m"])
    assert seconds(sim, "e: m") == seconds(sim, "e: m[0:1]") == 0.0
    assert seconds(sim, "a: m") == pytest.approx(9.5, rel=1e-5)


def test_loads_on_their_way_share_the_links(simulation):
    sim = simulation()
    play(sim, e=["m"])  # 10 of 30 bytes are left
    assert seconds(sim, "a: n") == pytest.approx(15.0, rel=1e-5)  # with its own 20, at 20 a slot
    assert seconds(sim, "e: m[0:1]") == pytest.approx(2.0, rel=1e-5)  # those 20 have begun with the head
    assert seconds(sim, "e: m[1:2]") == pytest.approx(7.0, rel=1e-5)  # in place of the load, not beside it


def test_rates_are_those_of_the_coming_slot(simulation):
    sim, hidden = simulation(), simulation(resources="hidden")
    for one in (sim, hidden):
        one.instance.draw.rate[0, 0, 1] = 2.0
    assert seconds(sim, "e: n") == pytest.approx(20.0, rel=1e-5)
    assert seconds(hidden, "e: n") == pytest.approx(10.0, rel=1e-5)
    sim.instance.draw.rate[0, 0, 1] = 0.0
    assert see(sim, "pairs", "e: n")["load time"] == 1.0


def test_loads_that_take_no_time(simulation):
    sim = simulation(**{"serving.loading": "instant"})
    assert all(see(sim, "pairs", pair)["load time"] == 0.0 for pair in ("a: m", "a: n", "e: m[1:2]"))


def loaded_after(simulation, wanted, v, m):
    """Seconds until a wish is usable, by playing it."""
    slot, s = simulation.compiled.tables.slot_seconds, wanted[0, v, m]
    for t in range(200):
        simulation._scratch.available[v, m] = 0.0
        simulation.step(wanted)
        if simulation.now.resident[0, v, m] == s:
            return (t + 1.0 - simulation._scratch.available[v, m]) * slot
    raise AssertionError("it takes too long")


@settings(max_examples=60)
@given(data=st.data(), seed=SEEDS)
def test_seconds_are_what_a_load_takes(make_scenario, worlds, data, seed):
    """Where nothing else is on its way and nothing moves, from random residents."""
    world = data.draw(worlds)
    world["overrides"] |= {**TRANSFER, **STILL, "horizon": 200, "resources": "visible"}
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    sim = Simulation(scenario, "segments", "graph-moves", "balanced", "train", batch=1)
    sim.reset([0], [seed])
    tables, (node, segment) = sim.compiled.tables, sim.compiled.pairs
    draw, rng = sim.instance.draw, np.random.default_rng(seed)
    draw.rate[:], draw.memory[:] = tables.link_rate, tables.node_memory
    for v, s in zip(node, segment, strict=True):
        fits = tables.segment_bytes[s] <= 0.5 * nominal_free_bytes(tables)[v]
        if fits and rng.random() < 0.4:
            sim.now.resident[0, v, tables.segment_model[s]] = s
    wanted = sim.now.resident.copy()
    free = nominal_free_bytes(tables) - (wanted[0] != EMPTY).sum(1) * tables.segment_bytes.max()
    c = int(rng.integers(len(node)))
    v, s = node[c], segment[c]
    m = tables.segment_model[s]
    assume(tables.segment_bytes[s] <= free[v] and wanted[0, v, m] != s)  # both fit, and nothing must leave
    wanted[0, v, m] = s
    told = float(sim.observe()[0]["pairs"][0, c, -len(NAMES)])
    found = loaded_after(sim, wanted, v, m)
    if told == 0.0:  # a part of what the node holds
        assert found == tables.slot_seconds
    else:
        assert told == pytest.approx(found / (found + tables.slot_seconds), rel=1e-5)


# ---------------------------------------------------------------- for how long demand stays


def test_runs_by_hand(simulation):
    """Three slots above nominal, two below, one above; the first run below was cut off by nothing."""
    sim = simulation()
    rho = sim.compiled.names.classes.index("t@a")
    nominal = sim.compiled.tables.class_requests[rho]
    assert see(sim, "pairs", "a: m")["stay"] == pytest.approx(0.5) and see(sim, "pairs", "a: m")["age"] == 0.0
    seen = []
    for above in (1, 1, 1, 0, 0, 1):
        sim.instance.draw.demand[0, int(sim.now.slot[0]), rho] = nominal * 2 * above
        play(sim)
        row = see(sim, "pairs", "e: m")
        seen.append((row["stay"], row["age"]))
    stays = [11, 12, 13, 11, 12, 14 / 2]
    ages = [1, 2, 3, 1, 2, 1]
    wanted = [(as_share(stay), as_share(age)) for stay, age in zip(stays, ages, strict=True)]
    np.testing.assert_allclose(seen, wanted, rtol=1e-6)


def test_demand_at_nominal_stays(simulation):
    sim = simulation(horizon=90)
    sim.instance.draw.demand[:] = sim.compiled.tables.class_requests
    for _ in range(80):
        play(sim)
    row = see(sim, "pairs", "a: m")
    assert row["stay"] == pytest.approx(as_share(RUN_WINDOW + STAY_SLOTS))
    assert row["age"] == pytest.approx(as_share(RUN_WINDOW))


def plain_runs(simulation, slot):
    """Stay and age by (node, task), from lists of the demand of all slots before one."""
    tables, nominal = simulation.compiled.tables, passing_requests(simulation.compiled.tables)
    found = {}
    rho, node = passed_nodes(tables)
    for v, k in itertools.product(range(len(tables.node_memory)), range(len(tables.task_model) - 1)):
        classes = rho[(node == v) & (tables.class_task[rho] == k)]
        demand = simulation.instance.draw.demand[0, max(0, slot - RUN_WINDOW) : slot, classes].sum(0)
        runs = [(kind, len(list(run))) for kind, run in itertools.groupby(demand > nominal[v, k])]
        if not runs:
            found[v, k] = STAY_SLOTS, 0
            continue
        kind, age = runs[-1]
        alike = [length for other, length in runs if other == kind]
        found[v, k] = (STAY_SLOTS + sum(alike)) / len(alike), age
    return found


@settings(max_examples=20)
@given(data=st.data(), seed=SEEDS)
def test_stays_are_those_of_past_runs(make_scenario, worlds, data, seed):
    world = data.draw(worlds)
    world["overrides"]["horizon"] = 100
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    sim = Simulation(scenario, "segments", "graph-moves", "balanced", "train", batch=1)
    sim.reset([0], [seed])
    rng = np.random.default_rng(seed)
    tables, (node, segment) = sim.compiled.tables, sim.compiled.pairs
    # Each class is on for a while and off for a while.
    on = rng.random((100, len(tables.class_task))) < 0.2
    sim.instance.draw.demand[0] = np.logical_xor.accumulate(on) * rng.uniform(1, 3, 100)[:, None]
    for slot in sorted(rng.choice(101, 4, replace=False).tolist()):
        sim.now.slot[0] = slot
        expected = plain_runs(sim, slot)
        pairs = sim.observe()[0]["pairs"][0]
        for c, (v, s) in enumerate(zip(node, segment, strict=True)):
            stay, age = expected[v, tables.model_task[tables.segment_model[s]]]
            assert pairs[c, -3] == pytest.approx(as_share(stay)) and pairs[c, -2] == pytest.approx(
                as_share(age)
            )


def test_long_episodes_go_on_where_they_were_saved():
    """What runs are counted from is still there, however long the episode, and after it is restored."""
    assert RUN_WINDOW <= SPAN_SLOTS
    changes = {"horizon": 2 * SPAN_SLOTS + 60, "workload.arrivals": "poisson"}
    envs = [
        gym.make_vec("IDN-v0", 1, scenario="tiny", observation="graph-moves", overrides=changes)
        for _ in range(2)
    ]
    for env in envs:
        env.reset(seed=[0])
    one, other = (env.unwrapped for env in envs)
    idle = np.zeros(one.action_space.shape, one.action_space.dtype)
    for slot in range(2 * SPAN_SLOTS + 50):
        seen = one.step(idle)[0]
        if slot in (SPAN_SLOTS + 3, 2 * SPAN_SLOTS + 3):
            other.set_state(one.get_state())
            np.testing.assert_equal(other.simulation.observe()[0], seen)
    for env in envs:
        env.close()


# ---------------------------------------------------------------- what must leave


def test_what_must_leave_by_hand(simulation):
    """On a 60 bytes are free, of which m and n take 50. The 25 of o need 15 more: n alone is enough.

    Whichever saves least per byte goes first, so if that is not enough the other one goes, too.
    """
    sim = simulation(**{"serving.loading": "instant", "serving.tariff": {"traffic": 1.0}})
    play(sim, a=["m", "n"])
    sim.now.recent[0, sim.compiled.names.classes.index("u@a")] *= 0.25
    rows = {name: see(sim, "pairs", f"a: {name}") for name in ("m", "m[0:1]", "n", "o")}
    held = {name: rows[name]["saving"] for name in ("m", "n")}
    assert held["m"] / 30 > held["n"] / 20 > 0.0
    assert rows["o"]["displaced"] == pytest.approx(held["n"])
    assert rows["m"]["displaced"] == rows["n"]["displaced"] == 0.0
    assert rows["m[0:1]"]["displaced"] == pytest.approx(held["m"])  # the whole leaves for its head
    sim.instance.draw.memory[0, 1, 0] = 30.0
    assert see(sim, "pairs", "a: o")["displaced"] == pytest.approx(held["n"] + held["m"])
    assert see(sim, "pairs", "a: m")["displaced"] == pytest.approx(held["n"])


def test_loads_on_their_way_may_be_displaced(simulation):
    sim = simulation(**{"serving.tariff": {"traffic": 1.0}})
    play(sim, a=["m", "n"])
    assert see(sim, "pairs", "a: n")["on its way"] == 1.0
    assert see(sim, "pairs", "a: o")["displaced"] == pytest.approx(see(sim, "pairs", "a: n")["saving"]) != 0.0


def test_contexts_have_these_columns_too():
    env = ContextEnv(observation="graph-moves", overrides={"horizon": 3})
    seen, _ = env.reset(seed=1)
    plain = IDNEnv(env.scenario, "scores", "graph-moves", "balanced", split="train")
    expected, _ = plain.reset(seed=1)
    names = [column["name"] for column in env.describe()["observation"]["pairs"]["columns"]]
    assert names[-len(NAMES) :] == NAMES and seen in env.observation_space
    for _ in range(2):
        count = len(expected["pairs"])
        np.testing.assert_array_equal(seen["pairs"][:count], expected["pairs"])
        assert not seen["pairs"][count:].any()
        action = env.action_space.sample()
        seen, expected = env.step(action)[0], plain.step(action[:count])[0]
    with pytest.raises(
        ConfigError, match=r"^observation: 'flat' is not allowed; allowed: graph, graph-moves"
    ):
        ContextEnv(observation="flat")
