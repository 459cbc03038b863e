"""Choosing among placements that the scenario names."""

import gymnasium as gym
import numpy as np
import pytest
import yaml

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import make_agent
from experiments.find_placements import FindPlacementsCommand, written_scenario
from experiments.train import main as train
from experiments.training.placement_library import (
    LibrarySearch,
    choose_complements,
    find_library,
    library_scenario,
    slot_costs,
)
from idn_gym.config_reader import ConfigError
from idn_gym.core.transition import step
from idn_gym.env import IDNEnv
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.core.named_codec import MODELS, NODES, Codec

LINKS = [("a", "e", {}), ("e", "c", {})]
ON_A = {"nodes": [{"node": "a", "segments": ["s", "m"]}]}
ON_BOTH = {"nodes": [{"node": "e", "segments": ["cut"]}, {"node": "a", "segments": ["l"]}]}
BOARD = {"nodes": [{"node": "board", "segments": ["yolov5n_640"]}]}
QUICK = LibrarySearch(episodes=1, pieces=2, most=4, budget=2e3)


def test_a_choice_is_a_placement(make_scenario):
    codec = Codec("library", make_scenario(NODES, LINKS, MODELS, {"placements": [ON_A, {}, ON_BOTH]}))
    assert codec.codec.space == gym.spaces.Discrete(3)
    assert codec.codec.describe() == ["0 a: s, m", "1 nothing", "2 a: l; e: cut"]
    for choice, wanted in enumerate((["s", "m"], [], ["l"])):
        codec.state, outcome = step(codec.instance, codec.state, codec.decode([choice]))
        assert codec.wanted([choice])["a"] == wanted and outcome.refused[0] == 0
        np.testing.assert_array_equal(codec.state.resident[0], codec.compiled.placements[choice])
    with pytest.raises(ConfigError, match=r"^action: every placement may be requested .* no mask$"):
        codec.codec.masks(codec.instance, codec.state)


@pytest.mark.parametrize("placements", [[], [ON_A]])
def test_without_a_choice_it_says_where_placements_come_from(make_scenario, placements):
    scenario = make_scenario(NODES, LINKS, MODELS, {"placements": placements})
    with pytest.raises(ConfigError, match=r"^action: 'library' needs two .* has [01]; .*find_placements"):
        Codec("library", scenario)


def test_rows_are_chosen_for_what_they_add():
    """The best alone, then what is best where that is not, be it the worst alone; then nothing helps."""
    costs = np.array([[1.0, 4.0, 2.0], [9.0, 9.0, 0.0], [3.0, 3.0, 3.0], [1.0, 4.0, 3.0]])
    chosen, means = choose_complements(costs, 4)
    assert chosen == [0, 1, 2] and means.tolist() == pytest.approx([7 / 3, 5 / 3, 4 / 3])
    assert choose_complements(costs, 2)[0] == [0, 1]


def test_the_first_that_is_found_is_best_to_keep():
    compiled = compile_scenario(load_scenario("tiny", {"horizon": 12, "workload.rate": 0.4}))
    library = find_library(compiled, QUICK)
    player = SequencePlayer(compiled, build_instance(compiled.scenario, [0], "train", "balanced"))
    costs = slot_costs(player, library.placements)
    assert costs[0].mean() == pytest.approx(costs.mean(axis=1).min()) == pytest.approx(library.costs[0])
    assert costs.min(axis=0).mean() == pytest.approx(library.costs[-1])
    again = compile_scenario(library_scenario(compiled, library))
    np.testing.assert_array_equal(again.placements, library.placements)


def test_what_the_command_writes_is_a_scenario_to_train_on(tmp_path, capsys):
    """And a policy that was trained on it is not read where choices mean other placements."""
    out = tmp_path / "found.yaml"
    options = {"pieces": 2, "most": 3, "budget": 2e3, "episodes": 1}
    changes = ("workload.rate=0.4", "horizon=12")
    FindPlacementsCommand(scenario="tiny", out=out, changes=changes, **options).run()
    said = capsys.readouterr().out
    assert "the best static placement" in said and str(out) in said
    written = yaml.safe_load(out.read_text())
    assert written["workload"]["rate"] == 0.4
    env = IDNEnv(str(out), preference="balanced")
    assert env.action_space.n == len(written["placements"]) and env.scenario.workload.rate == 0.4
    again = tmp_path / "again.yaml"  # from a file: paths and all
    FindPlacementsCommand(scenario=str(out), out=again, **options).run()
    assert load_scenario(str(again)).placements == env.scenario.placements

    short = "--agent ppo --steps 32 envs=4 agent.n_steps=4 agent.batch_size=8 agent.net_arch=[4]"
    given = ["evaluation_episodes=1", "--scenario", str(out), "--out", str(tmp_path / "run")]
    train([*short.split(), *given])
    words = {"num_envs": 1, "preference": "balanced"}
    path = str(tmp_path / "run" / "policy.zip")
    make_agent("ppo", gym.make_vec("IDN-v0", scenario=str(out), **words), path=path)
    turned = load_scenario(str(out), {"placements": written["placements"][::-1]})
    with pytest.raises(ConfigError, match=r"^path: .* was trained on other observations or actions: "):
        make_agent("ppo", gym.make_vec("IDN-v0", scenario=turned, **words), path=path)


def test_a_preset_that_is_not_changed_is_written_by_name():
    named = load_scenario("tiny", {"action": "library", "placements": [{}, BOARD]})
    plain = written_scenario("tiny", {}, named)
    assert plain.keys() == {"preset", "action", "placements"} and load_scenario(plain) == named
    assert load_scenario(written_scenario("tiny", {"horizon": 3}, named)) == named


def test_the_name_must_say_what_is_written(tmp_path):
    out = tmp_path / "a folder whose path is longer than what a message shows of it" / "found"
    with pytest.raises(ConfigError, match=r"^--out: '.*found' is not allowed; the name must end in .yaml$"):
        FindPlacementsCommand(scenario="tiny", out=out).run()


def test_one_placement_is_no_library_and_nothing_is_written(tmp_path):
    out = tmp_path / "found.yaml"
    options = {"pieces": 2, "budget": 2e3, "episodes": 1}
    with pytest.raises(ConfigError, match=r"^episodes: 1 training episodes give one placement"):
        FindPlacementsCommand(scenario="tiny", out=out, changes=("horizon=3",), **options).run()
    assert not out.exists()


@pytest.mark.parametrize(
    "preference", ["{accuracy: 1, latency: 1, energy: 1, traffic: 1}", "[1, 1, 1, 1, 0]"]
)
def test_a_preference_may_be_weights(preference, tmp_path):
    out = tmp_path / "found.yaml"
    options = {"pieces": 2, "most": 3, "budget": 2e3, "episodes": 1, "preference": preference}
    changes = ("workload.rate=0.4", "horizon=12")
    FindPlacementsCommand(scenario="tiny", out=out, changes=changes, **options).run()
    assert len(load_scenario(str(out)).placements) >= 2


def test_random_preferences_are_no_preference(tmp_path):
    with pytest.raises(ConfigError, match=r"^preference: 'random' is not allowed"):
        FindPlacementsCommand(scenario="tiny", out=tmp_path / "found.yaml", preference="random").run()
