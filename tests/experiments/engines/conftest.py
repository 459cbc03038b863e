"""A small study, what it comes to in one process, and what of its records must be the same everywhere."""

import json

import pytest

from experiments.engines.local import HereEngine
from experiments.studies.config import Study
from experiments.studies.listing import bracket_episodes, list_units
from experiments.studies.playing import list_stages, play_stages
from idn_gym.config_reader import from_plain

AGENT = {"learning_rate": 0.01, "n_steps": 8, "batch_size": 16, "n_epochs": 1, "net_arch": [8]}
PPO = {"steps": 32, "envs": 2, **{f"agent.{key}": value for key, value in AGENT.items()}}
PART = {
    "name": "p",
    "scenario": "tiny",
    "overrides": {"horizon": 4},
    "seeds": 3,
    "bracket": 0.05,
    "agents": [{"agent": "random"}, {"agent": "ppo", "train": PPO}],
}
PLAIN = {"name": "s", "title": "s", "about": "s", "split": "validation", "reference": "random"}
TAKEN = {"cpu_seconds", "cpu_seconds_to_build", "cpu_seconds_per_slot", "training_cpu_seconds"}
"""What records say of the time; the rest is the same whatever does the work."""


@pytest.fixture(scope="session")
def stages():
    plan = from_plain(Study, {**PLAIN, "parts": [PART]})
    units, _ = list_units(plan, False)
    return list_stages(units, bracket_episodes(plan, units, False), [])


@pytest.fixture(scope="session")
def alone(stages, tmp_path_factory):
    """What the study comes to in one process."""
    out = tmp_path_factory.mktemp("alone")
    play_stages(stages, out, HereEngine())
    return records(out)


def records(out):
    """Contents of all records and arrays by place, without the time that was taken."""
    found = {}
    for path in sorted(out.rglob("*")):
        if path.suffix == ".json":
            plain = json.loads(path.read_text())
            # A bracket stops after CPU seconds, wherever it is then; `of` holds all that it starts from.
            kept = ("of", "code") if "brackets" in path.parts else plain.keys() - TAKEN
            found[path.relative_to(out)] = {key: plain[key] for key in kept}
        elif path.suffix == ".npz":
            found[path.relative_to(out)] = path.read_bytes()
    return found
