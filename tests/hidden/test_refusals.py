"""What is refused where quality is hidden, in one sentence."""

from dataclasses import replace

import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.ceiling import static_ceiling
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.hidden.test_book import make_env
from tests.hidden_worlds import hidden_world


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        (
            {"conditions": {"names": ["clean", "fog"]}},
            "quality.conditions.names.1: 'fog' is not a condition of the table",
        ),
        ({"conditions": {"names": ["clean", "clean"]}}, "names: 'clean' is given twice"),
        ({"conditions": {"names": ["clean"], "stay": [0.5]}}, "stay: 0.5 is not allowed"),
        ({"conditions": {"names": ["clean"], "stay": [2.0, 3.0]}}, "stay: 2 are not allowed"),
        ({"accuracy": "labels"}, "probes.share: 0 is not allowed with accuracy labels"),
        (
            {"accuracy": "disagreement", "probes": {}},
            "probes.share: 0 is not allowed with accuracy disagreement",
        ),
        ({"accuracy": "guessed"}, "accuracy: 'guessed' is not allowed"),
        ({"outcomes": ["nowhere.npz"]}, "nowhere.npz"),
    ],
)
def test_bad_input_is_named(quality, message):
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        make_env(**quality)


def test_models_without_outcomes_are_refused():
    world = hidden_world()
    other = replace(world.tasks[0], models=("mobilenetv3_small_100",))
    with pytest.raises(ConfigError, match="'mobilenetv3_small_100' is not allowed where quality is hidden"):
        make_env(world=replace(world, tasks=(other,)))


def test_bounds_that_are_none_are_refused():
    world = hidden_world(horizon=3)
    compiled, instance = compile_scenario(world), build_instance(world, 0)
    with pytest.raises(ConfigError, match="quality: is hidden"):
        dynamic_bound(compiled, instance, 0, 1.0)
    with pytest.raises(ConfigError, match="quality: is hidden"):
        static_ceiling(world, [0])


def test_states_of_another_accuracy_are_refused():
    one, other = make_env(accuracy="calibrated"), make_env(accuracy="confidence")
    one.reset(seed=0)
    other.reset(seed=0)
    with pytest.raises(ConfigError, match=r"state\.quality\.accuracy: 'calibrated' is not allowed"):
        other.set_state(one.get_state())
