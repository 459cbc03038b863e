import copy
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from idn_gym.core.arrays import EMPTY
from idn_gym.env import IDNEnv
from idn_gym.metrics import COLUMN
from idn_gym.observations import DEMAND_BOUND
from idn_gym.simulation import Simulation
from tests.conftest import QUICK_PRESETS

MOVING = {
    "workload.arrivals": "poisson",
    "dynamics.link": {"kind": "ar1", "sigma": 1.5},
    "dynamics.outages": {"mean_up": 5, "mean_down": 5},
    "dynamics.memory": {"mean_full": 5, "mean_shrunk": 5},
    "dynamics.device_error": 0.1,
}

# An ingress of 30 bytes in front of a node of 20 bytes and a repository; 10 requests a slot.
NODES = {
    "a": {"demand": 1.0, "memory": 30.0},
    "e": {"device": "fast", "memory": 20.0},
    "c": {"device": "fast", "pins": ["all"], "servers": float("inf")},
}
LINKS = [("a", "e", {}), ("e", "c", {})]
MODELS = {"m": {"blocks": [(0.5, 10.0, 4.0), (1.0, 20.0, 0.0)]}}


def see(simulation, table, row=None, batch=0):
    """One row of a table, or the globals, by the names of its columns."""
    observation = simulation.observe()[0]
    columns = [line["name"] for line in simulation.observer.describe()[table]["columns"]]
    if row is None:
        return dict(zip(columns, observation[table][batch].tolist(), strict=True))
    i = simulation.observer.describe()[table]["rows"].index(row)
    return dict(zip(columns, observation[table][batch, i].tolist(), strict=True))


@pytest.fixture
def simulation(make_scenario):
    def make(overrides=None, **kwargs):
        scenario = make_scenario(NODES, LINKS, MODELS, overrides)
        simulation = Simulation(scenario, "segments", "graph", "balanced", "train", batch=1)
        simulation.reset([0], [0])
        return simulation

    return make


# ---------------------------------------------------------------- spaces


@pytest.mark.parametrize("preference", [None, "random"])
@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_the_checkers_are_content(preset, preference):
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    env = gym.make("IDN-v0", scenario=preset, observation="graph", preference=preference).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)
        if preference is not None:
            check_for_sb3(env, warn=False)


@pytest.mark.parametrize("resources", ["visible", "hidden"])
@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_observations_stay_within_their_bounds(preset, resources):
    overrides = {**MOVING, "resources": resources}
    env = IDNEnv(scenario=preset, observation="graph", preference="random", overrides=overrides)
    env.action_space.seed(0)
    columns = [line["name"] for line in env.describe()["observation"]["nodes"]["columns"]]
    compute = set()
    for seed in range(3):
        assert env.reset(seed=seed)[0] in env.observation_space
        for _ in range(15):
            observation = env.step(env.action_space.sample())[0]
            assert observation in env.observation_space
            compute.update(observation["nodes"][:, columns.index("compute")].tolist())
    assert (compute == {1.0}) == (resources == "hidden")


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_describe_names_every_row_and_column_and_who_is_connected(preset):
    env = IDNEnv(scenario=preset, observation="graph", action="scores")
    described, names = env.describe()["observation"], env.simulation.compiled.names
    for table in ("nodes", "links", "pairs"):
        space = env.observation_space[table]
        assert (len(described[table]["rows"]), len(described[table]["columns"])) == space.shape
        np.testing.assert_array_equal(space.high[0], [line["high"] for line in described[table]["columns"]])
        np.testing.assert_array_equal(space.low[0], [line["low"] for line in described[table]["columns"]])
    assert len(described["globals"]["columns"]) == env.observation_space["globals"].shape[0]
    assert described["pairs"]["rows"] == env.describe()["action"]
    links, pairs = described["links"], described["pairs"]
    ends = zip(links["source"], links["target"], strict=True)
    assert links["rows"] == list(names.links)
    for row, (a, z) in zip(links["rows"], ends, strict=True):
        assert row.startswith(f"{names.nodes[a]}->{names.nodes[z]}")
    for row, v, s, m, k in zip(
        *(pairs[key] for key in ("rows", "node", "segment", "model", "task")), strict=True
    ):
        assert row == f"{names.nodes[v]}: {names.segments[s]}"
        assert names.segments[s].split("[")[0] == names.models[m]
        assert env.simulation.compiled.tables.model_task[m] == k
    for row, k, path in zip(*described["classes"].values(), strict=True):
        assert row == f"{names.tasks[k]}@{names.nodes[path[0]]}"


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_by_itself(clone):
    env = IDNEnv(scenario="tiny", observation="graph", preference="random")
    env.reset(seed=5)
    action = env.action_space.sample()
    env.step(action)
    twin = clone(env)
    expected = env.step(action)[0]
    env.reset(seed=9)
    np.testing.assert_equal(twin.step(action)[0], expected)


# ---------------------------------------------------------------- values


