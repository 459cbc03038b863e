"""Stop a training run in the middle, and kill it, and compare it with the one that nobody disturbed."""

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from stable_baselines3.common.save_util import load_from_zip_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "ppo": ["agent.n_steps=16", "agent.batch_size=32", "agent.n_epochs=2"],
    "ppo-conditioned": ["preference=random", "agent.critic_heads=objectives", "agent.diversity=0.5"],
    "sac": ["action=scores-task", "agent.gradient_steps=1", "agent.batch_size=16", "agent.buffer_size=1000"],
}
SETTINGS["ppo-conditioned"] += SETTINGS["ppo"]
LONG, OTHERS = pytest.mark.long, [one for one in SETTINGS if one != "ppo"]
ROLLOUT = {"ppo": 64, "ppo-conditioned": 64, "sac": 4}


def command(agent, out):
    words = ["--agent", agent, "--scenario", "tiny", "--steps", "2000", "--envs", "4", "--out", str(out)]
    small = ["checkpoint_every=200", "evaluate_every=1000", "evaluation_episodes=2", "scenario.horizon=25"]
    return [*words, "agent.net_arch=[16]", *SETTINGS[agent], *small]


def start(agent, out):
    words = [sys.executable, "-m", "experiments.train", *command(agent, out), "--resume"]
    with (out.parent / "output.txt").open("ab") as output:
        return subprocess.Popen(words, cwd=ROOT, stdout=output, stderr=output)


def kill_in_the_middle(process, checkpoint, number):
    """Soon after the run has replaced its checkpoint a few times; returns how it ended."""
    for _ in range(3):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
    process.send_signal(number)
    return process.wait()


def weights(out):
    _, parameters, _ = load_from_zip_file(out / "policy.zip", device="cpu")
    return parameters["policy"]


def curves(out):
    reader = EventAccumulator(
        str(out / "tensorboard"), size_guidance={"scalars": 0, "images": 0, "tensors": 0}
    )
    reader.Reload()
    tags = reader.Tags()
    timeless = [tag for tag in tags["scalars"] if not tag.startswith("time/")]
    found = {t: [(e.step, e.value) for e in reader.Scalars(t)] for t in timeless}
    found["table"] = (out / "tensorboard" / "evaluations.csv").read_text().splitlines()
    found |= {t: [e.step for e in reader.Images(t)] for t in tags["images"]}
    return found | {t: [e.step for e in reader.Tensors(t)] for t in tags["tensors"]}


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["ppo", *(pytest.param(one, marks=LONG) for one in OTHERS)])
def test_killed_and_resumed_run_ends_with_the_same_bits(tmp_path, agent):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert start(agent, whole).wait() == 0, (tmp_path / "output.txt").read_text()[-3000:]
    for number, status in ((signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)):
        assert kill_in_the_middle(start(agent, parts), parts / "checkpoint.pt", number) == status
    said = (tmp_path / "output.txt").read_text()
    assert "stopped; the same command with --resume continues" in said and "Traceback" not in said
    assert not (parts / "policy.zip").exists()
    assert start(agent, parts).wait() == 0, (tmp_path / "output.txt").read_text()[-3000:]
    expected, found = weights(whole), weights(parts)
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    assert curves(parts) == curves(whole)
    steps = [step for step, _ in curves(parts)["objectives/accuracy"]]
    assert steps == [ROLLOUT[agent] * math.ceil(100 * i / ROLLOUT[agent]) for i in range(1, 21)]
