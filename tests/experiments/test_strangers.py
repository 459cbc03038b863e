"""Policies and records of other people: no file runs code, and damage is named in one line."""

import io
import os
import pickle
import zipfile

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml
from stable_baselines3 import PPO

from agents.rl.build import build_algorithm
from experiments import compare, study
from experiments.studies.config import Study
from experiments.training import checkpoint
from experiments.training.plain_tensors import flatten, nest
from experiments.training.play import play_agent
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.integrations.sb3 import GymVecEnv
from idn_gym.scenarios.presets import load_scenario as scenario

TINY = {"scenario.horizon": 5, "envs": 2, "agent.n_steps": 4, "agent.batch_size": 8, "agent.net_arch": [8]}


class Payload:
    """Whoever unpickles it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder, without the training."""
    folder = tmp_path_factory.mktemp("run")
    config = load_run_config(None, "tiny", "ppo", TINY)
    build_algorithm(config.agent, make_env(config), 0).save(folder / "policy.zip")
    (folder / "config.yaml").write_text(yaml.safe_dump({"run": to_plain(config)}))
    return folder


def replace(source, target, **members):
    """Copy a zip with members replaced."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.replace(".", "_"), old.read(name)))


def tensors(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def compared(path, out):
    words = [str(path), "--scenario", "tiny", "horizon=3", "--seeds", "1", "--out", str(out)]
    return compare.main(words)


def test_no_code_in_a_policy_is_run(run, tmp_path):
    bad = Payload(tmp_path / "ran")
    (tmp_path / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    data = b'{"policy_class": {":type:": "x", ":serialized:": "gASVAAAA"}, "num_timesteps": 1}'
    path = tmp_path / "policy.zip"
    replace(run / "policy.zip", path, data=data, policy_optimizer_pth=pickle.dumps(bad))
    compared(path, tmp_path / "out")  # nothing but the weights is looked at
    for weights in (tensors({"a": bad}), pickle.dumps(bad), tensors([1]), b""):
        replace(run / "policy.zip", path, policy_pth=weights)
        with pytest.raises(SystemExit, match=r"^error: \S*policy\.zip: (is damaged|holds)[^\n]*$"):
            compared(path, tmp_path / "out")
    assert not bad.path.exists()
    with pytest.raises(FileNotFoundError):  # the payload would have worked
        pickle.loads(pickle.dumps(Payload(tmp_path / "no" / "where")))


def test_weights_of_other_nets_are_refused(run, tmp_path):
    (tmp_path / "policy.zip").write_bytes((run / "policy.zip").read_bytes())
    config = load_run_config(None, "tiny", "ppo", {**TINY, "agent.net_arch": [9]})
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"run": to_plain(config)}))
    with pytest.raises(
        ConfigError, match=r"policy\.zip' was trained on other .* or with networks of other sizes"
    ):
        play_agent(str(tmp_path / "policy.zip"), scenario("tiny"), range(1))


@pytest.mark.parametrize(
    "text", ["{", "[]", "run: 3", "run: {agent: {kind: ppo}}", "run: {agent: 1, scenario: 2}"]
)
def test_a_damaged_configuration_is_one_line(run, tmp_path, text):
    (tmp_path / "policy.zip").write_bytes((run / "policy.zip").read_bytes())
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(SystemExit, match=r"^error: \S*config\.yaml(\.run\.\w+)?: [^\n]*$"):
        compared(tmp_path / "policy.zip", tmp_path / "out")


def test_a_policy_of_stable_baselines_is_read_once_class_and_codec_are_named(tmp_path, capsys):
    path, world = tmp_path / "mine.zip", scenario("tiny", {"horizon": 5})
    native = gym.make_vec(
        "IDN-v0",
        num_envs=2,
        scenario=world,
        action="change",
        preference="balanced",
        autoreset_mode="SAME_STEP",
    )
    PPO("MlpPolicy", GymVecEnv(native), n_steps=4, batch_size=8, seed=0).save(path)
    with pytest.raises(ConfigError, match=r"no config\.yaml .* is named as CLASS:CODEC:FILE"):
        play_agent(str(path), world, range(2))
    for word, named in ((f"pppo:change:{path}", "'ppo'"), (f"ppo:chang:{path}", "'change'")):
        with pytest.raises(ConfigError, match=f"did you mean {named}"):
            play_agent(word, world, range(2))
    assert capsys.readouterr().err == ""
    found = play_agent(f"ppo:change:{path}", world, range(2))
    assert "is a pickle, and reading it runs the code in it" in capsys.readouterr().err
    assert found.scalar.shape == (2, 5)
    assert list(compare.label([f"ppo:change:{path}", "random"]).values()) == ["ppo", "random"]
    with pytest.raises(ConfigError, match=r"trained on other"):
        play_agent(f"ppo:scores:{path}", world, range(2))
    path.write_bytes(path.read_bytes()[:999])
    with pytest.raises(ConfigError, match=r"cannot be read as a policy of ppo"):
        play_agent(f"ppo:change:{path}", world, range(2))


def test_studies_trust_no_policy():
    agent = {"agent": "ppo", "options": {"path": "x.zip", "trust": True}}
    part = {"name": "p", "scenario": "tiny", "agents": [agent]}
    with pytest.raises(ConfigError, match=r"trust: is not allowed"):
        from_plain(Study, {"name": "s", "title": "s", "about": "s", "parts": [part], "reference": "ppo"})


def test_no_code_in_a_checkpoint_is_run(tmp_path):
    bad = Payload(tmp_path / "ran")
    for content in (tensors({"state": bad, "tensors": []}), pickle.dumps(bad)):
        (tmp_path / "checkpoint.pt").write_bytes(content)
        with pytest.raises(ConfigError, match=r"checkpoint\.pt: is damaged"):
            checkpoint.read_checkpoint(tmp_path / "checkpoint.pt")
    assert not bad.path.exists()
    with pytest.raises(TypeError, match="not plain"):
        flatten({"a": bad})
    with pytest.raises(TypeError, match="not plain"):
        flatten(np.array([bad], dtype=object))


def test_plain_data_come_back_as_they_were():
    values = {
        "a": [1, 2**100, 0.1, float("inf"), None, True, "é"],
        3: (np.arange(3, dtype=np.uint32), np.float32(0.1), np.zeros((0, 2))),
        "!": {"x": torch.eye(2), "y": np.array(["ab"]), "z": np.ones((2, 2), order="F").T[::-1]},
    }
    again = nest(flatten(values))
    assert list(again) == list(values) and again["a"] == values["a"] and type(again[3]) is tuple
    for old, new in zip((*values[3], *values["!"].values()), (*again[3], *again["!"].values()), strict=True):
        assert type(old) is type(new) and old.dtype == new.dtype and old.shape == new.shape
        assert (old == new).all()


NAMES = ["../../x", "a/b", "y" * 300, "边缘", "a.b", "a,b", "a b", "A B"]


def units_named(names, **more):
    agents = [{"agent": "random", "label": name} for name in names]
    part = {"name": names[0], "scenario": "tiny", "agents": agents, "seeds": 1, "overrides": {"horizon": 3}}
    plain = {"name": names[0], "title": "s", "about": "s", "parts": [{**part, **more}], "reference": names[0]}
    return study.list_units(from_plain(Study, plain), smoke=False)[0]


def test_runs_with_any_names_stay_in_the_folder_and_apart(tmp_path):
    values = [1, "1", 1.5, "../../z", "Z", "z"]
    units = units_named(NAMES, grid={"agent.seed": values})
    files = [unit.file(tmp_path).resolve() for unit in units]
    assert len({str(file).casefold() for file in files}) == len(units) == 1 + len(NAMES) * len(values)
    assert all(tmp_path.resolve() in file.parents and len(file.name) < 100 for file in files)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_damaged_record_is_played_again(tmp_path, suffix, capsys):
    unit = units_named(["random"])[1]
    path = unit.play(tmp_path).with_suffix(suffix)
    assert unit.done(tmp_path) and capsys.readouterr().err == ""
    whole = path.read_bytes()
    for damage in (
        b"",
        whole[: len(whole) // 2],
        b"[]",
        b"{}",
        b"\xff\x00",
        whole.replace(b'"reward"', b'"x"'),
    ):
        if damage == whole:
            continue
        path.write_bytes(damage)
        assert not unit.done(tmp_path)
        said = capsys.readouterr().err
        assert said.startswith("played again: ") and path.name in said and said.count("\n") == 1
    unit.play(tmp_path)
    assert unit.done(tmp_path)
