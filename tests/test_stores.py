"""Batteries and airtime budgets as users meet them: in scenarios, observations, infos and pictures."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.env import IDNEnv
from idn_gym.observations import OBSERVERS
from idn_gym.rendering import render_rgb
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.test_vector import MODES, MOVING, STEPS, Loop, compare, compare_infos

STOCKED = {
    "topology.nodes.0.battery": {"capacity": 2000.0, "start": 0.5},
    "topology.nodes.1.battery": {"capacity": 9000.0},
    "topology.links.0.duty_cycle": 0.01,
    "dynamics.harvest": {"kind": "solar", "watts": 1.0, "period": 10.0},
}
NAMES = ("board battery", "edge battery", "board->edge airtime")


def make(**kwargs):
    return IDNEnv(**{"scenario": "tiny", "overrides": STOCKED, "preference": "balanced", **kwargs})


def played(env, steps, seed=0):
    env.reset(seed=seed)
    env.action_space.seed(seed)
    return [env.step(env.action_space.sample()) for _ in range(steps)]


@pytest.mark.parametrize("observation", OBSERVERS)
@pytest.mark.parametrize("mode", MODES)
def test_a_batch_is_a_loop_of_singles_to_the_bit(observation, mode):
    kwargs = {"scenario": "tiny", "overrides": MOVING | STOCKED, "preference": "random"}
    kwargs["observation"] = observation
    vector, loop = IDNVectorEnv(3, autoreset_mode=mode, **kwargs), Loop(3, mode, **kwargs)
    vector.reset(seed=11)
    loop.reset(range(11, 14))
    vector.action_space.seed(3)
    for _ in range(STEPS):
        actions = vector.action_space.sample()
        result = vector.step(actions)
        compare(result, loop.step(actions))
    assert result[4]["levels"].shape == (3, 3)


@pytest.mark.parametrize("mode", MODES)
def test_infos_are_those_of_gymnasiums_own_vector_environment(mode):
    kwargs = {"num_envs": 2, "scenario": "tiny", "overrides": MOVING | STOCKED, "preference": "balanced"}
    vector = gym.make_vec("IDN-v0", autoreset_mode=mode, **kwargs).unwrapped
    vectors = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": mode}}
    sync = gym.make_vec("IDN-v0", **vectors, **kwargs)
    compare_infos(vector.reset(seed=1)[1], sync.reset(seed=1)[1])
    vector.action_space.seed(0)
    for _ in range(STEPS):
        actions = vector.action_space.sample()
        compare_infos(vector.step(actions)[4], sync.step(actions)[4])


def test_a_saved_state_goes_on_to_the_bit():
    env, other = (IDNVectorEnv(2, "tiny", overrides=STOCKED) for _ in range(2))
    env.reset(seed=3)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(6)]
    for action in actions[:3]:
        env.step(action)
    other.set_state(pickle.loads(pickle.dumps(env.get_state())))
    for action in actions[3:]:
        for one, same in zip(env.step(action)[:2], other.step(action)[:2], strict=True):
            np.testing.assert_array_equal(one, same)
    assert env.simulation.now.level.tolist() == other.simulation.now.level.tolist()


@pytest.mark.parametrize("observation", OBSERVERS)
def test_gymnasium_accepts_it(observation):
    check_env(make(observation=observation), skip_render_check=True)


def test_the_vector_says_what_is_left_and_who_is_off():
    env = make()
    columns = {feature["name"]: feature["index"] for feature in env.describe()["observation"]}
    for observation, *_, info in played(env, 8):
        for z, name in enumerate(NAMES):
            share = info["levels"][z] / env.simulation.compiled.tables.store_capacity[z]
            assert observation[columns[f"charge {name}"]] == np.float32(share)
            assert observation[columns[f"off {name}"]] == info["off"][z]
    assert not any(
        f["name"].startswith(("charge", "off ")) for f in make(overrides={}).describe()["observation"]
    )


def test_the_graph_says_it_at_nodes_and_links():
    env = make(observation="graph")
    tables = env.simulation.compiled.tables
    names = {
        table: [c["name"] for c in env.describe()["observation"][table]["columns"]]
        for table in ("nodes", "links")
    }
    assert names["nodes"][-2:] == ["charge", "off"] and names["links"][-1] == "airtime"
    for observation, *_, info in played(env, 6):
        left = np.append(info["levels"] / tables.store_capacity, 1.0)  # of what has no store: all
        np.testing.assert_array_equal(observation["nodes"][:, -2], np.float32(left[tables.node_store]))
        np.testing.assert_array_equal(observation["links"][:, -1], np.float32(left[tables.link_store]))
        off = np.append(info["off"], False)
        np.testing.assert_array_equal(observation["nodes"][:, -1], off[tables.node_store])
    usual = make(observation="graph", overrides={})
    assert usual.observation_space["nodes"].shape[1] == env.observation_space["nodes"].shape[1] - 2


def test_refills_to_come_are_not_seen():
    """What is harvested from the coming slot on leaves the observation as it is."""
    seen = []
    for harvest in (0.0, 500.0):
        env = make()
        env.reset(seed=0)
        env.simulation.instance.draw.refill[:, 3:] = harvest
        env.action_space.seed(0)
        seen.append([env.step(env.action_space.sample())[0] for _ in range(4)])
    np.testing.assert_array_equal(seen[0][:3], seen[1][:3])
    assert not np.array_equal(seen[0][3], seen[1][3])


def test_the_lifetime_ends_when_the_first_battery_goes_off():
    env = make(overrides={**STOCKED, "dynamics.harvest": None})
    off, found = None, []
    for t, (*_, info) in enumerate(played(env, 12)):
        if off is None and info["off"][:2].any():
            off = t
        found.append(info["lifetime"])
    assert off is not None and off > 0
    assert found == [600.0 * min(t + 1, off) for t in range(12)]


def test_pictures_and_words_say_it():
    env = make(render_mode="ansi", overrides={**STOCKED, "dynamics.harvest": None})
    played(env, 1)
    charge = env.simulation.now.level[0] / env.simulation.compiled.tables.store_capacity
    assert env.describe_placement()["board"][-1] == f"battery {100 * charge[0]:.0f} %"
    assert f"{100 * charge[0]:.0f}%" in next(
        line for line in env.render().splitlines() if line.startswith("board ")
    )
    played(env, 12)
    assert env.describe_placement()["board"][-1].endswith(", off")
    assert "off" in next(line for line in env.render().splitlines() if line.startswith("board "))
    assert not any("battery" in word for word in env.describe_placement()["cloud"])


def test_the_image_changes_with_the_charge():
    env = make()
    played(env, 1)
    before = render_rgb(env.simulation, 0, None)
    env.simulation.now.level[0, 0] *= 0.5
    assert (render_rgb(env.simulation, 0, None) != before).any()


def test_tiers_give_every_node_a_battery_and_an_airtime_of_its_own():
    tier = len(load_scenario("isp-hierarchy").topology.tiers) - 1
    overrides = {f"topology.tiers.{tier}.battery": {}, f"topology.tiers.{tier}.duty_cycle": 0.1}
    compiled = compile_scenario(load_scenario("isp-hierarchy", overrides | {"serving.capacity": "shared"}))
    last = [v for v, name in enumerate(compiled.names.tiers) if name == compiled.names.tiers[-1]]
    assert sorted(compiled.tables.node_store[last].tolist()) == list(range(len(last)))
    assert (compiled.tables.link_store != EMPTY).sum() == len(last)
    assert len(compiled.names.stores) == 2 * len(last)


def test_batteries_get_what_their_nodes_harvest():
    compiled = compile_scenario(load_scenario("tiny", {**STOCKED, "dynamics.harvest": {"kind": "constant"}}))
    watts = compiled.scenario.dynamics.harvest.watts
    np.testing.assert_allclose(compiled.tables.store_refill, [600.0 * watts, 600.0 * watts, 6.0])
    env = make(overrides={**STOCKED, "dynamics.harvest": {"kind": "constant"}})
    env.reset(seed=0)
    np.testing.assert_allclose(env.simulation.instance.draw.refill[0, :5], [compiled.tables.store_refill] * 5)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"topology.nodes.0.battery": {"cutoff": 0.5, "restart": 0.4}},
            r"battery\.restart: 0.4 .* cutoff, 0.5",
        ),
        ({"topology.nodes.0.battery": {"capacity": 0.0}}, "battery.capacity: 0"),
        ({"topology.links.0.duty_cycle": 1.5}, "duty_cycle: 1.5"),
        ({"topology.nodes.2.battery": {}}, r"topology.nodes.cloud.battery: .*\.inf"),
        (
            {"topology.nodes.0.battery": {}, "serving.capacity": "exogenous", "serving.loading": "instant"},
            "topology.nodes.board.battery: .* exogenous",
        ),
        (
            {
                "topology.links.0.duty_cycle": 0.1,
                "serving.capacity": "exogenous",
                "serving.loading": "instant",
            },
            "topology.links.board->edge.duty_cycle: .* exogenous",
        ),
    ],
)
def test_what_cannot_be_is_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        make(overrides=overrides)
