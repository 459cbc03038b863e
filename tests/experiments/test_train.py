"""One small run from the command line, and what it leaves behind."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.registry import make_agent
from experiments.run_config import flat, resolve
from experiments.train import RunFolder, main, make_env
from idn_gym.metrics import METRICS
from idn_gym.objectives import OBJECTIVES
from idn_gym.strict import read_yaml

WORDS = ["--scenario", "tiny", "--agent", "a2c", "--steps", "200", "--envs", "4", "--seed", "3"]
CHANGES = ["evaluate_every=96", "evaluation_episodes=2", "agent.net_arch=[8]", "scenario.horizon=9"]
LAST = 224
"""step at which it ends: whole rollouts of 4 environments x 8 slots"""


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The command line, after it has been run."""
    words = [*WORDS, "--out", str(tmp_path_factory.mktemp("runs") / "one"), *CHANGES]
    main(words)
    return words


@pytest.fixture
def folder(words):
    return RunFolder(words[words.index("--out") + 1])


@pytest.fixture
def events(folder):
    reader = EventAccumulator(str(folder.events), size_guidance={"scalars": 0, "images": 0})
    return reader.Reload()


def test_every_quantity_has_a_curve(events):
    for name in METRICS:
        tag = f"objectives/{name}" if name in OBJECTIVES else f"service/{name}"
        assert [event.step for event in events.Scalars(tag)] == list(range(32, LAST + 1, 32)), tag
        assert [event.step for event in events.Scalars(f"evaluation/{name}")] == [0, 96, 192, LAST]
    # The cloud is elastic, so it has no utilisation.
    assert [tag for tag in events.Tags()["scalars"] if "utilisation" in tag] == [
        "utilisation/device",
        "utilisation/edge",
    ]
    assert all(0 <= event.value <= 1 for event in events.Scalars("utilisation/device"))
    assert max(event.value for event in events.Scalars("utilisation/device")) > 0


def test_placements_are_drawn(events):
    pictures = events.Images("placement")
    assert [picture.step for picture in pictures] == [0, 96, 192, LAST]
    assert pictures[0].encoded_image_string != pictures[-1].encoded_image_string


def test_configuration_is_kept_and_gives_the_run_again(folder, events):
    record = read_yaml(folder.config)
    config = resolve(record["run"])
    assert record["versions"]["torch"] and record["command"].startswith("python ")
    assert (config.scenario.name, config.scenario.horizon, config.seed) == ("tiny", 9, 3)
    text = events.Tensors("configuration/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "net_arch" in text and "horizon: 9" in text


def test_hyper_parameters_are_in_the_table(events):
    tags = events.summary_metadata
    assert "_hparams_/session_start_info" in tags
    content = tags["_hparams_/session_start_info"].plugin_data.content
    assert all(name.encode() in content for name in flat(resolve(agent="a2c").agent))


def test_finished_run_is_left_alone(words, folder):
    saved = folder.policy.stat().st_mtime_ns
    main([*words, "--resume"])
    assert folder.policy.stat().st_mtime_ns == saved


def test_folder_of_another_run_is_refused(words):
    with pytest.raises(SystemExit, match="holds a run"):
        main(words)
    with pytest.raises(SystemExit, match=r"agent.gamma: 0.9 is not what the run has"):
        main([*words, "agent.gamma=0.9", "--resume"])


def test_trained_policy_acts(folder):
    config = resolve(read_yaml(folder.config)["run"])
    env = make_env(config).unwrapped.native
    observations, _ = env.reset(seed=0)
    actions, _ = make_agent("a2c", env, path=str(folder.policy)).predict(observations)
    assert env.action_space.contains(actions)