def test_nodes_links_and_globals_say_what_happened(simulation):
    """Of 20 requests 8 take the head on a, whose seconds are cut to 4; bytes fill no link."""
    sim = simulation({"serving.tariff": {"traffic": 1.0}, "workload.rate": 1.0})
    draw = sim.instance.draw
    draw.demand[0, 0], draw.seconds[0, 0, 0] = 20.0, 4.0
    draw.seconds[0, 1, 0], draw.memory[0, 1, 0], draw.rate[0, 1, 0] = 2.5, 12.0, 24.0
    names = sim.compiled.names
    wanted = np.full((1, 3, 1), EMPTY, np.int32)
    wanted[0, 0, 0] = names.segments.index("m[0:1]")
    sim.step(wanted)
    a = see(sim, "nodes", "a")
    assert (a["movable"], a["elastic"], a["ingress"], a["repository"]) == (1, 0, 1, 0)
    assert (a["compute"], a["memory"]) == pytest.approx((0.25, 0.4))
    assert a["busy"] == pytest.approx(0.4) and a["started"] == pytest.approx(8 / 20)
    assert a["filled"] == pytest.approx(10 / 12)
    assert a["batch"] == pytest.approx(2.0) and a["recent"] == pytest.approx(1.3)
    assert a["dropped"] == 0.0
    link = see(sim, "links", "a->e")
    assert link["rate"] == pytest.approx(1.5)
    assert link["load"] == pytest.approx((8 * 4 + 12 * 8) / 160)
    assert link["pressure"] == pytest.approx(np.log10(80 / 160))
    c = see(sim, "nodes", "c")
    assert (c["elastic"], c["repository"], c["compute"], c["busy"]) == (1, 1, 1, 0)
    overall = see(sim, "globals")
    assert overall["slot"] == 0.25 and overall["recent"] == pytest.approx(1.3)
    assert sum(value for name, value in overall.items() if name.startswith("weight")) == pytest.approx(1)


def test_what_is_beyond_the_bounds_is_cut_and_counted(simulation):
    """A hundredfold batch: last and smoothed at three nodes and five pairs, smoothed overall."""
    sim = simulation()
    sim.instance.draw.demand[0, 0] = 1000.0
    sim.step(np.full((1, 3, 1), EMPTY, np.int32))
    observation, metrics = sim.observe()
    assert metrics[0, COLUMN.clipped] == 3 * 2 + 5 * 2 + 1
    assert {k: v[0] for k, v in observation.items()} in sim.observer.space
    assert see(sim, "nodes", "a")["batch"] == see(sim, "globals")["recent"] == DEMAND_BOUND


def test_pairs_say_what_fits_and_what_is_there(simulation):
    sim = simulation()
    names = sim.compiled.names
    sim.instance.draw.memory[0, 1, 0] = 12.0
    wanted = np.full((1, 3, 1), EMPTY, np.int32)
    wanted[0, 0, 0] = names.segments.index("m[0:1]")
    sim.step(wanted)
    rows = sim.observer.describe()["pairs"]["rows"]
    assert rows == ["a: m[0:1]", "a: m", "a: m[1:2]", "e: m[0:1]", "e: m[1:2]"]
    assert sim.observe()[0]["pair_mask"][0].tolist() == [1, 0, 0, 1, 1]
    head, whole = see(sim, "pairs", "a: m[0:1]"), see(sim, "pairs", "a: m")
    assert (head["resident"], head["other"], head["loading"]) == (1, 0, 0)
    assert (whole["resident"], whole["other"], whole["whole"]) == (0, 1, 1) and whole["loading"] > 0
    assert (head["first"], head["last"], whole["last"]) == (0.0, 0.5, 1.0)
    assert (head["size"], whole["size"]) == pytest.approx((1 / 3, 1.0))
    assert head["error"] == 0.5


def test_a_tail_saves_where_its_head_is(simulation):
    """A tail on e serves nobody by itself; with the head on a it saves the hop to the repository."""
    sim = simulation({"serving.tariff": {"traffic": 1.0}})
    names = sim.compiled.names
    assert see(sim, "pairs", "e: m[1:2]")["saving"] == 0.0
    wanted = np.full((1, 3, 1), EMPTY, np.int32)
    wanted[0, 0, 0] = names.segments.index("m[0:1]")
    sim.instance.draw.demand[0, 0] = 10.0
    sim.step(wanted)
    tail, head = see(sim, "pairs", "e: m[1:2]"), see(sim, "pairs", "a: m[0:1]")
    # with the head on a, 4 bytes go two hops: 10 x 8; a tail on e saves one of them
    assert tail["saving"] == pytest.approx(0.5)
    # without the head, 8 bytes go two hops: 160; with it 80, whatever e might hold
    assert head["saving"] == pytest.approx(0.5)


def test_scarce_seconds_are_shared_by_the_requests_that_want_them(make_scenario):
    """Two ingress nodes want a model on e that runs 10 of their 20 requests."""
    nodes = {**NODES, "b": {"demand": 1.0, "memory": 0.0}, "a": {"demand": 1.0, "memory": 0.0}}
    nodes["e"] = {"device": "unit", "memory": 30.0}
    links = [("a", "e", {}), ("b", "e", {}), ("e", "c", {})]
    models = {"m": {"blocks": [(1.0, 10.0, 0.0)]}}
    scenario = make_scenario(nodes, links, models, {"serving.tariff": {"traffic": 1.0}}, rate=2.0)
    sim = Simulation(scenario, "segments", "graph", "balanced", "train", batch=1)
    sim.reset([0], [0])
    # all 20 requests would cost 16 each by two hops, and 8 by one
    assert see(sim, "pairs", "e: m")["saving"] == pytest.approx(0.5 / 2)
    # once it is there and used up, it is still worth as much
    sim.instance.draw.demand[0, 0] = 10.0
    sim.step(np.array([[[0]] * 4], np.int32))
    assert see(sim, "nodes", "e")["busy"] == 1.0
    assert see(sim, "pairs", "e: m")["saving"] == pytest.approx(0.5 / 2)
