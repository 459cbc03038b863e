"""Actions that have models adapt: only what is asked for is done, and only where it can be."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv
from tests.adapting.test_book import (
    BOARD,
    CONTROLLER,
    adapting_world,
    fixed,
    make_env,
    pair_of,
    with_adaptation,
)

CALM = {"rule": "asked", "patience": 1, "labels": 0.3}


def open_env(rows=1, **keys):
    return make_env(rows, world=fixed("clean", "darkness-0.75", **CALM | keys), action="placement+adapt")


def holding(env):
    """The placement of everything at the board and the controller that fits."""
    compiled = env.simulation.compiled
    placement = np.array(compiled.tables.pinned)
    for node in (BOARD, CONTROLLER):
        v = pair_of(env, node)
        plan = compiled.adaptations
        placement[node, plan.pair_model[v]] = plan.pair_whole[v]
    return placement


def asking(env, *nodes):
    """The action that holds everything and has the models of some nodes adapt."""
    codec = env.simulation.codec
    adapt = np.zeros(codec.adaptable, np.bool_)
    adapt[[pair_of(env, node) for node in nodes]] = True
    return np.tile(codec.encode(codec.placing.choices_of(holding(env)), adapt), (env.num_envs, 1))


def test_what_is_asked_for_is_done_and_nothing_else():
    env = open_env()
    env.reset(seed=0)
    book, v = env.simulation.quality.adapting, pair_of(env, BOARD)
    for _ in range(15):
        assert env.step(asking(env))[4]["adaptations"][0] == 0.0
    assert book._samples[0, v].sum() > 10.0 and not book._true.any()
    assert env.step(asking(env, BOARD))[4]["adaptations"][0] == 1.0
    for _ in range(3):
        assert env.step(asking(env))[4]["adaptations"][0] == 0.0
    assert book._true[0, v].any() and np.count_nonzero(book._true[0].sum(axis=1)) == 1


def test_what_has_no_memory_for_it_does_not_adapt():
    env = open_env()
    env.reset(seed=0)
    for _ in range(20):
        env.step(asking(env, CONTROLLER))
    assert env.simulation.quality.adapting._samples[0, pair_of(env, CONTROLLER)].sum() > 10.0
    assert not env.simulation.quality.adapting._true.any()


def test_the_guard_may_refuse():
    for guard in (False, True):
        env = make_env(
            world=fixed("clean", **CALM | {"labels": 0.02, "guard": guard}), action="placement+adapt"
        )
        env.reset(seed=0)
        begun = sum(env.step(asking(env, BOARD))[4]["adaptations"][0] for _ in range(59))
        assert (begun > 0.0) == (not guard)


def test_samples_and_versions_are_observed():
    env = open_env()
    env.reset(seed=0)
    names = [entry["name"] for entry in env.describe()["observation"]]
    for _ in range(15):
        env.step(asking(env, BOARD))
    observation = env.step(asking(env))[0][0]
    book, v = env.simulation.quality.adapting, pair_of(env, BOARD)
    seen = {
        name: observation[names.index(f"{name} digits_lab_baseline at board")]
        for name in ("samples", "adapted")
    }
    assert seen["samples"] == pytest.approx(book._samples[0, v].sum() / book._most, rel=1e-6)
    assert seen["adapted"] == pytest.approx(book._known[0, v].sum() / book._most, rel=1e-6)
    assert seen["adapted"] > 0.0
    assert sum(name.startswith("samples ") for name in names) == env.simulation.codec.adaptable


def test_masks_leave_out_what_is_not_there():
    env = open_env()
    env.reset(seed=0)
    pairs, v = env.simulation.codec.adaptable, pair_of(env, BOARD)
    assert not env.action_masks()[0, : 2 * pairs].reshape(pairs, 2)[v, 1]
    env.step(asking(env))
    allowed = env.action_masks()[0]
    assert allowed[: 2 * pairs].reshape(pairs, 2)[v].all()
    assert len(allowed) == env.single_action_space.nvec.sum()


def sharing_env(rows=1):
    """Open, where nodes may be sent weights."""
    return open_env(rows, share="pull")


def choosing(env, board=0, controller=0):
    """The action that holds everything and makes these choices for the model of two nodes."""
    codec = env.simulation.codec
    choices = np.zeros(codec.adaptable, np.int64)
    choices[[pair_of(env, BOARD), pair_of(env, CONTROLLER)]] = board, controller
    return np.tile(codec.encode(codec.placing.choices_of(holding(env)), choices), (env.num_envs, 1))


def test_weights_are_sent_when_that_is_asked_for():
    env = sharing_env()
    env.reset(seed=0)
    book, plan = env.simulation.quality.adapting, env.simulation.compiled.adaptations
    board, controller = pair_of(env, BOARD), pair_of(env, CONTROLLER)
    for _ in range(15):
        env.step(choosing(env, board=1))
    assert book._true[0, board].any() and not book._true[0, controller].any()  # nothing comes by itself
    assert env.step(choosing(env))[4]["adaptation_traffic"][0] == 0.0
    infos = env.step(choosing(env, controller=2))[4]
    assert infos["adaptation_traffic"][0] == 2 * plan.changed[controller]  # the board is two links away
    np.testing.assert_array_equal(book._true[0, controller], book._true[0, board])
    infos = env.step(choosing(env, controller=3))[4]
    assert infos["adaptation_traffic"][0] == 3 * plan.changed[controller]  # and the cloud three
    assert not book._true[0, controller].any() and book._true[0, board].any()
    assert env.step(choosing(env, controller=3))[4]["adaptations"][0] == 0.0  # they are there already


def test_the_guard_may_refuse_weights_but_not_those_of_the_catalogue():
    env = open_env(share="pull", guard=True)
    env.reset(seed=0)
    book, v = env.simulation.quality.adapting, pair_of(env, CONTROLLER)
    for _ in range(15):
        env.step(choosing(env))
    book._known[0, pair_of(env, BOARD), 0] = book._true[0, pair_of(env, BOARD), 0] = 100.0
    assert env.step(choosing(env, controller=2))[4]["adaptations"][0] == 0.0  # learnt in the light
    book._known[0, v, 1] = book._true[0, v, 1] = 100.0
    assert env.step(choosing(env, controller=3))[4]["adaptations"][0] == 1.0
    assert not book._true[0, v].any()


def test_masks_leave_out_weights_that_are_nowhere():
    env = sharing_env()
    env.reset(seed=0)
    pairs, board, controller = (
        env.simulation.codec.adaptable,
        pair_of(env, BOARD),
        pair_of(env, CONTROLLER),
    )

    def allowed():
        return env.action_masks()[0, : 4 * pairs].reshape(pairs, 4).astype(int).tolist()

    assert allowed()[board] == allowed()[controller] == [1, 0, 0, 0]
    env.step(choosing(env))
    assert allowed()[board] == allowed()[controller] == [1, 1, 0, 0]
    for _ in range(15):
        env.step(choosing(env, board=1))
    assert allowed()[board] == [1, 1, 0, 1] and allowed()[controller] == [1, 1, 1, 0]
    env.step(choosing(env, controller=2))
    assert allowed()[board] == allowed()[controller] == [1, 1, 1, 1]
    assert len(env.action_masks()[0]) == env.single_action_space.nvec.sum()


def test_choices_say_what_they_do():
    line = sharing_env().simulation.codec.describe()[1]
    model = "digits_lab_baseline"
    assert line == (
        f"board: 0 nothing, 1 adapt {model}, 2 pull {model} from another node, 3 {model} of the catalogue"
    )


def test_actions_are_those_of_their_description():
    env = open_env()
    codec = env.simulation.codec
    lines = codec.describe()
    assert len(lines) == len(codec.space.nvec)
    assert lines[pair_of(env, BOARD)] == "board: 0 nothing, 1 adapt digits_lab_baseline"
    wanted = codec.decode(env.simulation.instance, env.simulation.state, asking(env)).wanted[0]
    placement = holding(env)
    np.testing.assert_array_equal(wanted[[BOARD, CONTROLLER]], placement[[BOARD, CONTROLLER]])


@pytest.mark.parametrize("share", ["none", "pull"])
def test_rows_are_single_environments(share):
    world = with_adaptation(**CALM | {"share": share})
    env = make_env(2, world=world, action="placement+adapt")
    alone = [IDNEnv(world, action="placement+adapt", preference="balanced") for _ in range(2)]
    env.action_space.seed(0)
    env.reset(seed=5)
    for i, one in enumerate(alone):
        one.reset(seed=5 + i)
    begun = 0.0
    for _ in range(30):
        actions = env.action_space.sample()
        actions[:, env.simulation.codec.adaptable :] = asking(env)[:, env.simulation.codec.adaptable :]
        observation, reward, _, _, infos = env.step(actions)
        begun += infos["adaptations"].sum()
        for i, one in enumerate(alone):
            seen, earned = one.step(actions[i])[:2]
            np.testing.assert_array_equal(seen, observation[i])
            assert earned == reward[i]
    assert begun > 0.0


def test_the_environment_is_one_of_gymnasium():
    world = with_adaptation(**CALM)
    check_env(
        gym.make("IDN-v0", scenario=world, action="placement+adapt", preference="balanced").unwrapped,
        skip_render_check=True,
    )


@pytest.mark.parametrize("world", [adapting_world(**{"quality.adaptation.rule": "always"}), "tiny"])
def test_scenarios_that_ask_nobody_are_refused(world):
    with pytest.raises(ConfigError, match=r"'\+adapt' needs quality\.adaptation\.rule asked"):
        IDNEnv(world, action="placement+adapt")
