"""Commands are killed at random moments: the same command then ends as if nothing had happened."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from agents.rl.weights import read_weights
from experiments import compare, study, train, tune

ROOT = Path(__file__).resolve().parents[2]
AGENT = {"learning_rate": 0.01, "n_steps": 8, "batch_size": 16, "n_epochs": 1, "net_arch": [8]}
SHORT = {f"agent.{name}": value for name, value in AGENT.items()}
PART = {
    "name": "p",
    "scenario": "tiny",
    "overrides": {"horizon": 4},
    "seeds": 3,
    "agents": [
        {"agent": "random"},
        {"agent": "popularity"},
        {"agent": "ppo", "train": {"steps": 32, "envs": 2, **SHORT}},
    ],
}
STUDY = {"name": "s", "title": "s", "about": "s", "split": "validation", "reference": "random"}
TUNING = {
    "name": "t",
    "scenario": "tiny",
    "space": {"agent.gamma": {"low": 0.5, "high": 0.999}},
    "run": {"envs": 2, "scenario.horizon": 4},
    "trials": 3,
    "steps": 32,
    "episodes": 2,
    "confirm": {"runs": 1, "steps": 1, "episodes": 2},
}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


class Command:
    """A command line in a folder of its own, what it comes to, and which files it never writes again."""

    kept = ()

    def __init__(self, folder):
        folder.mkdir()
        self.out = folder / "out"
        self.words = [*self.describe(folder), "--out", str(self.out)]

    def start(self):
        words = [sys.executable, "-m", self.module.__name__, *self.words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, cwd=ROOT, start_new_session=True, text=True, **quiet)

    def records(self):
        return {p: p.stat().st_mtime_ns for pattern in self.kept for p in self.out.glob(pattern)}


class Training(Command):
    module = train

    def describe(self, folder):
        words = ["--scenario", "tiny", "--envs", "2", "--steps", "480", "--resume", "scenario.horizon=6"]
        words += ["checkpoint_every=32", "evaluate_every=240", "evaluation_episodes=2"]
        return [*words, *(f"{key}={value}" for key, value in SHORT.items())]

    def result(self):
        tables = rows(self.out / "tensorboard" / "evaluations.csv")
        weights = read_weights(self.out / "policy.zip")
        return tables, {name: tensor.tolist() for name, tensor in weights.items()}


class Comparison(Command):
    module = compare

    def describe(self, folder):
        agents = ["random", "popularity", "static-greedy"]
        return [*agents, "--scenario", "tiny", "--seeds", "3", "horizon=5"]

    def result(self):
        return [rows(self.out / name) for name in ("table.csv", "tiny.csv")]


class Playing(Command):
    module, kept = study, ("units/**/*.json", "trained/*/budget.json")

    def describe(self, folder):
        path = folder / "study.yaml"
        path.write_text(yaml.safe_dump({**STUDY, "parts": [PART]}))
        return [str(path), "--workers", "2"]

    def result(self):
        return rows(self.out / "runs.csv", "cpu_seconds_to_build", "cpu_seconds_per_slot")


class PlayingOnRay(Playing):
    """On a cluster that the command starts; its machines end with it."""

    def describe(self, folder):
        pytest.importorskip("ray", reason="extra cluster")
        return [*super().describe(folder), "--engine", "ray"]


class Tuning(Command):
    module, workers = tune, "1"

    def describe(self, folder):
        (folder / "agent.yaml").write_text(yaml.safe_dump({"kind": "ppo", **AGENT}))
        (folder / "tuning.yaml").write_text(yaml.safe_dump({**TUNING, "agent": "agent.yaml"}))
        return [str(folder / "tuning.yaml"), "--workers", self.workers]

    def result(self):
        return rows(self.out / "trials.csv", "seconds"), (self.out / "best.yaml").read_text().splitlines()[2:]


class TuningSideBySide(Tuning):
    """Which worker comes first decides what is tried, so that only the numbers of trials are alike."""

    workers = "2"

    def result(self):
        found = rows(self.out / "trials.csv")
        return [row["state"] for row in found], sum(row["today"] == "True" for row in found)


def rows(path, *without):
    with path.open() as file:
        return [{k: v for k, v in row.items() if k not in without} for row in csv.DictReader(file)]


def kill(command, number, delay, gone):
    """Start, kill after `delay` seconds, and see that nothing lives on; False where it had ended before."""
    process = command.start()
    try:
        process.communicate(timeout=delay)
        return False
    except subprocess.TimeoutExpired:
        send = os.killpg if number == signal.SIGINT else os.kill  # a terminal interrupts all processes
        send(process.pid, number)
    _, said = process.communicate(timeout=120)
    if process.returncode == 128 + number:
        assert "stopped; " in said and "Traceback" not in said
    else:  # killed, before it could listen, or just over
        assert process.returncode in (-number, 0), said
    gone(process.pid)
    return process.returncode != 0


def finish(command):
    """Let it end by itself."""
    process = command.start()
    _, said = process.communicate()
    assert process.returncode == 0, said


@pytest.mark.long
@pytest.mark.parametrize(
    "kind, kills",
    [(Training, 8), (Playing, 8), (PlayingOnRay, 3), (Tuning, 4), (TuningSideBySide, 4), (Comparison, 6)],
)
def test_thirty_random_kills_lose_nothing(tmp_path, gone, kind, kills):
    began, whole = time.monotonic(), kind(tmp_path / "whole")
    finish(whole)
    span, expected = time.monotonic() - began, whole.result()
    draw = random.Random(kind.__name__)
    command, before = kind(tmp_path / "killed"), {}
    for i in range(kills):
        number = SIGNALS[i % len(SIGNALS)]
        while not kill(command, number, span * draw.uniform(0.2, 1.0), gone):
            assert command.result() == expected
            command, before = kind(tmp_path / f"again-{draw.random()}"), {}
        assert before.items() <= command.records().items(), "what was done was done again"
        before = command.records()
    finish(command)
    assert command.result() == expected
    assert before.items() <= command.records().items(), "what was done was done again"
