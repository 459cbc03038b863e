"""A training whose policy becomes NaN or infinite: one sentence, and the checkpoint before it stands."""

import re

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from agents.rl.build import build_algorithm
from experiments.train import RunFolder, main
from experiments.training import checkpoint
from experiments.training.divergence import finite, learn
from experiments.training.run_config import load_run_config
from experiments.training.training_run import make_env
from experiments.tuning.trial import train_trial
from idn_gym.config_reader import ConfigError

DIVERGING = {
    "agent.learning_rate": 1e6,
    "agent.net_arch": [32] * 6,
    "agent.activation": "relu",
    "envs": 2,
    "steps": 64,
    "scenario.horizon": 6,
}
"""Deep nets without bounds on what a layer passes on, and steps that are far too large for them."""
MESSAGE = r"agent.learning_rate: .* is too high: after (\d+) steps the policy is NaN or infinite; lower it"


def weights(path):
    return checkpoint.read_checkpoint(path)["parameters"]["policy"]


def test_the_command_ends_in_one_line_and_leaves_a_sound_checkpoint(tmp_path):
    folder = RunFolder(tmp_path / "run")
    words = ["--scenario", "tiny", "--out", str(folder.path), "action=scores", "evaluation_episodes=1"]
    words += [f"{name}={value}" for name, value in DIVERGING.items()]
    for again in ([], ["--resume"]):  # the same settings diverge again
        with pytest.raises(SystemExit) as caught:
            main([*words, *again])
        (line,) = str(caught.value).splitlines()
        assert line.startswith("error: agent.learning_rate: 1000000.0 is too high: after 32 steps ")
        assert line.endswith(f" lower it in a new run; the checkpoint before it stands: {folder.checkpoint}")
        assert not folder.policy.exists()
        assert all(bool(tensor.isfinite().all()) for tensor in weights(folder.checkpoint).values())


LATER = {"agent.learning_starts": 16}


@pytest.mark.parametrize(
    ("agent", "changes"),
    [
        ("ppo", {"action": "scores"}),
        ("ppo", {"action": "placement"}),
        ("maskable-ppo", {}),
        ("recurrent-ppo", {}),
        ("ppo-graph", {}),
        ("a2c", {}),
        ("dqn", LATER),
        ("qr-dqn", LATER),
        ("sac", LATER),
        ("tqc", LATER),
    ],
)
def test_every_algorithm_ends_in_one_sentence(agent, changes):
    """In a trial of a tuning, which counts it among those that are refused."""
    config = load_run_config(scenario="tiny", agent=agent, changes={**DIVERGING, **changes})
    with pytest.raises(ConfigError, match=f"{MESSAGE}$"):
        train_trial(config, range(1))


class Spoil(BaseCallback):
    """Writes a value into the policy in the middle of training."""

    def __init__(self, step, value):
        super().__init__()
        self.step, self.value = step, value

    def _on_step(self):
        if self.num_timesteps == self.step:
            with torch.no_grad():
                next(self.model.policy.parameters())[0] = self.value
        return True


def make(tmp_path, **changes):
    changes = {"envs": 2, "steps": 64, "agent.n_steps": 4, "agent.batch_size": 8, **changes}
    config = load_run_config(scenario="tiny", agent="ppo", changes={"action": "scores", **changes})
    algorithm = build_algorithm(config.agent, make_env(config), 0)
    (tmp_path / "events").mkdir()
    saving = checkpoint.Checkpoints(tmp_path / "checkpoint.pt", tmp_path / "events", every=8)
    return config, algorithm, saving


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("spoilt", "saved"), [(28, 24), (32, 24), (64, 56)])
def test_the_last_checkpoint_before_it_stands(tmp_path, spoilt, saved, value):
    """Also where the last update of a training breaks it: neither checkpoint nor policy is written then."""
    config, algorithm, saving = make(tmp_path)
    with pytest.raises(ConfigError, match=rf"{MESSAGE} .* stands: .*checkpoint.pt$") as caught:
        learn(algorithm, config, [saving, Spoil(spoilt, value)], saving.path, log_interval=None)
    assert spoilt <= int(re.search(MESSAGE, str(caught.value))[1]) <= saved + 8
    assert not finite(algorithm)
    assert checkpoint.read_checkpoint(saving.path)["counters"]["num_timesteps"] == saved
    assert all(bool(tensor.isfinite().all()) for tensor in weights(saving.path).values())


def test_the_very_last_update_is_looked_at(tmp_path):
    """Nobody acts on it any more, so that only looking at it tells."""
    config, algorithm, saving = make(tmp_path)
    update = algorithm.train

    def spoil():
        update()
        if algorithm.num_timesteps == config.steps:
            with torch.no_grad():
                next(algorithm.policy.parameters())[0] = np.nan

    algorithm.train = spoil
    with pytest.raises(ConfigError, match=MESSAGE):
        learn(algorithm, config, [saving], saving.path, log_interval=None)
    assert all(bool(tensor.isfinite().all()) for tensor in weights(saving.path).values())


def test_other_errors_are_left_as_they_are(tmp_path):
    config, algorithm, saving = make(tmp_path)

    class Broken(BaseCallback):
        def _on_step(self):
            raise ValueError("something else")

    with pytest.raises(ValueError, match=r"^something else$"):
        learn(algorithm, config, [saving, Broken()], saving.path)
