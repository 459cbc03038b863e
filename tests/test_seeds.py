import gymnasium as gym
import numpy as np
import pytest

import idn_gym
from experiments.training.run_config import load_run_config
from idn_gym.config_reader import ConfigError
from idn_gym.context_env import ContextEnv
from idn_gym.env import IDNEnv
from idn_gym.evaluation.radio_events import simulate_cell
from idn_gym.policies.registry import make_policy
from idn_gym.radio.cell import Cell
from idn_gym.scenarios.contexts import draw_scenario, load_context
from idn_gym.scenarios.episodes import build_instance, episode_seed
from idn_gym.scenarios.presets import PRESETS
from idn_gym.seeds import MOST_LIBRARY_SEED, read_row_seeds
from idn_gym.vector import IDNVectorEnv

BAD = [-1, -(2**70), 1.5, 2.0, np.float64(3), float("nan"), True, np.bool_(True), "3", b"3", {}]
HUGE = [2**31, 2**63, 2**64, 10**30, np.uint64(2**63)]
TINY = PRESETS["tiny"]
SHORT = {"scenario": "tiny", "overrides": {"horizon": 2}}

DOORS = {  # where a seed comes in: what takes it, and the key that messages name
    "env": (lambda seed: IDNEnv(**SHORT).reset(seed=seed), "seed"),
    "gym.make": (lambda seed: gym.make("IDN-v0", **SHORT).reset(seed=seed), "seed"),
    "row": (lambda seed: IDNVectorEnv(2, **SHORT).reset(seed=[0, seed]), "seed.1"),
    "context": (lambda seed: ContextEnv("trees").reset(seed=seed), "seed"),
    "drawn scenario": (lambda seed: draw_scenario(load_context("trees"), "test", seed), "seed"),
    "episode": (lambda seed: episode_seed("test", seed), "seed"),
    "instance": (lambda seed: build_instance(TINY, seed), "seeds"),
    "one of several": (lambda seed: build_instance(TINY, [3, seed]), "seeds.1"),
    "compare": (
        lambda seed: idn_gym.compare(SHORT["scenario"], ["nothing"], [0, seed], overrides={"horizon": 2}),
        "seeds.1",
    ),
    "policy": (lambda seed: make_policy("random", IDNVectorEnv(1, **SHORT), seed=seed), "seed"),
    "cell": (
        lambda seed: simulate_cell(Cell(*np.ones((2, 9)), np.zeros(9), np.full(9, 7), 1), 1000, seed),
        "seed",
    ),
}


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_seed_ends_in_one_error_wherever_it_comes_in(door, bad):
    enter, key = DOORS[door]
    if door == "instance" and bad == {}:
        pytest.skip("no seeds at all")
    with pytest.raises(ConfigError) as caught:
        enter(bad)
    assert str(caught.value) == f"{key}: {bad!r} is not allowed; must be a whole number of at least 0"


@pytest.mark.parametrize("door", DOORS)
def test_a_seed_may_be_as_large_as_it_likes(door):
    for huge in HUGE:
        DOORS[door][0](huge)


def test_huge_seeds_are_different_seeds():
    states = {tuple(episode_seed("test", seed).generate_state(4)) for seed in (0, 1, *HUGE)}
    assert len(states) == 2 + len(set(map(int, HUGE)))
    np.testing.assert_array_equal(
        IDNEnv(**SHORT).reset(seed=np.int32(7))[0], IDNEnv(**SHORT).reset(seed=7)[0]
    )


@pytest.mark.parametrize("bad", [-1, 1.5, True, "3", np.array(1.5), np.array(3)], ids=repr)
def test_the_seed_of_all_rows(bad):
    with pytest.raises(ConfigError, match=r"^seed: .* is not allowed; must be a whole number"):
        IDNVectorEnv(2, **SHORT).reset(seed=bad)
    assert read_row_seeds(np.int64(2**62), 2) == [2**62, 2**62 + 1]
    assert read_row_seeds(np.array([4, 9]), 2) == [4, 9]


@pytest.mark.parametrize("bad", [0, -2, 1.5, True, "3", [], None], ids=repr)
def test_a_number_of_episodes(bad):
    with pytest.raises(ConfigError, match=r"^seeds: .* is not allowed; must be (at least one|a whole)"):
        idn_gym.compare("tiny", ["nothing"], bad)


def test_runs_stay_within_what_the_algorithms_library_takes():
    most = MOST_LIBRARY_SEED // 16
    assert load_run_config(changes={"envs": 16, "seed": most}).seed == most
    with pytest.raises(
        ConfigError, match=rf"^seed: {most + 1} is not allowed; must be at most {most} with 16 envs"
    ):
        load_run_config(changes={"envs": 16, "seed": most + 1})
