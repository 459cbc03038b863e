"""Tianshou trains DQN off-policy, with its own vector of environments; skipped where it is not installed."""

import importlib

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


@pytest.mark.learning
def test_dqn_trains_and_plays_whole_episodes():
    dqn = pytest.importorskip("tianshou.algorithm.modelfree.dqn", exc_type=ImportError)
    data, envs, nets, optim, trainer = (
        importlib.import_module(f"tianshou.{name}")
        for name in ("data", "env", "utils.net.common", "algorithm.optim", "trainer")
    )
    training, test = (
        envs.DummyVectorEnv([lambda: gym.make("IDN-Scalar-v0", **OPTIONS) for _ in range(3)])
        for _ in range(2)
    )
    single = gym.make("IDN-Scalar-v0", **OPTIONS)
    net = nets.Net(
        state_shape=single.observation_space.shape, action_shape=single.action_space.n, hidden_sizes=[16]
    )
    policy = dqn.DiscreteQLearningPolicy(model=net, action_space=single.action_space, eps_training=0.2)
    algorithm = dqn.DQN(
        policy=policy, optim=optim.AdamOptimizerFactory(lr=1e-3), gamma=0.9, target_update_freq=8
    )
    buffer = data.VectorReplayBuffer(100, 3)
    result = algorithm.run_training(
        trainer.OffPolicyTrainerParams(
            training_collector=data.Collector[data.CollectStats](algorithm, training, buffer),
            test_collector=data.Collector[data.CollectStats](algorithm, test),
            max_epochs=1,
            epoch_num_steps=12 * SLOTS,
            collection_step_num_env_steps=3 * SLOTS,
            test_step_num_episodes=3,
            batch_size=8,
            verbose=False,
            show_progress=False,
        )
    )
    assert result.train_step >= 12 * SLOTS and np.isfinite(result.best_reward)
    assert (np.diff(np.flatnonzero(buffer.truncated[:SLOTS])) == SLOTS).all()
    assert buffer.truncated.sum() * SLOTS == len(buffer) and not buffer.terminated.any()
