"""Numbers that nobody means: refused by name, or played with finite rewards and observations."""

import re

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.registry import make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.magnitudes import check_magnitudes
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv

TOO_LARGE_ALONE = [
    ("topology.links.0.energy", 1e35),
    ("topology.nodes.0.memory", 1e300),
    ("topology.nodes.0.servers", 1e308),
    ("tasks.0.timeout", 1e39),
    ("tasks.0.share", 1e-30),
    ("scales.latency", 5e-324),
    ("scales.energy", 1e-25),
    ("slot_seconds", 1e25),
    ("workload.rate", 1e-300),
]


@pytest.mark.parametrize(("key", "value"), TOO_LARGE_ALONE)
def test_numbers_of_no_size_are_refused_by_name(key, value):
    with pytest.raises(
        ConfigError, match=rf"^{key}: {re.escape(repr(value))} is not allowed; must be from 1e-24 to"
    ):
        IDNEnv("tiny", overrides={key: value})


TOO_LARGE_TOGETHER = [
    ({"tasks.1.timeout": 1e24, "workload.bursts": {"ratio": 1e13}}, r"tasks.coco.timeout: 1e\+24"),
    (
        {"topology.links.0.energy": 1e24, "workload.bursts": {"ratio": 1e12}},
        r"topology.links.board->edge.energy: 1e\+24",
    ),
    ({"scales.traffic": 1e-24, "workload.flash": {"factor": 1e10}}, "scales.traffic: 1e-24"),
    ({"scales.error": 1e-24, "workload.flash": {"factor": 1e15}}, "scales.error: 1e-24"),
    (
        {"workload.bursts": {"ratio": 1e23}, "workload.flash": {"factor": 1e24}},
        r"workload.flash.factor: 1e\+24",
    ),
    (
        {"workload.diurnal": {"amplitude": 1.0}, "workload.flash": {"factor": 1e24}, "scales.error": 4.5e-12},
        "workload.flash.factor",
    ),
    ({"serving.tariff": {"latency": 1e23}, "workload.flash": {"factor": 1e24}}, "workload.flash.factor"),
    ({"idle_energy": True, "workload.rate": 1e-23, "scales.energy": 1e-20}, "workload.rate: 1e-23"),
    (
        {"dynamics.device_error": 1.0, "scales.energy": 1e-20, "workload.flash": {"factor": 1e14}},
        "scales.energy: 1e-20",
    ),
    (
        {"workload.rate": 1e18, "workload.arrivals": "poisson"},
        r"workload.rate: 1e\+18 is not allowed; Poisson batches .* set workload.arrivals=fluid",
    ),
    ({"slot_seconds": 1e20, "workload.arrivals": "poisson"}, r"slot_seconds: 1e\+20"),
    (
        {"scales.latency": 1e-24, "workload.rate": 1e-20, "workload.arrivals": "poisson"},
        "workload.rate|scales",
    ),
]


@pytest.mark.parametrize(("overrides", "message"), TOO_LARGE_TOGETHER)
def test_rewards_that_float32_does_not_hold_are_refused(overrides, message):
    with pytest.raises(ConfigError, match=rf"^({message})"):
        compile_scenario(load_scenario("tiny", overrides))


@pytest.mark.filterwarnings("ignore:.*workload.replay.stretches")
def test_a_log_may_hold_all_its_requests_in_one_slot(tmp_path):
    """That is up to as many times the nominal ones as the episode has slots; the fullest slot counts."""
    log = tmp_path / "log.csv"
    log.write_text("TIMESTAMP\n" + "".join(f"{i / 100}\n" for i in range(9)) + "48\n")
    even = tmp_path / "even.csv"
    even.write_text("TIMESTAMP\n" + "".join(f"{i}\n" for i in range(480)))
    changes = {"tasks.0.timeout": 1e11, "scales.latency": 1e-24}
    compile_scenario(load_scenario("tiny", changes))
    with pytest.raises(
        ConfigError, match=r"^scales.latency: 1e-24 is not allowed; the latency in the scalar"
    ):
        replay = {"path": str(log), "stretches": None}
        compile_scenario(load_scenario("tiny", {**changes, "workload.replay": replay}))
    compile_scenario(load_scenario("tiny", {**changes, "workload.replay": {"path": str(even)}}))


