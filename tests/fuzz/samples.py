"""Sound files of every kind that is read, small ones, to be spoiled."""

from __future__ import annotations

import copy
import functools
import importlib
import json
import shutil
import tempfile
from pathlib import Path

import yaml

from experiments.lab.device_timings import DeviceTiming, write_timings
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.commands import main as idn
from idn_gym.config_reader import read_yaml, to_plain
from idn_gym.lab.profiling.timing import Protocol, Timing
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.storage import save_instance

ROOT = Path(__file__).resolve().parents[2]

STUDY = {
    "name": "mini",
    "title": "A small study",
    "about": "To see that it runs.",
    "reference": "random",
    "parts": [
        {
            "name": "one",
            "scenario": "tiny",
            "overrides": {"horizon": 4},
            "grid": {"workload.rate": [10, 25]},
            "seeds": 1,
            "agents": [{"agent": "random"}, {"agent": "static-greedy", "label": "greedy"}],
        }
    ],
    "figures": [{"name": "dots", "kind": "dots", "part": "one", "y": ["ntag"]}],
}

RUN = ["--scenario", "tiny", "--steps", "32", "--envs", "2", "scenario.horizon=8", "agent.n_steps=16"]
RUN += [
    "agent.batch_size=16",
    "agent.n_epochs=1",
    "checkpoint_every=16",
    "evaluate_every=32",
    "evaluation_episodes=1",
]


def command(name, words):
    """Call a command of `experiments`, or ``idn NAME``, in this process."""
    if name.startswith("idn "):
        idn.main([name.removeprefix("idn "), *words])
        return
    importlib.import_module(f"experiments.{name}").main(words)


@functools.cache
def folder():
    """Where the sound files are; gone when the process ends."""
    kept = tempfile.TemporaryDirectory(prefix="idn-fuzz-")
    folder.kept = kept
    return Path(kept.name)


@functools.cache
def files():
    """Content by name; what comes before the dot says how it is read (`tests/fuzz/files.py`)."""
    log = "TIMESTAMP,size\n" + "".join(
        f"2024-01-01T00:{i // 60:02}:{i % 60:02},{i * 7 % 11}\n" for i in range(200)
    )
    found = {
        "scenario.yaml": yaml.safe_dump(to_plain(load_scenario("tiny")), sort_keys=False).encode(),
        "scenario.json": json.dumps(to_plain(load_scenario("edge-small", {"action": "scores"}))).encode(),
        "catalog.json": json.dumps(_catalog()).encode(),
        "catalog.yaml": yaml.safe_dump(_catalog(), sort_keys=False).encode(),
        "log.csv": log.encode(),
        "trace.csv": b"time,what,which,value\n"
        + b"".join(
            b"2024-01-01T%02d:00Z,carbon,%s,%d\n" % (hour, name, 100 + hour)
            for name in (b"device", b"edge", b"cloud")
            for hour in range(24)
        ),
        "outcomes.npz": (SHIPPED_TABLES / "lab/digits.npz").read_bytes(),
        "study.yaml": (ROOT / "configs/studies/splits.yaml").read_bytes(),
        "small_study.yaml": yaml.safe_dump(STUDY, sort_keys=False).encode(),
        "tuning.yaml": (ROOT / "configs/tuning/ppo-edge-small.yaml").read_bytes(),
        "timings.yaml": _timings(),
        "lab.yaml": (ROOT / "configs/lab/digits.yaml").read_bytes(),
    }
    for path in sorted((ROOT / "configs/agents").glob("*.yaml")):
        found[f"agent.{path.name}"] = path.read_bytes()
    for name in ("fashion-ddnn", "edge-small-outages"):
        found[f"shipped.{name}.yaml"] = (ROOT / f"configs/scenarios/{name}.yaml").read_bytes()
    save_instance(build_instance(load_scenario("tiny", {"horizon": 4}), [0, 1]), folder() / "instance.npz")
    return {**found, "instance.npz": (folder() / "instance.npz").read_bytes()}


def _timings():
    path, times = folder() / "board.timings", Timing(2e-3, (1.9e-3, 2.1e-3), 1, True)
    write_timings(path, [DeviceTiming(f"net{i}", i, 10**i, times) for i in range(4)], Protocol())
    return path.read_bytes()


def _catalog():
    models = read_yaml(SHIPPED_TABLES / "models/coco.json")["models"][:2]
    devices = read_yaml(SHIPPED_TABLES / "devices/profiles.json")["devices"][:2]
    links = read_yaml(SHIPPED_TABLES / "links/links.json")["links"][:1]
    found = copy.deepcopy({"models": models, "devices": devices, "links": links})
    for rows in found.values():
        for row in rows:
            row["name"] = f"my_{row['name']}"
    for model in found["models"]:
        model["seconds"] = []
    return found


@functools.cache
def run_folder():
    """A finished training of some slots."""
    command("train", [*RUN, "--out", str(folder() / "run")])
    return folder() / "run"


@functools.cache
def study_folder():
    """A finished study of two cells."""
    path = folder() / "study.yaml"
    path.write_bytes(files()["small_study.yaml"])
    command("study", [str(path), "--out", str(folder() / "study"), "--workers", "1"])
    return folder() / "study"


def copied(source, name):
    """A copy of a folder below the working directory, in place of the last one."""
    target = Path(name).absolute()
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target
