"""A run's configuration: from names, files and dotted keys, and back from YAML."""

import pytest
import yaml

from experiments.training.run_config import RunConfig, flat, load_run_config, to_yaml
from idn_gym.commands.grammar import assignments
from idn_gym.config_reader import ConfigError, from_plain, to_plain


def test_defaults_are_those_of_the_files():
    config = load_run_config()
    assert config.scenario.name == "edge-drift"
    assert config.agent == load_run_config(agent="ppo").agent and config.agent.kind == "ppo"
    assert load_run_config(agent="a2c").agent.kind == "a2c"


def test_dotted_keys_reach_every_level():
    words = [
        "seed=3",
        "agent.learning_rate=1e-3",
        "scenario.dynamics.link.kind=fixed",
        "agent.net_arch=[8, 8]",
    ]
    config = load_run_config(changes=assignments(words))
    assert (config.seed, config.agent.learning_rate, config.agent.net_arch) == (3, 0.001, (8, 8))
    assert config.scenario.dynamics.link.kind == "fixed"


@pytest.mark.parametrize("steps, every", [(400_000, 40_000), (50_000, 5_000), (20_000, 5_000), (1, 5_000)])
def test_there_are_ten_evaluations_or_one_every_5000_steps(steps, every):
    config = load_run_config(changes={"steps": steps})
    assert config.evaluate_every is None and config.steps_between_evaluations == every
    assert load_run_config(to_plain(config)).steps_between_evaluations == every
    assert load_run_config(changes={"steps": steps, "evaluate_every": 7}).steps_between_evaluations == 7


def test_yaml_gives_the_same_run():
    config = load_run_config(
        agent="a2c", changes={"scenario.topology.nodes.0.servers": float("inf"), "steps": 7}
    )
    assert from_plain(RunConfig, yaml.safe_load(to_yaml(config))) == config


def test_base_is_kept_but_for_what_is_named():
    base = yaml.safe_load(to_yaml(load_run_config(agent="a2c", changes={"seed": 5})))
    assert load_run_config(base).seed == 5 and load_run_config(base).agent.kind == "a2c"
    assert load_run_config(base, agent="ppo").agent.kind == "ppo"


def test_agent_file_of_the_user(tmp_path):
    (tmp_path / "mine.yaml").write_text("kind: ppo\nn_steps: 3\nlearning_rate: 1e-4\n")
    assert load_run_config(agent=str(tmp_path / "mine.yaml")).agent.learning_rate == 0.0001


@pytest.mark.parametrize(
    "words, message",
    [
        (["agent.learning_rat=1"], "agent.learning_rat"),
        (["agent.gamma=2"], "agent.gamma"),
        (["agent.learning_rate=1e39"], r"^agent.learning_rate: 1e\+39 is not allowed"),
        (["agent.ent_coef=1e300"], r"^agent.ent_coef: 1e\+300 is not allowed"),
        (["agent.gamma"], "not an assignment"),
        (["agent.net_arch=[1"], "agent.net_arch"),
        (["stepps=5"], "steps"),
        (["evaluate_every=0"], "^evaluate_every: 0 is not allowed; must be at least 1"),
        (["scenario.horizon=0"], "scenario.horizon"),
        (["agent.kind=trpo"], "agent.kind"),
    ],
)
def test_wrong_words_are_named(words, message):
    with pytest.raises(ConfigError, match=message):
        load_run_config(changes=assignments(words))


@pytest.mark.parametrize(
    "agent, changes, message",
    [
        ("ppo-graph", {"agent.net_arch": []}, r"^agent\.net_arch: \[\] is not allowed"),
        ("ppo", {"envs": 1, "agent.n_steps": 1}, r"^agent.n_steps: 1 is not allowed with envs = 1"),
        ("maskable-ppo", {"envs": 11, "agent.n_steps": 3, "agent.batch_size": 16}, "batch_size = 16"),
    ],
)
def test_what_would_only_fail_in_training_is_refused(agent, changes, message):
    with pytest.raises(ConfigError, match=message):
        load_run_config(agent=agent, changes=changes)
    assert (
        load_run_config(agent="a2c", changes={"envs": 1, "agent.n_steps": 1, "agent.net_arch": []}).envs == 1
    )


def test_unknown_agent_gets_a_hint():
    with pytest.raises(ConfigError, match="did you mean 'ppo'"):
        load_run_config(agent="ppp")


def test_flat_keeps_scalars_for_tables():
    values = flat(load_run_config().agent)
    assert values["kind"] == "ppo" and isinstance(values["net_arch"], str)
    assert all(isinstance(value, (bool, int, float, str)) for value in values.values())


def test_any_preference_of_the_environment_can_be_trained_on():
    for preference in ("latency", [1, 1, 0, 0, 0.5], {"energy": 2.0, "update": 1}, "random"):
        assert load_run_config(changes={"preference": preference}).preference == preference
    for wrong in (None, "speed", [1, 2], {"speed": 1.0}):
        with pytest.raises(ConfigError, match="preference"):
            load_run_config(changes={"preference": wrong})


@pytest.mark.parametrize(
    ("agent", "codec"),
    [("dqn", "change"), ("qr-dqn", "change"), ("sac", "scores"), ("tqc", "scores"), ("ppo", None)],
)
def test_an_agent_gets_a_codec_that_it_can_act_through(agent, codec):
    """The scenario's own stays where it will do, and what the user names is never replaced."""
    config = load_run_config(scenario="tiny", agent=agent)
    assert config.scenario.action == "placement" and config.action == codec
    assert load_run_config(yaml.safe_load(to_yaml(config))) == config
    own = load_run_config(scenario="tiny", agent=agent, changes={"scenario.action": codec or "scores"})
    assert own.action is None
    with pytest.raises(
        ConfigError, match=f"^action: {agent} does not support the action codec 'segments'; allowed"
    ):
        load_run_config(scenario="tiny", agent=agent, changes={"action": "segments"})


def test_maskable_ppo_leaves_scores_for_a_codec_with_masks():
    assert load_run_config(scenario="isp-hierarchy", agent="maskable-ppo").action in (None, "change")
    changes = {"scenario.action": "scores"}
    assert load_run_config(scenario="tiny", agent="maskable-ppo", changes=changes).action == "change"
