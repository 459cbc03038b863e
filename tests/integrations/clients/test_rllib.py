"""RLlib trains PPO on its new stack, workers in processes of Ray; skipped where it is not installed."""

import numpy as np
import pytest

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


@pytest.mark.learning
@pytest.mark.slow
@pytest.mark.parametrize("runners", [0, 1])
def test_ppo_trains_an_iteration(runners):
    pytest.importorskip("ray.rllib.algorithms.ppo", exc_type=ImportError)
    import ray
    from ray.rllib.algorithms.ppo import PPOConfig

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    try:
        config = (
            # The module in the id is imported wherever Ray starts a process.
            PPOConfig()
            .environment("idn_gym:IDN-Scalar-v0", env_config=OPTIONS)
            .env_runners(num_env_runners=runners, num_envs_per_env_runner=2)
            .training(train_batch_size_per_learner=8 * SLOTS, minibatch_size=SLOTS, num_epochs=1)
            .rl_module(model_config={"fcnet_hiddens": [16]})
            .debugging(seed=0)
        )
        algorithm = config.build_algo()
        try:
            found = algorithm.train()["env_runners"]
        finally:
            algorithm.stop()
        assert found["num_episodes"] >= 4 and found["episode_len_mean"] == SLOTS
        assert np.isfinite(found["episode_return_mean"])
    finally:
        ray.shutdown()
