"""skrl trains PPO on the native vector environment; skipped where it is not installed."""

import importlib

import gymnasium as gym
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


@pytest.mark.learning
def test_ppo_trains_on_many_environments(tmp_path):
    torch = pytest.importorskip("torch")
    ppo = pytest.importorskip("skrl.agents.torch.ppo", exc_type=ImportError)
    models, trainers, memories, wrappers = (
        importlib.import_module(f"skrl.{name}")
        for name in (
            "utils.model_instantiators.torch",
            "trainers.torch",
            "memories.torch",
            "envs.wrappers.torch",
        )
    )
    native = gym.make_vec("IDN-Scalar-v0", num_envs=3, autoreset_mode="SAME_STEP", **OPTIONS)
    env = wrappers.wrap_env(native, wrapper="gymnasium", verbose=False)
    assert env.num_envs == 3
    spaces = {
        "observation_space": env.observation_space,
        "action_space": env.action_space,
        "device": env.device,
    }
    layers = [{"name": "net", "input": "OBSERVATIONS", "layers": [16], "activations": "elu"}]
    policy = models.categorical_model(**spaces, network=layers, output="ACTIONS")
    value = models.deterministic_model(**spaces, network=layers, output="ONE")
    for role, model in (("policy", policy), ("value", value)):
        model.init_state_dict(role=role)
    before = [weight.detach().clone() for weight in policy.parameters()]
    agent = ppo.PPO(
        models={"policy": policy, "value": value},
        memory=memories.RandomMemory(memory_size=2 * SLOTS, num_envs=3, device=env.device),
        cfg={
            "rollouts": 2 * SLOTS,
            "experiment": {"directory": str(tmp_path), "write_interval": 0, "checkpoint_interval": 0},
        },
        **spaces,
    )
    options = {"timesteps": 4 * SLOTS, "headless": True, "disable_progressbar": True}
    options["close_environment_at_exit"] = False
    trainers.SequentialTrainer(env=env, agents=agent, cfg=options).train()
    after = list(policy.parameters())
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert all(bool(weight.isfinite().all()) for weight in after)
