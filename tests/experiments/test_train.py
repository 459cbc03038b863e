"""One small run from the command line, and what it leaves behind."""

import csv
import dataclasses
import re
import shlex
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3.common.save_util import load_from_zip_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.registry import make_agent
from experiments.compare import CompareAgentsCommand
from experiments.train import RunFolder, TrainCommand, main
from experiments.training import train_run as training
from experiments.training.monitor import HEADLINE
from experiments.training.play import play_agent
from experiments.training.references import say_result, share_won
from experiments.training.run_config import flat, load_run_config
from experiments.watch import WatchAgentCommand
from idn_gym.commands.grammar import read_command
from idn_gym.config_reader import read_yaml
from idn_gym.metrics import METRICS, PER_REQUEST, PER_SERVED
from idn_gym.objective_records import OBJECTIVES
from idn_gym.scenarios.presets import load_scenario

WORDS = ["--scenario", "tiny", "--agent", "a2c", "--steps", "200", "--envs", "4", "--seed", "3"]
CHANGES = ["evaluate_every=96", "evaluation_episodes=2", "agent.net_arch=[8]", "scenario.horizon=9"]
LAST = 224
"""step at which it ends: whole rollouts of 4 environments x 8 slots"""
WINDOWS = [64, 96, 128, 160, 192, LAST]
"""ends of the rollouts in which all environments have finished one more episode: 4 x 9 slots"""
EVALUATIONS = [0, 96, 192, LAST]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The command line, after it has been run."""
    words = [*WORDS, "--out", str(tmp_path_factory.mktemp("runs") / "one"), *CHANGES]
    main(words)
    return words


@pytest.fixture
def folder(words):
    return RunFolder(words[words.index("--out") + 1])


@pytest.fixture
def events(folder):
    reader = EventAccumulator(str(folder.events), size_guidance={"scalars": 0, "images": 0})
    return reader.Reload()


def steps(events, tag):
    return [event.step for event in events.Scalars(tag)]


def test_every_quantity_has_a_curve(events):
    tags = set(events.Tags()["scalars"])
    for k, name in enumerate(METRICS):
        loads = name == "update" or name.startswith("load") or name == "in_flight"
        group = "service" if k in PER_REQUEST + PER_SERVED else "loads" if loads else "slot"
        assert steps(events, f"{group}/{name}") == WINDOWS, name
    for name in OBJECTIVES:
        assert steps(events, f"objectives/{name}") == WINDOWS
        assert steps(events, f"returns/{name}") == EVALUATIONS
    for name in HEADLINE:
        assert steps(events, f"evaluation/{name}") == EVALUATIONS
    # The cloud is elastic, and nothing is loaded to it, enters there or goes on from there.
    tiers = {tag.removeprefix("tiers/") for tag in tags if tag.startswith("tiers/")}
    assert {tier.split("/")[0] for tier in tiers} == {"device", "edge"}
    assert {name for tier, name in (t.split("/") for t in tiers if t.startswith("device"))} == {
        "utilisation",
        "update",
        "link_load",
        "drop_rate",
        "late_rate",
    }
    assert all(0 <= event.value <= 1 for event in events.Scalars("tiers/device/utilisation"))
    assert max(event.value for event in events.Scalars("tiers/device/utilisation")) > 0


def test_no_group_is_longer_than_a_page(events):
    groups = Counter(tag.split("/")[0] for tag in events.Tags()["scalars"])
    assert set(groups) <= {
        *("evaluation", "loads", "objectives", "references", "returns", "rollout"),
        *("service", "slot", "tiers", "time", "train"),
    }
    assert max(groups.values()) <= 12


def test_documentation_lists_what_is_written(events):
    page = (Path(__file__).parents[2] / "docs" / "tensorboard.md").read_text()
    for tag in events.Tags()["scalars"]:
        group, *_, name = tag.split("/")
        line = next(line for line in page.splitlines() if line.startswith(f"| `{group}/"))
        assert group == "train" or f"`{name}`" in line, tag


def test_references_are_lines_beside_the_curve_of_evaluations(folder, events):
    config = load_run_config(read_yaml(folder.config)["run"])
    found = {}
    for name in ("static-greedy", "cloud-only"):
        line = EventAccumulator(str(folder.events / name)).Reload().Scalars("evaluation/reward")
        assert [point.step for point in line] == [0, config.steps]
        played = play_agent(name, config.scenario, range(2), "validation")
        assert [point.value for point in line] == pytest.approx([played.scalar.mean()] * 2)
        found[name] = played.scalar.mean()
    won = [point.value for point in events.Scalars("references/share_won")]
    rewards = np.array([point.value for point in events.Scalars("evaluation/reward")])
    wins = found["static-greedy"] - found["cloud-only"]
    assert wins > 0.0 and won == pytest.approx(((rewards - found["cloud-only"]) / wins).tolist(), rel=1e-3)


def test_the_share_of_what_can_be_won_is_said_where_it_is_known():
    both = {"static-greedy": -1.0, "cloud-only": -3.0}
    assert [share_won(reward, both) for reward in (-3.0, -2.0, -1.0, 0.0)] == [0.0, 0.5, 1.0, 1.5]
    assert share_won(-2.0, {"cloud-only": -3.0}) is None
    assert share_won(-2.0, {"static-greedy": -3.0, "cloud-only": -3.0}) is None
    said = say_result(-2.0, both)
    assert said.startswith("evaluation: reward -2.0000, static-greedy -1.0000, cloud-only -3.0000; share")
    assert said.endswith("0.50") and "share" not in say_result(-2.0, {"cloud-only": -3.0})


def test_pictures_are_drawn(events):
    for name in ("network", "placement"):
        pictures = events.Images(f"pictures/{name}")
        assert [picture.step for picture in pictures] == EVALUATIONS
        assert pictures[0].encoded_image_string != pictures[-1].encoded_image_string


def test_evaluations_are_in_a_table_too(folder, events):
    with (folder.events / "evaluations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == EVALUATIONS
    for name in HEADLINE:
        curve = [event.value for event in events.Scalars(f"evaluation/{name}")]
        assert [float(row[name]) for row in rows] == pytest.approx(curve)
    assert set(METRICS) <= set(rows[0])


def test_evaluations_leave_the_training_alone(words, folder, tmp_path):
    changes = ["evaluate_every=1000", "checkpoint_every=50"]
    main([*WORDS, "--out", str(tmp_path), *CHANGES, *changes])
    found, expected = (
        load_from_zip_file(path, device="cpu")[1]["policy"]
        for path in (RunFolder(tmp_path).policy, folder.policy)
    )
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


def test_short_rollouts_write_as_seldom(tmp_path):
    words = [*WORDS, "--out", str(tmp_path), *CHANGES, "action=change", "checkpoint_every=72"]
    words[words.index("a2c")] = "dqn"
    main(words)
    events = EventAccumulator(str(RunFolder(tmp_path).events)).Reload()
    assert steps(events, "objectives/reward") == [36, 72, 108, 144, 180, 200]
    assert steps(events, "evaluation/reward") == [0, 96, 192, 200]


def test_configuration_is_kept_and_gives_the_run_again(folder, events):
    record = read_yaml(folder.config)
    config = load_run_config(record["run"])
    assert record["versions"]["torch"] and record["command"].startswith("python ")
    assert (config.scenario.name, config.scenario.horizon, config.seed) == ("tiny", 9, 3)
    text = events.Tensors("configuration/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "net_arch" in text and "horizon: 9" in text


def test_hyper_parameters_are_in_the_table(events):
    tags = events.summary_metadata
    assert "_hparams_/session_start_info" in tags
    content = tags["_hparams_/session_start_info"].plugin_data.content
    assert all(name.encode() in content for name in flat(load_run_config(agent="a2c").agent))


def test_options_may_stand_between_changes():
    words = "--agent dqn action=change --steps 2000 --out here agent.gamma=0.9".split()
    found = read_command(TrainCommand, words, "train")
    assert found.changes == ("action=change", "agent.gamma=0.9")
    assert (found.agent, found.steps, found.out) == ("dqn", 2000, Path("here"))


def test_help_tells_the_defaults_of_a_run(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    config = load_run_config()
    for name in ("steps", "envs", "seed"):
        assert re.search(rf"--{name} N [^()]*\(default: {getattr(config, name)}\)", said)
    assert f"(default: {config.scenario.name})" in said and f"(default: {config.agent.kind})" in said


@pytest.mark.parametrize("action, told", [([], True), (["action=scores-task"], False)])
def test_another_codec_than_the_scenarios_is_told(tmp_path, capsys, monkeypatch, action, told):
    monkeypatch.setattr(training, "train_run", lambda config, folder: None)
    main(["--scenario", "tiny", "--agent", "sac", "--out", str(tmp_path), *action])
    said = capsys.readouterr().out
    assert ("sac cannot act through placement; it acts through scores\n" in said) is told
    assert ("act through" in said) is told


def hints(printed):
    """The commands that a training prints, as words behind the name of the module."""
    lines = [line.partition(" it: ") for line in printed.splitlines() if " it: " in line]
    found = {name: shlex.split(command) for name, _, command in lines}
    assert {name: words[1:3] for name, words in found.items()} == {
        "compare": ["-m", "experiments.compare"],
        "film": ["-m", "experiments.watch"],
    }
    return {name: words[3:] for name, words in found.items()}


def test_printed_commands_play_the_world_of_the_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training, "train_run", lambda config, folder: folder.begin(config))
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("preset: tiny\nname: mine\ncatalog: [other.yaml]\n")
    Path("other.yaml").write_text("links: []\n")
    changes = {"dynamics.link.kind": "ar1", "horizon": 12}
    said = [f"scenario.{key}={value}" for key, value in changes.items()]
    for number, world in enumerate(["tiny", "mine.yaml"]):
        out = f"my runs/{number}"
        main(["--scenario", world, "--out", out, *said])
        fresh = hints(capsys.readouterr().out)
        main(["--out", out, "--resume"])
        assert hints(capsys.readouterr().out) == fresh
        asked = read_command(CompareAgentsCommand, fresh["compare"], "compare")
        assert asked.policies == ("static-greedy", out)
        (played,) = asked.scenarios()
        wanted = load_scenario(world, changes)
        if world == "mine.yaml":  # a path of a file begins at the file's folder
            assert [Path(path) for path in played.catalog] == [tmp_path / "other.yaml"]
            wanted = dataclasses.replace(wanted, catalog=played.catalog)
        assert played == wanted
        assert read_command(WatchAgentCommand, fresh["film"], "watch").scenario == asked.scenario[0]


def test_a_preset_is_named_in_printed_commands(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training, "train_run", lambda config, folder: folder.begin(config))
    main(["--scenario", "tiny", "--out", str(tmp_path), "agent.gamma=0.9"])
    assert hints(capsys.readouterr().out)["compare"] == ["static-greedy", str(tmp_path), "--scenario", "tiny"]
    assert not (tmp_path / "scenario.yaml").exists()


def test_finished_run_is_left_alone(words, folder):
    saved = folder.policy.stat().st_mtime_ns
    main([*words, "--resume"])
    assert folder.policy.stat().st_mtime_ns == saved


def test_folder_of_another_run_is_refused(words):
    with pytest.raises(SystemExit, match="holds a run"):
        main(words)
    with pytest.raises(SystemExit, match=r"agent.gamma: 0.9 differs from the run's value"):
        main([*words, "agent.gamma=0.9", "--resume"])


def test_trained_policy_acts(folder):
    config = load_run_config(read_yaml(folder.config)["run"])
    env = training.make_env(config).unwrapped.native
    observations, _ = env.reset(seed=0)
    actions, _ = make_agent("a2c", env, path=str(folder.policy)).predict(observations)
    assert env.action_space.contains(actions)
