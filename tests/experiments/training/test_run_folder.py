"""Only what a run wrote is deleted, and only when it is clear what to do instead."""

import pytest
import yaml

from experiments import compare, demo, study, train, tune
from experiments.training.run_config import load_run_config
from experiments.training.run_folder import RunFolder
from idn_gym.config_reader import to_plain

MINE = {"notes.txt": "my notes", "tensorboard/mine.txt": "my curves"}
RUN = {
    "policy.zip": "policy",
    "checkpoint.pt": "checkpoint",
    "teacher.npz": "sequences",
    "imitation.csv": "round\n0\n",
    "tensorboard/events.out.tfevents.1": "curves",
    "tensorboard/evaluations.csv": "step\n0\n",
    "tensorboard/static-greedy/events.out.tfevents.1": "a line",
    "tensorboard/cloud-only/events.out.tfevents.1": "a line",
    "table.txt": "table",
    "table.csv": "table",
    "table.json": "table",
    "edge-drift.csv": "episodes",
    "edge-drift-latencies.csv": "latencies",
    "dynamic-ceilings.csv": "bracket",
    "edge-drift-cost.png": "picture",
    "edge-drift-cost.pdf": "picture",
    "edge-drift-cost.svg": "picture",
}


def fill(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def config():
    return yaml.safe_dump({"run": to_plain(load_run_config(agent="ppo"))})


def test_forced_deletes_what_a_run_wrote_and_nothing_else(tmp_path, config):
    fill(tmp_path, {**MINE, **RUN, "config.yaml": config})
    demo.throw_away(RunFolder(tmp_path))
    assert content(tmp_path) == MINE
    assert RunFolder(tmp_path).saved() is None, "what is left must not stop the run that was asked for"
    fill(tmp_path / "only", {**RUN, "config.yaml": config})
    demo.throw_away(RunFolder(tmp_path / "only"))
    assert not (tmp_path / "only").exists()


@pytest.mark.parametrize(
    "words", [["nonsense=1"], ["agent.gamma=2"], ["no assignment"], ["--seeds", "0"], ["--seeds", "-3"]]
)
def test_nothing_is_deleted_before_the_command_line_was_accepted(tmp_path, config, words):
    files = {**MINE, **RUN, "config.yaml": config}
    fill(tmp_path, files)
    with pytest.raises(SystemExit, match=r"^(error: |2$)"):
        demo.main(["--out", str(tmp_path), "--force", *words])
    assert content(tmp_path) == files


@pytest.mark.parametrize(
    "files",
    [
        MINE,
        {**MINE, "policy.zip": "mine"},
        {**MINE, "config.yaml": "title: my site\n"},
        {**MINE, "config.yaml": "- run\n"},
        {**MINE, "config.yaml": "run: {scenario: tiny, agent: ppo}\n"},
        {**MINE, "config.yaml": "{"},
    ],
)
def test_folders_without_the_marks_of_a_run_are_left_alone(tmp_path, files):
    fill(tmp_path, files)
    with pytest.raises(SystemExit, match=r"^error: [^\n]*$"):
        demo.main(["--out", str(tmp_path), "--force"])
    assert content(tmp_path) == files


def test_training_deletes_no_curves_but_its_own(tmp_path, config):
    folder = RunFolder(tmp_path)
    theirs = {**MINE, "tensorboard/events.out.tfevents.1": "curves of another run"}
    fill(tmp_path, theirs)
    with pytest.raises(
        SystemExit, match=r"events.out.tfevents.1 exists, but the run's config.yaml is missing"
    ):
        train.main(["--out", str(tmp_path)])
    assert content(tmp_path) == theirs
    fill(tmp_path, {**RUN, "config.yaml": config})
    folder.checkpoint.unlink()
    folder.begin(load_run_config(agent="ppo"))
    left = content(tmp_path)
    assert MINE.items() <= left.items() and not any("tfevents" in name for name in left)


def test_a_damaged_run_is_named_in_one_line(tmp_path, config):
    words = ["--scenario", "tiny", "--steps", "8", "--envs", "2", "--out", str(tmp_path), "--resume"]
    config = yaml.safe_dump({"run": to_plain(load_run_config(None, "tiny", "ppo", {"steps": 8, "envs": 2}))})
    for damage in (b"", b"PK\x03\x04 cut off", b"\x80\x04N."):
        fill(tmp_path, {"config.yaml": config})
        (tmp_path / "checkpoint.pt").write_bytes(damage)
        with pytest.raises(SystemExit, match=r"^error: \S*checkpoint\.pt: is damaged[^\n]*$"):
            train.main(words)


@pytest.mark.parametrize(
    "main, words",
    [
        (train.main, ["--scenario", "tiny"]),
        (demo.main, []),
        (compare.main, ["random", "--scenario", "tiny"]),
        (study.main, ["configs/studies/idn.yaml"]),
        (tune.main, ["configs/tuning/ppo-edge-small.yaml"]),
    ],
)
def test_a_file_in_the_place_of_the_folder_is_one_line_before_any_work(tmp_path, main, words):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SystemExit, match=r"^error: (out: )?[^\n]*file[^\n]*"):
            main([*words, "--out", str(out)])
    assert content(tmp_path) == {"file": "mine"}