AT_THE_EDGE = [
    {"topology.links.0.energy": 1e24},
    {"topology.links.0.rate": 1e-24},
    {"topology.links.0.delay": 1e24},
    {"tasks.0.timeout": 1e24, "horizon": 10},
    {"scales.latency": 1e-24},
    {"slot_seconds": 1e-24},
    {"slot_seconds": 1e24},
    {"workload.rate": 1e24},
    {"workload.rate": 1e-20, "workload.arrivals": "poisson"},
    {"workload.rate": 2.0**42, "workload.arrivals": "poisson"},
    {"workload.flash": {"factor": 1e24}},
    {"scales.energy": 1e-20, "workload.flash": {"factor": 1e14}},
    {"scales.error": 4.5e-12, "workload.flash": {"factor": 1e24}, "workload.diurnal": None},
    {"workload.bursts": {"ratio": 1e24, "start": 0.5, "stop": 0.5}},
    {"idle_energy": True, "workload.rate": 1e-24},
    {"serving.tariff": {"traffic": 1e24}},
    {"dynamics.background": {"sigma": 1e24}},
    {
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "topology.links.0.rate": 1e-24,
        "slot_seconds": 1e-12,
    },
]


@pytest.mark.parametrize("observation", ["flat", "graph"])
@pytest.mark.parametrize("overrides", AT_THE_EDGE, ids=str)
def test_what_is_allowed_stays_finite(overrides, observation):
    env = IDNEnv("tiny", preference="balanced", observation=observation, overrides=overrides, action="change")
    seen, _ = env.reset(seed=1)
    for action in (1, 2, 3, 0):
        assert all(
            np.isfinite(table).all() for table in (seen.values() if isinstance(seen, dict) else [seen])
        )
        seen, reward, *_, info = env.step(action)
        assert np.isfinite(np.float32(reward)) and np.isfinite(info["vector_reward"]).all()
        assert np.isfinite([value for name, value in info.items() if np.isscalar(value)]).all()


def test_infinity_passes_where_a_field_may_hold_it():
    check_magnitudes(load_scenario("tiny", {"topology.nodes.0.servers": float("inf")}))


def test_a_shift_of_any_size_is_a_shift():
    """2^62 slots of work would wrap around; what counts is the rest after division by the tasks."""
    played = []
    for shift in (1, 2**40 + 1, 2**62 + 1):
        change = {"kind": "sliding", "shift": shift, "every": 1}
        env = IDNEnv("tiny", overrides={"workload.popularity": change, "tasks.0.share": 3.0})
        env.reset(seed=0)
        played.append(env.simulation.instance.draw.demand.copy())
    assert (played[0] == played[1]).all() and (played[0] == played[2]).all()
    assert np.ptp(played[0][0, :, 0]) > 0


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize("horizon", [10**9, 2**62])
def test_horizons_that_fill_the_memory_are_refused_where_all_is_kept(horizon):
    scenario = load_scenario("tiny", {"horizon": horizon})
    refusal = rf"^horizon: {horizon} is not allowed; the episodes .* 4 GiB hold [\d,]+ "
    with pytest.raises(ConfigError, match=refusal):
        build_instance(scenario, 0)
    env = IDNVectorEnv(1, scenario, action="scores", preference="balanced")
    with pytest.raises(ConfigError, match=refusal):
        rollout(make_policy("cloud-only", env), env, [0])


@pytest.mark.parametrize("horizon", [10**9, 2**62])
def test_environments_do_not_mind_how_long_an_episode_is(horizon):
    env = IDNEnv("tiny", overrides={"horizon": horizon, "workload.popularity.kind": "shot"})
    observation, _ = env.reset(seed=0)
    observation, *_ = env.step(env.action_space.sample())
    assert observation in env.observation_space


@pytest.mark.parametrize("count", [10**7, 10**30])
@pytest.mark.parametrize("scenario", ["tiny", "metro-split"])
def test_batches_that_fill_the_memory_are_refused(scenario, count):
    with pytest.raises(ConfigError, match=rf"^num_envs: {count} is not allowed; the episodes would take"):
        IDNVectorEnv(count, scenario, action="scores")
