"""Messages over LoRaWAN: which get through, and what becomes of the others."""

import math

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.radio.cell import Cell, predict_cell
from idn_gym.radio.lorawan import FACTORS, time_on_air
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.conftest import place_by_name

SIZE = 12.0
MODEL = {"m": {"blocks": [(0.001, 40.0, 4.0), (0.001, 20.0, 0.0)], "input": SIZE}}
REST = {"g": {}, "c": {"pins": ["all"], "device": "fast", "servers": float("inf")}}
UP = ("g", "c", {"rate": 1e9, "delay": 0.0, "energy": 0.0})


def cell(make_scenario, devices, rate, count=1, **radio):
    """Devices that send all of their requests to one gateway, each over a spreading factor at a power."""
    nodes = {
        f"d{i}": {"demand": 1.0, "memory": 100.0, "servers": 1.0, "count": count} for i in range(len(devices))
    }
    links = [
        (f"d{i}", "g", {"link": f"lora_sf{factor}_eu868", "power": power, "duty_cycle": 1.0})
        for i, (factor, power) in enumerate(devices)
    ]
    overrides = {f"topology.radio.{key}": value for key, value in radio.items()}
    return make_scenario(nodes | REST, [*links, UP], MODEL, overrides, rate=rate)


def play(scenario, placement=None):
    instance = build_instance(scenario, 0)
    return step(instance, initial_state(instance), Action(place_by_name(scenario, placement or {})))[1]


def delivered(outcome):
    return 1.0 - outcome.lost[0] / outcome.arrived[0]


@pytest.mark.parametrize("load", [0.05, 0.1, 0.5])
def test_a_crowd_of_equals_gets_exp_of_minus_twice_its_load_through(make_scenario, load):
    airtime = float(time_on_air(SIZE + 13, 9))
    scenario = cell(make_scenario, [(9, -120.0)], load / airtime, count=100_000, channels=1, demodulators=0)
    outcome = play(scenario)
    assert delivered(outcome)[0] == pytest.approx(math.exp(-2.0 * load), rel=1e-4)
    np.testing.assert_allclose(outcome.served + outcome.started[..., -1], outcome.arrived)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("transmissions", [1, 3])
@pytest.mark.parametrize("demodulators", [0, 2, 8])
def test_cells_are_those_of_the_radio_library(make_scenario, channels, transmissions, demodulators):
    rng = np.random.default_rng(channels + 7 * demodulators)
    factor, power = rng.integers(7, 13, 24), rng.uniform(-126.0, -90.0, 24)
    scenario = cell(
        make_scenario,
        list(zip(factor.tolist(), power.tolist(), strict=True)),
        6.0,
        channels=channels,
        demodulators=demodulators,
    )
    instance = build_instance(scenario, 0)
    repeated = np.full(24, float(transmissions))
    instance = instance._replace(tables=instance.tables._replace(radio_transmissions=repeated))
    outcome = step(instance, initial_state(instance), Action(place_by_name(scenario, {})))[1]
    rate = outcome.arrived[0] / 10.0
    airtime = np.array([float(time_on_air(SIZE + 13, f)) for f in factor])
    whole = Cell(rate, airtime, power, factor, channels, demodulators=demodulators or None)
    found = predict_cell(whole._replace(transmissions=transmissions))
    assert found.delivered < 0.99
    assert (rate * delivered(outcome)).sum() / rate.sum() == pytest.approx(found.delivered, rel=1e-9)


def test_what_is_lost_is_dropped_and_its_energy_is_spent(make_scenario):
    devices = [(12, -120.0)] * 4
    alone, crowded = (play(cell(make_scenario, devices[:n], 0.2 * n, channels=1)) for n in (1, 4))
    each = crowded.energy[0] / crowded.arrived[0]
    np.testing.assert_allclose(each, alone.energy[0, 0] / alone.arrived[0, 0])
    assert (crowded.lost[0] > 0.1).all() and alone.lost[0, 0] < 1e-6
    np.testing.assert_allclose(crowded.served + crowded.lost, crowded.arrived)
    np.testing.assert_allclose(crowded.penalty[0, :, 0], crowded.lost[0])
    assert (crowded.late[0] >= crowded.lost[0]).all()


def test_the_tariff_of_a_slot_is_what_its_rewards_are_made_of(make_scenario):
    """Latency of the served, with the timeout of the lost."""
    outcome = play(cell(make_scenario, [(12, -120.0)] * 4, 0.8, channels=1))
    assert outcome.tariff_cost[0] == pytest.approx(outcome.latency.sum() + outcome.penalty[0, :, 1].sum())


def test_only_those_who_send_are_lost(make_scenario):
    scenario = cell(make_scenario, [(12, -120.0)] * 4, 0.8, channels=1)
    outcome = play(scenario, {f"d{i}": ["m"] for i in range(2)})
    assert not outcome.lost[0, :2].any() and (outcome.lost[0, 2:] > 0.01).all()


def test_long_messages_need_all_of_their_frames(make_scenario):
    short = cell(make_scenario, [(12, -120.0)] * 2, 0.02, channels=1)
    tables = compile_scenario(short).tables
    assert set(tables.message_frames.tolist()) == {1.0} and len(tables.message_radio) > 0
    instance = build_instance(short, 0)
    longer = instance._replace(
        tables=tables._replace(
            message_frames=3.0 * tables.message_frames, message_seconds=3.0 * tables.message_seconds
        )
    )
    passed = []
    for one in (instance, longer):
        outcome = step(one, initial_state(one), Action(place_by_name(short, {})))[1]
        passed.append(delivered(outcome)[0])
    # Three times the frames of the other, and all three of one's own have to get through.
    assert math.log(passed[1]) == pytest.approx(9.0 * math.log(passed[0]), rel=1e-9)


def test_spreading_factors_of_equal_power_do_not_meet(make_scenario):
    assert len(FACTORS) == 6
    outcome = play(cell(make_scenario, [(f, -110.0) for f in FACTORS], 6.0, channels=1, demodulators=0))
    assert not outcome.lost.any()


def test_radios_need_shared_capacity(make_scenario):
    links = [("d", "g", {"link": "lora_sf7_eu868"}), UP]
    scenario = make_scenario({"d": {"demand": 1.0}} | REST, links, MODEL, {"serving.capacity": "exogenous"})
    with pytest.raises(
        ConfigError, match=r"topology\.links\.d->g\.link: 'lora_sf7_eu868' is not .*; set it to shared"
    ):
        compile_scenario(scenario)


def test_airtime_is_an_objective_like_the_others(make_scenario):
    """What runs on the device takes none."""
    scenario = cell(make_scenario, [(12, -120.0)] * 2, 0.2, channels=8)
    airtime = float(time_on_air(SIZE + 13, 12))
    rewards = {}
    for held in (False, True):
        objectives = ("accuracy", "airtime")
        env = gym.make("IDN-v0", scenario=scenario, action="segments", objectives=objectives)
        env.reset(seed=0)
        wanted = place_by_name(scenario, {f"d{i}": ["m"] for i in range(2)} if held else {})[0]
        rewards[held] = env.step(wanted)[1]
    assert rewards[False][1] == pytest.approx(-airtime, rel=0.05) and rewards[True][1] == 0.0
