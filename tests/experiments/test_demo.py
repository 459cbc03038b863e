"""The demo in miniature: everything it promises is there, and a second run does nothing twice."""

import csv

import numpy as np
import pytest

from experiments import demo
from experiments.training.run_config import load_run_config
from experiments.training.run_folder import RunFolder
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.presets import load_scenario

SMALL = ["steps=128", "envs=4", "evaluation_episodes=2", "scenario.horizon=6"]
SMALL += ["agent.n_steps=16", "agent.n_epochs=1", "agent.batch_size=64"]
SMALL += [f"agent.imitation.{key}=1" for key in ("episodes", "seconds", "rounds", "passes")]
SHORT_PLAY = ["--seeds", "2", "--dynamic", "0.2"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "RIVALS", ("cloud-only", "random"))
        demo.main([SMALL[0], "--out", str(folder), *SHORT_PLAY, *SMALL[1:]])
    return folder


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there(out):
    names = {path.name for path in out.iterdir()}
    assert names >= {"policy.zip", "config.yaml", "table.txt", "table.csv", "table.json", "edge-drift.csv"}
    assert {f"edge-drift-{name}.png" for name in ("cost", "objectives", "course")} <= names
    assert any("tfevents" in path.name for path in (out / "tensorboard").iterdir())
    assert "minus ppo-graph's" in (out / "table.txt").read_text()
    with open(out / "dynamic-ceilings.csv", encoding="utf-8") as file:
        (bracket,) = csv.DictReader(file)
    assert float(bracket["bound"]) <= float(bracket["reached"]) <= float(bracket["alone"])
    assert bracket["scenario"] == DEFAULT_SCENARIO


def test_a_second_run_says_what_is_there_and_leaves_it(out, capsys):
    before = times(out)
    demo.main(["--out", str(out), *SHORT_PLAY, *SMALL])
    printed = capsys.readouterr().out
    assert times(out) == before
    assert "training is done" in printed and (out / "table.txt").read_text() in printed
    assert f"tensorboard --logdir {out / 'tensorboard'}" in printed
    film = next(line for line in printed.splitlines() if "experiments.watch" in line)
    assert f"--scenario {out / 'scenario.yaml'} --out {out}.gif" in film
    assert load_scenario(str(out / "scenario.yaml")) == load_scenario(DEFAULT_SCENARIO, {"horizon": 6})


def test_a_missing_bracket_is_made_again_without_training(out, monkeypatch):
    before = times(out)
    table = (out / "table.csv").read_text()
    (out / "dynamic-ceilings.csv").unlink()
    monkeypatch.setattr(demo, "RIVALS", ("cloud-only", "random"))
    demo.main(["--out", str(out), *SHORT_PLAY, *SMALL])
    assert times(out)[out / "policy.zip"] == before[out / "policy.zip"]
    assert (out / "table.csv").read_text() == table and (out / "dynamic-ceilings.csv").exists()


def test_another_run_in_the_folder_is_left_alone_unless_forced(out, monkeypatch, capsys):
    before = times(out)
    with pytest.raises(SystemExit, match=r"^error: agent\.gamma[^\n]*; --force throws away the run[^\n]*$"):
        demo.main(["--out", str(out), *SHORT_PLAY, *SMALL, "agent.gamma=0.125"])
    assert times(out) == before
    monkeypatch.setattr(demo, "RIVALS", ("cloud-only",))
    demo.main(["--out", str(out), "--seeds", "2", "--dynamic", "0", "--force", *SMALL, "agent.gamma=0.125"])
    assert "gamma: 0.125" in (out / "config.yaml").read_text()
    assert not (out / "dynamic-ceilings.csv").exists()
    assert np.all([mtime > before.get(path, 0) for path, mtime in times(out).items()])


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ([], "the same command trains from the beginning"),
        (["teacher.npz"], "the same command keeps the sequences found, and trains from the beginning"),
        (["teacher.npz", "checkpoint.pt"], "the same command continues from the last checkpoint"),
        (["teacher.npz", "checkpoint.pt", "policy.zip"], "the same command keeps the trained policy"),
    ],
)
def test_a_stopped_demo_says_what_is_kept(tmp_path, monkeypatch, capsys, left, said):
    def stop(*given):
        for name in left:
            (tmp_path / name).touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run_demo", stop)
    with pytest.raises(SystemExit) as end:
        demo.main(["--out", str(tmp_path)])
    assert end.value.code == 130 and capsys.readouterr().err == f"\nstopped; {said}\n"


def test_what_is_to_be_trained_is_said_first(tmp_path):
    folder = RunFolder(tmp_path)
    config = load_run_config(None, "tiny", "ppo-imitation", {"steps": 2000, "agent.imitation.episodes": 3})
    said = demo.describe_training(config, folder)
    assert (
        said == "Training ppo-graph on tiny: 3 sequences to find, 8 rounds of imitation, 2,000 training steps"
    )
    folder.checkpoint.touch()
    assert demo.describe_training(config, folder).endswith(
        f"2,000 training steps, going on from {folder.checkpoint}"
    )
