"""Stop in mid-run, go on in new objects, and compare with the run that never stopped."""

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecMonitor
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.rl.build import build
from agents.rl.config import A2CConfig, PPOConfig
from experiments import checkpoint
from experiments.files import atomically
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread

ENVS, ROLLOUT, STEPS = 4, 5, 200
AGENTS = [
    PPOConfig(
        n_steps=ROLLOUT, learning_rate=0.01, schedule="linear", batch_size=10, n_epochs=2, net_arch=(8,)
    ),
    A2CConfig(n_steps=ROLLOUT, learning_rate=0.01, net_arch=(8,)),
]


class Walk(gym.Env):
    """A random walk to be kept near 0; its episodes end at random."""

    observation_space = gym.spaces.Box(-99, 99, (1,), np.float32)

    def __init__(self):
        self.action_space = gym.spaces.MultiDiscrete([2, 3])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.normal()
        return np.array([self.place], np.float32), {}

    def step(self, action):
        self.place += action[0] - 0.5 + 0.1 * action[1] * self.np_random.normal()
        ends = bool(self.np_random.random() < 0.1)
        return np.array([self.place], np.float32), -abs(self.place), False, ends, {}


class Walks(SyncVectorEnv):
    """With the two methods by which the native environment is saved."""

    def __init__(self):
        super().__init__([Walk] * ENVS, autoreset_mode=AutoresetMode.SAME_STEP)

    def get_state(self):
        return copy.deepcopy([vars(env) for env in self.envs])

    def set_state(self, state):
        for env, values in zip(self.envs, copy.deepcopy(state), strict=True):
            vars(env).update(values)


class Die(BaseCallback):
    """Ends the run as abruptly as an exception can."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def _on_step(self):
        if self.num_timesteps >= self.step:
            raise KeyboardInterrupt
        return True


def start(config, folder, every=40, die_at=STEPS + 1):
    """One process's life: go on from the checkpoint if there is one."""
    use_one_thread()
    path, events = folder / "checkpoint.pt", folder / "events"
    events.mkdir(exist_ok=True, parents=True)
    state = checkpoint.read(path) if path.exists() else None
    if state:
        checkpoint.rewind(events, state)
    algorithm = build(config, VecMonitor(GymVecEnv(Walks())), seed=1)
    algorithm.set_logger(configure(str(events), ["tensorboard"]))
    if state:
        checkpoint.restore(algorithm, state)
    saving = checkpoint.Checkpoints(path, events, every)
    left = STEPS - algorithm.num_timesteps
    callbacks = CallbackList([saving, Die(die_at)])
    algorithm.learn(left, callbacks, log_interval=1, reset_num_timesteps=state is None)
    algorithm.logger.close()
    return algorithm


def scalars(folder):
    reader = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0})
    reader.Reload()
    clocks = ("time/fps",)
    return {
        tag: [(event.step, event.value) for event in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
        if tag not in clocks
    }


@pytest.mark.parametrize("config", AGENTS, ids=["ppo", "a2c"])
@pytest.mark.parametrize("die_at", [8, 60, 100, 188])
def test_resumed_run_equals_the_uninterrupted_one(tmp_path, config, die_at):
    whole = start(config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        start(config, tmp_path / "parts", die_at=die_at)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    resumed = start(config, tmp_path / "parts")
    assert resumed.num_timesteps == whole.num_timesteps
    expected = whole.policy.state_dict()
    for name, tensor in resumed.policy.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert scalars(tmp_path / "parts") == scalars(tmp_path / "whole")
    steps = [step for step, _ in scalars(tmp_path / "parts")["train/value_loss"]]
    assert steps == list(range(2 * ENVS * ROLLOUT, STEPS + 1, ENVS * ROLLOUT))


def test_checkpoint_survives_a_crash_while_it_is_written(tmp_path):
    path = tmp_path / "checkpoint.pt"
    atomically(path, lambda file: file.write(b"old"))

    def crash(file):
        file.write(b"ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomically(path, crash)
    assert path.read_bytes() == b"old"


def test_rewind_leaves_the_events_as_they_were(tmp_path):
    (tmp_path / "known").write_bytes(b"before, after")
    (tmp_path / "unknown").write_bytes(b"after")
    checkpoint.rewind(tmp_path, {"events": {"known": 6}})
    assert [file.name for file in tmp_path.iterdir()] == ["known"]
    assert (tmp_path / "known").read_bytes() == b"before"
