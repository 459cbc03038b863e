"""Training inside Rule S: what is learnt, what is written, what is refused."""

import pytest
import torch
from stable_baselines3.common.save_util import load_from_zip_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.hybrid.switch import SafeSwitch, SwitchConfig
from experiments.training import checkpoint
from experiments.training.run_config import load_run_config
from experiments.training.run_folder import RunFolder
from experiments.training.train_run import train_run
from idn_gym.config_reader import ConfigError, to_plain
from tests.agents.hybrid.test_switch import ADVERSARY, POOR, trained


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"switch.prior": "lro"}, r"switch\.prior\.agent: 'lro' is unknown"),
        ({"switch.rho": 2.0}, r"^switch\.rho: "),
        ({"switch": {}, "preference": "random"}, r"^preference: 'random' is not allowed with a switch"),
    ],
)
def test_what_is_wrong_with_a_switch_is_said_before_training(changes, message):
    with pytest.raises(ConfigError, match=message):
        load_run_config(scenario="tiny", agent="ppo", changes=changes)


def test_training_learns_inside_and_the_switch_moves():
    changes = {"switch": {"prior": POOR, "rho": 1.0}}
    algorithm, config, env = trained(ADVERSARY, **changes)
    assert config.switch == SwitchConfig(prior=POOR, rho=1.0)
    assert load_run_config(to_plain(config)) == config
    switch = env.unwrapped.native
    assert isinstance(switch, SafeSwitch)
    before = [weights.clone() for weights in algorithm.policy.parameters()]
    algorithm.learn(4 * 8 * 2)
    played = switch.combiner.course().played
    assert len(played) == 16 and 0.0 < (played == 0).mean() < 1.0
    changed = zip(before, algorithm.policy.parameters(), strict=True)
    assert any(not torch.equal(one, other) for one, other in changed)


def test_a_run_in_a_switch_writes_its_curves_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    """In the middle of an episode, to the bit."""
    small = {"envs": 2, "steps": 64, "agent.net_arch": [4], "agent.batch_size": 8, "agent.n_steps": 4}
    often = {"checkpoint_every": 8, "evaluate_every": 32, "evaluation_episodes": 2}
    changes = {**small, **often, "switch": {"prior": POOR, "rho": 1.0}}
    config = load_run_config({"scenario": to_plain(ADVERSARY), "agent": {}}, agent="ppo", changes=changes)
    whole, stopped = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "stopped")
    train_run(config, whole)
    events = EventAccumulator(str(whole.events)).Reload()
    shares = [event.value for event in events.Scalars("switch/followed")]
    assert all(0.0 <= share <= 1.0 for share in shares) and events.Scalars("switch/slack")
    assert [event.step for event in events.Scalars("evaluation/reward")] == [0, 32, 64]

    save, saved = checkpoint.save_checkpoint, []

    def save_and_stop(*given):
        save(*given)
        saved.append(given)
        if len(saved) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_checkpoint", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train_run(config, stopped)
    monkeypatch.undo()
    train_run(config, stopped)
    one, other = (load_from_zip_file(run.policy, device="cpu")[1]["policy"] for run in (whole, stopped))
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    tables = [(run.events / "evaluations.csv").read_text() for run in (whole, stopped)]
    assert tables[0] == tables[1]
