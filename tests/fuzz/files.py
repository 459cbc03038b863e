"""Fuzzed files: what strangers may send, cut short, overwritten, in another encoding, or not there at all."""

from __future__ import annotations

import io
import random
import shutil
from pathlib import Path

import numpy as np
import yaml

from experiments.lab.device_timings import read_timings
from experiments.studies.config import Study
from experiments.training.run_config import load_run_config as resolve_run
from experiments.tuning.config import axes, read_tuning
from idn_gym.catalog.outcomes import read_outcomes
from idn_gym.config_reader import from_plain, read_yaml
from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.env import IDNEnv
from idn_gym.lab.profiling.timing import Protocol
from idn_gym.lab.training.recipes import Lab
from idn_gym.scenarios.storage import load_instance
from tests.fuzz.judge import check_finite, play
from tests.fuzz.samples import command, copied, files, run_folder, study_folder
from tests.fuzz.values import NUMBERS, spoil, spoil_bytes


def _play(scenario, overrides):
    play(IDNEnv(scenario=scenario, overrides={"horizon": 4, **overrides}), 2)


def _play_instance(path):
    instance = load_instance(path)
    state = initial_state(instance)
    nothing = Action(np.full(state.resident.shape, EMPTY, state.resident.dtype))
    state, outcome = step(instance, state, nothing)
    check_finite(list(outcome), "outcome")


READERS = {
    "scenario": lambda path: _play(path, {}),
    "shipped": lambda path: _play(path, {}),
    "catalog": lambda path: _play("tiny", {"catalog": [path]}),
    "log": lambda path: _play("tiny", {"workload.replay": {"path": path, "size": "size"}}),
    "trace": lambda path: _play(
        "tiny", {"objectives": ["carbon"], "dynamics.carbon": {"kind": "file", "path": path}}
    ),
    "outcomes": read_outcomes,
    "instance": _play_instance,
    "study": lambda path: from_plain(Study, read_yaml(path)),
    "small_study": lambda path: from_plain(Study, read_yaml(path)),
    "tuning": lambda path: axes(read_tuning(Path(path))),
    "lab": lambda path: from_plain(Lab, read_yaml(path)),
    "timings": lambda path: read_timings(Path(path), Protocol()),
    "agent": lambda path: resolve_run(agent=path, scenario="tiny"),
}


def _spoil_arrays(rng, content):
    """The same arrays in a sound zip file, but for one of another type, shape or range, or that is gone."""
    arrays = dict(np.load(io.BytesIO(content)))
    name = rng.choice(list(arrays))
    array, change = arrays[name], rng.randrange(6)
    if change == 0:
        del arrays[name]
    elif change == 1:
        with np.errstate(all="ignore"):
            kind = rng.choice(["float32", "float64", "int64", "int8", "bool", "complex64", "U3", ">f8"])
            arrays[name] = array.astype(kind) if array.dtype.kind in "fiub" else np.zeros(3)
    elif change == 2:
        arrays[name] = rng.choice([array[..., None], array.ravel()[:-1], array.ravel(), np.array(0)])
    elif array.size and array.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            arrays[name] = array = array.copy()
            limits = [[n for n in NUMBERS if n != 10**400], [-1, -2, array.size, 10**6, -(10**6)]]
            array.flat[rng.randrange(array.size)] = np.float64(rng.choice(rng.choice(limits))).astype(
                array.dtype
            )
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _spoiled(rng, name, content):
    if name.endswith(".npz") and rng.random() < 0.7:
        return _spoil_arrays(rng, content)
    if name.endswith((".yaml", ".json")) and rng.random() < 0.5:
        plain = spoil(rng, yaml.load(content, yaml.CSafeLoader))
        try:
            return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")
        except ValueError:  # a number that Python does not print
            return content[: len(content) // 2]
    return spoil_bytes(rng, content)


def _put(rng, path, content):
    """Write the file, or something else in its place."""
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    there = rng.random()
    if there < 0.01:
        path.mkdir()
    elif there < 0.02:
        path.symlink_to(path.name)
    elif there > 0.03:
        path.write_bytes(content)


def _folder_case(rng):
    """A run or a study with one damaged file, and the command that goes on with it."""
    seed = rng.randrange(2**31)
    doing = rng.choice(["resume", "compare", "study"])

    def run():
        draw = random.Random(seed)
        source = study_folder() if doing == "study" else run_folder()
        target = copied(source, f"fuzzed-{doing}")
        victims = sorted(
            p for p in target.rglob("*") if p.is_file() and p.suffix not in (".png", ".pdf", ".svg")
        )
        if doing == "compare":
            victims = [target / "policy.zip", target / "config.yaml"]
        victim = draw.choice(victims)
        content = victim.read_bytes()
        _put(draw, victim, _spoiled(draw, victim.name, content) if content else b"x")
        if doing == "study":
            command("study", [str(source.parent / "study.yaml"), "--out", str(target), "--workers", "1"])
        elif doing == "resume":
            if draw.random() < 0.7:
                shutil.rmtree(target / "policy.zip", ignore_errors=True)  # it may have become a folder
                (target / "policy.zip").unlink(missing_ok=True)
            command("train", ["--resume", "--out", str(target)])
        else:
            words = ["cloud-only", str(target / "policy.zip"), "--seeds", "1", "--out", "compared"]
            command("compare", [*words, "--scenario", "tiny", "horizon=8"])

    return f"{doing} with one file damaged, seed {seed}", run


def file(index):
    """Case number `index`: what is tried, in words, and a function that tries it."""
    rng = random.Random(f"file {index}")
    if index % 25 == 0:
        return _folder_case(rng)
    names = sorted(files())
    name = rng.choice(names)
    content = _spoiled(rng, name, files()[name])

    def run():
        path = Path(f"fuzzed{Path(name).suffix}").absolute()
        _put(rng, path, content)
        READERS[name.split(".")[0]](str(path))

    return f"{name}: {content[:1000]!r}", run
