"""Every learning agent through every codec that it is meant for: trained, saved, read, played, masked."""

import re
import typing
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import AGENTS, make_agent
from agents.rl.build import ALGORITHMS, build_algorithm
from agents.rl.config import AgentConfig, acts_through
from agents.rl.off_policy_config import OffPolicy
from experiments.training.checkpoint import rollout_steps
from experiments.training.run_config import load_run_config, shipped_agents
from experiments.training.train_run import make_env
from idn_gym.config_reader import ConfigError, read_yaml, to_plain
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import use_one_thread
from tests.conftest import CODECS

CONFIGS = {
    typing.get_type_hints(config)["kind"].__args__[0]: config for config in typing.get_args(AgentConfig)
}
PAIRS = [(kind, codec) for kind, config in CONFIGS.items() for codec in config.codecs() if codec in CODECS]
SHORT = {
    "envs": 4,
    "agent.net_arch": [8],
    "agent.batch_size": 8,
    "agent.learning_starts": 4,
    "agent.gradient_steps": 1,
    "agent.n_quantiles": 3,
    "agent.lstm_hidden_size": 4,
    "agent.n_steps": 4,
}


def run_config(kind, codec):
    """Of a short run with small nets."""
    fields = CONFIGS[kind].__dataclass_fields__
    changes = {key: value for key, value in SHORT.items() if key == "envs" or key[6:] in fields}
    return load_run_config(scenario="tiny", agent=kind, changes={"action": codec, **changes})


def test_one_name_everywhere():
    learning = {name for name, target in AGENTS.items() if target.startswith("agents.rl.")}
    assert set(CONFIGS) == set(ALGORITHMS) == learning
    assert set(CONFIGS) <= set(shipped_agents())
    for name, config in CONFIGS.items():
        assert type(load_run_config(agent=name, changes={"action": config.codecs()[0]}).agent) is config


@pytest.mark.parametrize("name", shipped_agents())
def test_every_shipped_file_is_an_agent(name):
    plain = read_yaml(Path(__file__).resolve().parents[2] / "configs" / "agents" / f"{name}.yaml")
    codec = next(codec for codec in CONFIGS[plain["kind"]].codecs() if acts_through(plain, codec))
    assert type(load_run_config(agent=name, changes={"action": codec}).agent) is CONFIGS[plain["kind"]]


@pytest.mark.parametrize("kind, codec", PAIRS)
def test_agent_comes_back_from_its_file_and_plays_the_same(tmp_path, kind, codec):
    use_one_thread()
    config = run_config(kind, codec)
    algorithm = build_algorithm(config.agent, make_env(config), seed=0)
    fresh = {name: tensor.clone() for name, tensor in algorithm.policy.state_dict().items()}
    algorithm.learn(3 * rollout_steps(algorithm))
    assert any(not torch.equal(fresh[name], now) for name, now in algorithm.policy.state_dict().items())
    algorithm.save(tmp_path / "policy.zip")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"run": to_plain(config)}))
    env = gym.make_vec("IDN-v0", num_envs=3, split="validation", **config.env_options())
    read = make_agent(kind, env, path=str(tmp_path / "policy.zip"))
    episodes = [rollout(policy, env, range(3)).metrics for policy in (acting(algorithm, env), read, read)]
    assert len({figures.tobytes() for figures in episodes}) == 1
    other = gym.make_vec("IDN-v0", num_envs=1, vectorization_mode="sync", **config.env_options())
    with pytest.raises(ConfigError, match=r"^env: SyncVectorEnv.* is not allowed; .*gym.make_vec"):
        make_agent(kind, other, path=str(tmp_path / "policy.zip"))


def test_masks_hold_wherever_it_acts():
    """With weights for which it would always choose what is there already."""
    config = run_config("maskable-ppo", "change")
    algorithm = build_algorithm(config.agent, make_env(config), seed=0)
    torch.nn.init.normal_(algorithm.policy.action_net.bias, std=9.0)
    batch = gym.make_vec("IDN-v0", num_envs=3, **config.env_options())
    single = gym.make("IDN-v0", **config.env_options())
    for env in (batch, single):
        policy, unmasked = acting(algorithm, env), 0
        observation, _ = env.reset(seed=0)
        for _ in range(8):
            masks = np.atleast_2d(env.unwrapped.action_masks())
            rows = observation.reshape(len(masks), -1)
            actions, _ = policy.predict(rows, deterministic=True)
            assert masks[np.arange(len(masks)), actions].all()
            free, _ = algorithm.predict(rows, deterministic=True)
            unmasked += (~masks[np.arange(len(masks)), free]).sum()
            observation = env.step(actions if env is batch else actions[0])[0]
        assert unmasked > 0


def test_masks_hold_in_training():
    config = run_config("maskable-ppo", "change")
    env = make_env(config)
    algorithm = build_algorithm(config.agent, env, seed=0)
    torch.nn.init.normal_(algorithm.policy.action_net.bias, std=9.0)
    algorithm.learn(rollout_steps(algorithm))
    buffer = algorithm.rollout_buffer
    allowed = buffer.action_masks.reshape(-1, buffer.mask_dims)
    chosen = np.take_along_axis(allowed, buffer.actions.reshape(-1, 1).astype(int), axis=1)
    assert chosen.all() and not allowed.all()


@pytest.mark.parametrize(
    "kind, codec", [("dqn", "placement"), ("sac", "change"), ("maskable-ppo", "scores"), ("ppo", "segments")]
)
def test_other_codecs_are_refused(kind, codec):
    allowed = ", ".join(CONFIGS[kind].codecs())
    message = f"action: {kind} does not support the action codec '{codec}'; allowed: {allowed}"
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_run_config(scenario="tiny", agent=kind, changes={"action": codec})


def test_replay_buffers_are_small():
    """So that checkpoints are: below 100 MB on `edge-small`."""
    env = gym.make_vec("IDN-v0", num_envs=1, scenario="edge-small")
    entries = env.single_observation_space.shape[0]
    for kind, config in CONFIGS.items():
        if issubclass(config, OffPolicy):
            agent = load_run_config(agent=kind, changes={"action": config.codecs()[0]}).agent
            assert agent.buffer_size * entries * 8 < 100e6
