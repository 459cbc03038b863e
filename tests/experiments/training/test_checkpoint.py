"""Stop in mid-run, go on in new objects, and compare with the run that never stopped."""

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.buffers import DictReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecMonitor
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.rl.build import build_algorithm
from agents.rl.entropy import entropy_callbacks
from agents.rl.off_policy_config import DQNConfig, OffPolicy, QRDQNConfig, SACConfig, TQCConfig
from agents.rl.on_policy_config import A2CConfig, MaskablePPOConfig, PPOConfig, RecurrentPPOConfig
from experiments.training import checkpoint
from idn_gym.files import atomically
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread
from idn_gym.objective_records import find_objectives

ENVS, ROLLOUT, STEPS = 4, 5, 120
DISCRETE, SEVERAL = gym.spaces.Discrete(6), gym.spaces.MultiDiscrete([2, 3])
CONTINUOUS = gym.spaces.Box(-1, 1, (2,), np.float32)
SMALL = {"learning_rate": 0.01, "net_arch": (8,)}
CLIPPED = {"n_steps": ROLLOUT, "batch_size": 10, "n_epochs": 2, **SMALL}
# A buffer that runs over, somewhere between two checkpoints.
REPLAYED = {"buffer_size": 52, "learning_starts": 20, "batch_size": 8, "gradient_steps": 2, **SMALL}
AGENTS = [
    (PPOConfig(schedule="linear", **CLIPPED), SEVERAL),
    (PPOConfig(critic_heads="objectives", diversity=0.5, **CLIPPED), SEVERAL),
    (A2CConfig(n_steps=ROLLOUT, ent_coef=0.5, entropy_schedule="linear", **SMALL), SEVERAL),
    (MaskablePPOConfig(**CLIPPED), SEVERAL),
    (RecurrentPPOConfig(lstm_hidden_size=4, **CLIPPED), CONTINUOUS),
    (DQNConfig(target_update_interval=24, exploration_fraction=1.0, **REPLAYED), DISCRETE),
    (QRDQNConfig(target_update_interval=24, n_quantiles=5, **REPLAYED), DISCRETE),
    (SACConfig(train_freq=3, **REPLAYED), CONTINUOUS),
    (TQCConfig(n_quantiles=5, **REPLAYED), CONTINUOUS),
]


class Walk(gym.Env):
    """A random walk to be kept near 0; its episodes end at random."""

    observation_space = gym.spaces.Box(-99, 99, (1,), np.float32)

    def __init__(self, action_space):
        self.action_space, self.place = action_space, 0.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.normal()
        return np.array([self.place], np.float32), {}

    def step(self, action):
        push, noise = divmod(int(action), 3) if np.ndim(action) == 0 else action
        self.place += push - 0.5 + 0.1 * noise * self.np_random.normal()
        ends = bool(self.np_random.random() < 0.1)
        told = {"vector_reward": [-abs(self.place)], "reward_weights": [1.0], "requests": 0.0}
        told = {name: np.array(value) for name, value in told.items()}
        return np.array([self.place], np.float32), -abs(self.place), False, ends, told


class Walks(SyncVectorEnv):
    """With the methods of the native environment by which it is saved, and masks."""

    def __init__(self, action_space):
        super().__init__([lambda: Walk(action_space)] * ENVS, autoreset_mode=AutoresetMode.SAME_STEP)
        compiled = SimpleNamespace(
            objectives=find_objectives(["energy"]),
            scales=np.ones(1),
            tables=SimpleNamespace(nominal_requests=1.0),
        )
        self.simulation = SimpleNamespace(objectives=compiled.objectives, compiled=compiled)

    def describe(self):
        """As if where the walk is were the weight of its objective."""
        return {"observation": [{"name": "weight energy"}]}

    def get_state(self):
        return [[env.place, env.np_random.bit_generator.state] for env in self.envs]

    def set_state(self, state):
        for env, (place, generator) in zip(self.envs, state, strict=True):
            env.place, env.np_random.bit_generator.state = place, generator

    def action_masks(self):
        """Where the walk is far to one side, it must not be pushed further."""
        places = np.array([env.place for env in self.envs])
        masks = np.ones((ENVS, 5), np.bool_)
        masks[:, 0], masks[:, 1] = places > -2, places < 2
        return masks


