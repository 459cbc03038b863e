"""Agents that have models adapt beside every form of placements."""

import numpy as np
import pytest

from agents.rl.origin import Origin
from experiments.training.run_config import load_run_config
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.policies.saved import split_word
from idn_gym.vector import IDNVectorEnv
from tests.actions.test_beside import asking_world
from tests.actions.test_library_conformance import check_that_it_comes_back, short_run


@pytest.mark.parametrize(
    ("kind", "codec"),
    [
        ("ppo", "scores+adapt"),
        ("ppo", "association+adapt"),
        ("recurrent-ppo", "changes+adapt"),
        ("sac", "fractional+adapt"),
        ("maskable-ppo", "change+adapt"),
        ("maskable-ppo", "library+adapt"),
    ],
)
def test_agents_come_back_from_their_files_and_play_the_same(tmp_path, kind, codec):
    config = short_run(kind, asking_world(), action=codec)
    env, policy = check_that_it_comes_back(tmp_path, config)
    if kind != "maskable-ppo":
        return
    observation, each = env.reset(seed=0)[0], env.single_action_space.nvec
    first = np.concatenate([[0], np.cumsum(each)[:-1]])
    for _ in range(6):
        masks, actions = env.unwrapped.action_masks(), policy.predict(observation)[0]
        assert np.take_along_axis(masks, first + actions, axis=1).all()
        observation = env.step(actions)[0]


@pytest.mark.parametrize(
    ("kind", "codec"),
    [
        ("dqn", "change+adapt"),
        ("sac", "change+adapt"),
        ("maskable-ppo", "scores+adapt"),
        ("ppo-graph", "placement+adapt"),
        ("ppo", "segments+adapt"),
    ],
)
def test_agents_that_cannot_say_it_are_refused(kind, codec):
    with pytest.raises(ConfigError) as raised:
        load_run_config({"scenario": asking_world()}, agent=kind, changes={"action": codec})
    assert str(raised.value).startswith(f"action: {kind} does not support the action codec '{codec}'")


def test_adapting_alone_is_told_where_it_stands():
    with pytest.raises(ConfigError, match=r"^action: 'adapt' is not allowed alone; .*'placement\+adapt'$"):
        load_run_config({"scenario": asking_world()}, agent="ppo", changes={"action": "adapt"})


def test_saved_policies_are_named_with_it():
    assert split_word("ppo:scores+adapt:mine.zip", ["ppo"], "policy") == ("ppo", "scores+adapt", "mine.zip")


def test_a_policy_of_other_placements_does_not_fit():
    plain = asking_world()
    other = plain | {"placements": plain["placements"][::-1]}
    run = to_plain(short_run("ppo", plain, action="library+adapt"))
    origin = from_plain(Origin, {name: run[name] for name in ("scenario", "agent", "action")})
    fits = [
        origin.fits(IDNVectorEnv(1, scenario=world, action="library+adapt", preference="balanced"))
        for world in (plain, other)
    ]
    assert fits == [True, False]
