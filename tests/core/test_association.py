"""Nodes that use one of several radios: which, and what follows from it."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.commands.ceilings import bounded_policies
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.conftest import place_by_name

MODEL = {"m": {"blocks": [(0.001, 40.0, 4.0), (0.001, 20.0, 0.0)], "input": 12.0}}
NODES = {
    "d": {"demand": 1.0, "memory": 100.0, "servers": 1.0},
    "e": {"demand": 1.0, "memory": 100.0, "servers": 1.0},
    "g": {},
    "h": {},
    "c": {"pins": ["all"], "device": "fast", "servers": float("inf")},
}
LINKS = [
    ("d", "g", {"link": "lora_sf7_eu868"}),
    ("d", "g", {"link": "lora_sf12_eu868"}),
    ("d", "h", {"link": "lora_sf9_eu868"}),
    ("e", "h", {"link": "lora_sf9_eu868"}),
    ("g", "c", {"rate": 1e9, "delay": 0.0}),
    ("h", "c", {"rate": 1e9, "delay": 0.0}),
]


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, LINKS, MODEL, rate=0.01)


def play(scenario, *uplinks, placement=None):
    """The state and the outcome after slots in which node d is told to use these links."""
    instance, names = build_instance(scenario, 0), compile_scenario(scenario).names
    state = initial_state(instance)
    for name in uplinks:
        asked = np.full((1, len(names.nodes)), EMPTY, np.int32)
        if name is not None:
            asked[0, 0] = names.links.index(name)
        state, outcome = step(instance, state, Action(place_by_name(scenario, placement or {}), asked))
    return state, {name: outcome.carried[0, e] for e, name in enumerate(names.links)}, outcome


def test_links_are_named_by_their_kind_where_there_are_several(scenario):
    names = compile_scenario(scenario).names
    assert names.links[:4] == ("d->g lora_sf7_eu868", "d->g lora_sf12_eu868", "d->h", "e->h")
    assert names.stores == ("d airtime", "e->h airtime")


def test_a_device_has_one_band_whichever_link_it_uses(scenario):
    """What it has sent at SF12 to one gateway is gone when it turns to the other one."""
    instance, tables = build_instance(scenario, 0), compile_scenario(scenario).tables
    assert tables.link_store[:4].tolist() == [0, 0, 0, 1]
    instance.draw.demand[:] = 0.0
    instance.draw.demand[0, 0, 0] = 10.0
    state, wish = initial_state(instance), place_by_name(scenario, {})
    full = state.level[0, 0]
    for link in (1, 2):
        asked = np.array([[link, *[EMPTY] * 4]], np.int32)
        state, outcome = step(instance, state, Action(wish, asked))
    sent = outcome.drawn[0, 0]
    assert sent == 0.0 and full - state.level[0, 0] > 10.0


def test_only_the_link_in_use_carries(scenario):
    first = compile_scenario(scenario).names.links[0]
    for told, used in ((None, first), ("d->h", "d->h"), ("d->g lora_sf12_eu868", "d->g lora_sf12_eu868")):
        _, carried, outcome = play(scenario, told)
        assert [name for name, size in carried.items() if name[0] == "d" and size > 0.0] == [used]
        assert (outcome.served + outcome.lost).sum() == pytest.approx(outcome.arrived.sum())


def test_a_choice_holds_until_another_one(scenario):
    state, carried, _ = play(scenario, "d->h", None, None)
    names = compile_scenario(scenario).names
    assert names.links[state.uplink[0, 0]] == "d->h" and carried["d->h"] > 0.0
    assert state.uplink[0, 1] == EMPTY  # e has one link


def test_latency_and_energy_follow_the_spreading_factor(scenario):
    slow, fast = (play(scenario, name)[2] for name in ("d->g lora_sf12_eu868", "d->g lora_sf7_eu868"))
    assert slow.latency[0, 0] > 1.5 * fast.latency[0, 0]
    longer = 1.482752 - 0.061696  # [s] on air of 25 bytes
    spent = slow.energy[0, 0] - fast.energy[0, 0]
    assert spent == pytest.approx(0.05 * (0.132 * longer + 0.0249151 - 0.0174489), rel=0.05)


def test_links_of_others_are_not_taken(scenario):
    instance, names = build_instance(scenario, 0), compile_scenario(scenario).names
    asked = np.array([[names.links.index("e->h"), names.links.index("d->h"), EMPTY, EMPTY, EMPTY]], np.int32)
    state, _ = step(instance, initial_state(instance), Action(place_by_name(scenario, {}), asked))
    assert names.links[state.uplink[0, 0]] == "d->g lora_sf7_eu868" and state.uplink[0, 1] == EMPTY


def test_what_runs_on_the_device_needs_no_link(scenario):
    _, carried, outcome = play(scenario, "d->h", placement={"d": ["m"], "e": ["m"]})
    assert not any(carried.values()) and outcome.served.sum() == pytest.approx(outcome.arrived.sum())


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ([*LINKS, ("d", "g", {"link": "lora_sf7_eu868"})], "d->g is given twice|d->g: is given twice"),
        ([*LINKS, ("g", "c", {})], "g->c: is given twice"),
        ([*LINKS, ("d", "g", {})], "d->g: is given twice"),
        ([*LINKS, ("e", "d", {})], "e->d: must not lead to 'd'"),
    ],
)
def test_links_that_cannot_be_chosen_between_are_refused(make_scenario, links, problem):
    with pytest.raises(ConfigError, match=problem):
        compile_scenario(make_scenario(NODES, links, MODEL))


def test_devices_that_nobody_hears_are_refused(make_scenario):
    links = [("d", "g", {"link": "lora_sf7_eu868", "power": -127.0}), *LINKS[3:]]
    with pytest.raises(ConfigError, match=r"d->g\.power: -127 is not allowed; lora_sf7_eu868 is heard from"):
        compile_scenario(make_scenario(NODES, links, MODEL))


def test_the_codec_says_link_and_placement(scenario):
    env = gym.make("IDN-v0", scenario=scenario, action="association")
    lines, names = env.unwrapped.describe()["action"], compile_scenario(scenario).names
    assert lines[0] == "d: 0 d->g lora_sf7_eu868, 1 d->g lora_sf12_eu868, 2 d->h"
    assert env.action_space.nvec[0] == 3 and len(lines) == len(env.action_space.nvec)
    assert env.unwrapped.action_masks().shape == (env.action_space.nvec.sum(),)
    whole = next(i for i, word in enumerate(lines[1].split(", ")[1:]) if word.endswith(" m"))
    env.reset(seed=0)
    for link, held in ((2, 0), (1, 0), (1, whole)):
        action = np.zeros(len(lines), int)
        action[:2] = link, held
        env.step(action)
        carried = env.unwrapped.simulation.last.carried[0]
        used = [
            name for name, size in zip(names.links, carried, strict=True) if size > 0.0 and name[0] == "d"
        ]
        assert used == ([] if held else [names.links[link]])


def test_an_action_of_links_and_a_placement_is_what_is_played(scenario):
    env = gym.make("IDN-v0", scenario=scenario, action="association")
    names, simulation = compile_scenario(scenario).names, env.unwrapped.simulation
    env.reset(seed=0)
    for link, placement in (("d->h", {"d": ["m"]}), ("d->g lora_sf12_eu868", {"g": ["m[1:2]"]})):
        uplink = np.full(len(names.nodes), EMPTY)
        uplink[0] = names.links.index(link)
        wanted = place_by_name(scenario, placement)[0]
        action = simulation.codec.encode(wanted, uplink)
        assert env.action_space.contains(action)
        env.step(action)
        assert simulation.state.uplink[0, 0] == uplink[0]
        pinned = simulation.compiled.tables.pinned[:2]
        assert np.array_equal(
            simulation.state.resident[0, :2], np.where(wanted[:2] == EMPTY, pinned, wanted[:2])
        )
    uplink[0] = names.links.index("e->h")
    with pytest.raises(ConfigError, match=r"uplink: 3 is not allowed; must be a link of node 0"):
        simulation.codec.encode(wanted, uplink)


def test_flat_observations_say_which_link_is_in_use(scenario):
    env = gym.make("IDN-v0", scenario=scenario, action="association")
    used = {
        line["name"]: line["index"]
        for line in env.unwrapped.describe()["observation"]
        if line["name"].startswith("used ")
    }
    assert list(used) == ["used d->g lora_sf7_eu868", "used d->g lora_sf12_eu868", "used d->h"]
    observation, _ = env.reset(seed=0)
    assert observation[list(used.values())].tolist() == [1.0, 0.0, 0.0]
    action = np.zeros(len(env.action_space.nvec), int)
    action[0] = 2
    assert env.step(action)[0][list(used.values())].tolist() == [0.0, 0.0, 1.0]
    assert env.step(action)[0][list(used.values())].tolist() == [0.0, 0.0, 1.0]


def test_brackets_leave_out_who_chooses_links(scenario, make_scenario, capsys):
    words = ["hedonic", "static-greedy", "random"]
    associated = dataclasses.replace(scenario, action="association")
    assert bounded_policies(associated, words) == {"static-greedy"}
    assert "left out, as these policies may choose other links: hedonic, random" in capsys.readouterr().out
    plain = make_scenario(NODES, LINKS[2:], MODEL)
    assert bounded_policies(plain, words) == set(words) and not capsys.readouterr().out


def test_the_codec_needs_a_choice(make_scenario):
    plain = make_scenario(NODES, LINKS[2:], MODEL)
    with pytest.raises(ConfigError, match="'association' needs nodes with several LoRaWAN links"):
        gym.make("IDN-v0", scenario=plain, action="association")


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_batch_associates_as_its_rows_do_alone(scenario, mode):
    words = {"scenario": scenario, "action": "association", "preference": "balanced"}
    vector = gym.make_vec("IDN-v0", num_envs=3, autoreset_mode=mode, **words)
    singles = [gym.make("IDN-v0", **words) for _ in range(3)]
    seen = [vector.reset(seed=5)[0]]
    alone = [np.array([env.reset(seed=5 + i)[0] for i, env in enumerate(singles)])]
    vector.action_space.seed(0)
    for _ in range(3):  # of four slots
        actions = vector.action_space.sample()
        seen.append(vector.step(actions)[0])
        alone.append(np.array([env.step(action)[0] for env, action in zip(singles, actions, strict=True)]))
    np.testing.assert_array_equal(seen, alone)
    uplinks = [env.unwrapped.simulation.state.uplink[0] for env in singles]
    np.testing.assert_array_equal(vector.unwrapped.simulation.state.uplink, uplinks)