class Die(BaseCallback):
    """Ends the run as abruptly as an exception can."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def _on_step(self):
        if self.num_timesteps >= self.step:
            raise KeyboardInterrupt
        return True


def start(agent, folder, every=40, die_at=2 * STEPS):
    """One process's life: go on from the checkpoint if there is one."""
    use_one_thread()
    path, events = folder / "checkpoint.pt", folder / "events"
    events.mkdir(exist_ok=True, parents=True)
    state = checkpoint.read_checkpoint(path) if path.exists() else None
    if state:
        checkpoint.rewind(events, state)
    config, actions = agent
    algorithm = build_algorithm(config, VecMonitor(GymVecEnv(Walks(actions))), seed=1)
    algorithm.set_logger(configure(str(events), ["tensorboard"]))
    if state:
        checkpoint.restore(algorithm, state)
    saving = checkpoint.Checkpoints(path, events, every)
    left = STEPS - algorithm.num_timesteps
    callbacks = CallbackList([saving, Die(die_at), *entropy_callbacks(config, STEPS)])
    log_interval = 3 if isinstance(config, OffPolicy) else 1
    algorithm.learn(left, callbacks, log_interval=log_interval, reset_num_timesteps=state is None)
    algorithm.logger.close()
    return algorithm


def scalars(folder):
    reader = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0})
    reader.Reload()
    clocks = ("time/fps",)
    # Files of one second are read in the order of their names, in which the tenth comes before the ninth.
    return {
        tag: sorted((event.step, event.value) for event in reader.Scalars(tag))
        for tag in reader.Tags()["scalars"]
        if tag not in clocks
    }


@pytest.fixture(scope="module", params=AGENTS, ids=lambda agent: agent[0].kind)
def whole(request, tmp_path_factory):
    """An agent, and the run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    return request.param, start(request.param, folder), scalars(folder)


@pytest.mark.parametrize("die_at", [8, 60, 100])
def test_resumed_run_equals_the_uninterrupted_one(whole, tmp_path, die_at):
    agent, expected, curves = whole
    with pytest.raises(KeyboardInterrupt):
        start(agent, tmp_path, die_at=die_at)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    resumed = start(agent, tmp_path)
    assert resumed.num_timesteps == expected.num_timesteps
    for part, values in expected.get_parameters().items():
        assert_same(resumed.get_parameters()[part], values)
    assert scalars(tmp_path) == curves
    if not isinstance(agent[0], OffPolicy):
        steps = [step for step, _ in curves["train/value_loss"]]
        assert steps == list(range(2 * ENVS * ROLLOUT, STEPS + 1, ENVS * ROLLOUT))


def assert_same(found, expected):
    """Of state dicts of nets and optimisers, to the bit."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected)
    else:
        assert found == expected


def test_replayed_dicts_of_observations_come_back():
    space = gym.spaces.Dict({"a": gym.spaces.Box(0, 1, (2,)), "b": gym.spaces.Box(0, 1, (3,))})
    buffers = [DictReplayBuffer(12, space, DISCRETE, n_envs=ENVS) for _ in range(2)]
    space.seed(0)
    for row in range(4):  # the last one overwrites the first one
        observation, following = ({k: np.stack([v] * ENVS) for k, v in space.sample().items()} for _ in "ab")
        nothing = np.zeros(ENVS)
        buffers[0].add(observation, following, np.full(ENVS, row), nothing, nothing, [{}] * ENVS)
    checkpoint.remember(buffers[1], checkpoint.transitions(buffers[0]))
    assert (buffers[1].pos, buffers[1].full) == (1, True)
    for key in space:
        np.testing.assert_array_equal(buffers[1].observations[key], buffers[0].observations[key])
        np.testing.assert_array_equal(buffers[1].next_observations[key], buffers[0].next_observations[key])
    np.testing.assert_array_equal(buffers[1].actions, buffers[0].actions)


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
    names = ["events.out.tfevents.1", "evaluations.csv", "events.out.tfevents.2", "mine.txt"]
    for name in names:
        (tmp_path / name).write_bytes(b"before, after")
    checkpoint.rewind(tmp_path, {"events": {names[0]: 6, names[1]: 8}})
    found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    # Curves that began after the checkpoint go; what no run wrote stays.
    assert found == {names[0]: b"before", names[1]: b"before, ", names[3]: b"before, after"}
