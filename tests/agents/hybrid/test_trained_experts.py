"""What a training run left is an expert, by its folder or file, to the bit as it plays alone."""

import numpy as np
import pytest
import yaml

from agents.rl.build import build_algorithm
from experiments.training.play import open_agent, play_agent
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.sb3 import use_one_thread
from idn_gym.scenarios.presets import load_scenario

TINY = load_scenario("tiny", {"horizon": 12})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a PPO that was hardly trained."""
    use_one_thread()
    folder = tmp_path_factory.mktemp("run")
    changes = {"envs": 4, "agent.net_arch": [8], "agent.batch_size": 8, "agent.n_steps": 4}
    config = load_run_config(scenario="tiny", agent="ppo", changes=changes)
    build_algorithm(config.agent, make_env(config), seed=0).save(folder / "policy.zip")
    (folder / "config.yaml").write_text(yaml.safe_dump({"run": to_plain(config)}))
    return folder


@pytest.mark.parametrize("word", ["folder", "file", "path"])
def test_a_run_is_an_expert(run, word):
    file = str(run / "policy.zip")
    expert = {"folder": str(run), "file": file, "path": {"agent": "ppo", "options": {"path": file}}}[word]
    env, policy = open_agent("hybrid-adahedge", TINY, [0, 1], experts=[expert, "lru"])
    rollout(policy, env, [0, 1])
    alone = play_agent(file, TINY, [0, 1])
    np.testing.assert_array_equal(-policy.course().virtual[:, :, 0].T, alone.scalar)


def test_a_run_is_a_hint(run):
    """Rule O asks the trained policy what it holds, and weighs what that says of the slot."""
    env, policy = open_agent("hybrid-optimistic", TINY, [0, 1], experts=[{"agent": str(run), "label": "ppo"}])
    rollout(policy, env, [0, 1])
    alone = play_agent(str(run / "policy.zip"), TINY, [0, 1])
    np.testing.assert_array_equal(-policy.course().virtual[:, :, 0].T, alone.scalar)
    trust = {key: value for key, value in policy.notes.items() if key.startswith("trust")}
    assert "trust expert ppo" in trust and sum(trust.values()) == pytest.approx(1.0)


def test_a_policy_of_other_spaces_is_refused_when_the_combiner_is_built(run):
    other = load_scenario("edge-small", {"horizon": 12})
    with pytest.raises(ConfigError, match="trained on other observations or actions"):
        open_agent("hybrid-adahedge", other, [0], experts=[str(run), "lru"])


def test_files_that_would_run_code_are_no_experts(run):
    bare = run / "alone"
    bare.mkdir()
    (bare / "mine.zip").write_bytes((run / "policy.zip").read_bytes())
    for word in (str(bare / "mine.zip"), f"ppo:placement:{bare / 'mine.zip'}"):
        with pytest.raises(ConfigError, match=r"has no config\.yaml|name the folder of a run"):
            open_agent("hybrid-adahedge", TINY, [0], experts=[word, "lru"])
