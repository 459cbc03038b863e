"""`IDN-Context-v0`: Gymnasium's checker, determinism, and the padded tables beside the scenario's own."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import idn_gym  # noqa: F401 (registers IDN-Context-v0)
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.context_env import ContextEnv, next_seed
from idn_gym.env import IDNEnv
from idn_gym.scenarios.contexts import draw_scenario, load_context

SHORT = {"horizon": 4}
SMALL = {**to_plain(load_context("trees")), "nodes": [10, 12]}


def make(**keywords):
    return ContextEnv(context=SMALL, overrides=SHORT, **keywords)


def same(one, other):
    return set(one) == set(other) and all(np.array_equal(one[name], other[name]) for name in one)


def test_gymnasiums_checker_passes():
    env = gym.make("IDN-Context-v0", context=SMALL, overrides=SHORT, render_mode="ansi")
    check_env(env.unwrapped)
    assert env.spec.max_episode_steps == 4
    env.close()


def test_vector_rewards():
    env = make(preference=None)
    env.reset(seed=0)
    reward = env.step(env.action_space.sample())[1]
    assert reward in env.reward_space and env.reward_dim == 5


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_episode_is_that_of_its_scenario(split):
    """Tables, rewards and infos are those of `IDNEnv` on the scenario that the seed stands for."""
    env, rng = make(split=split, held_out="topology"), np.random.default_rng(0)
    scenario = draw_scenario(env.context, split, 7, "topology")
    plain = IDNEnv(scenario, "scores", "graph", "balanced", split=split)
    seen, info = env.reset(seed=7)
    expected, wanted = plain.reset(seed=7)
    assert env.scenario == scenario and info.pop("scenario_seed") == 7
    for _ in range(4):
        for name, values in expected.items():
            padded = seen[name]
            there = tuple(map(slice, values.shape))
            assert np.array_equal(padded[there], values)
            padded = padded.copy()
            padded[there] = 0
            assert not padded.any()
        assert seen in env.observation_space
        assert all(np.array_equal(info[name], wanted[name]) for name in wanted)
        action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        seen, reward, *ends, info = env.step(action)
        expected, gained, *over, wanted = plain.step(action[: len(expected["pair_mask"])])
        assert info.pop("scenario_seed") == 7
        assert (reward, ends) == (gained, over)
    assert ends == [False, True]


def test_indices_say_who_is_connected_with_whom():
    env = make()
    seen, _ = env.reset(seed=3)
    told = env.describe()["episode"]["observation"]
    for name, (table, column) in {
        "link_source": ("links", "source"),
        "link_target": ("links", "target"),
        "pair_node": ("pairs", "node"),
        "pair_task": ("pairs", "task"),
        "pair_model": ("pairs", "model"),
    }.items():
        listed = told[table][column]
        assert seen[name][: len(listed)].tolist() == listed
        most = env.observation_space[name].high[0]
        assert (seen[name][len(listed) :] == most).all() and max(listed) < most
    for name, table in (("node_rows", "nodes"), ("link_rows", "links"), ("pair_rows", "pairs")):
        count = len(told[table]["rows"])
        assert seen[name].tolist() == [1.0] * count + [0.0] * (len(seen[name]) - count)


def test_what_is_described_is_what_is_observed():
    env = make()
    told = env.describe()["observation"]
    assert set(told) == set(env.observation_space.spaces)
    for name in ("nodes", "links", "pairs"):
        assert (told[name]["rows"], len(told[name]["columns"])) == env.observation_space[name].shape


def play(env, seed, episodes=2):
    """All that comes back in episodes that follow each other."""
    found = []
    for episode in range(episodes):
        seen, info = env.reset(seed=seed if episode == 0 else None)
        found.append((seen, env.scenario, info["scenario_seed"]))
        rng, over = np.random.default_rng(episode), False
        while not over:
            action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
            seen, reward, _, over, _ = env.step(action)
            found.append((seen, reward))
    return found


def test_the_same_seed_plays_the_same_scenarios():
    once, again = play(make(), 5), play(make(), 5)
    assert all(same(a[0], b[0]) and a[1:] == b[1:] for a, b in zip(once, again, strict=True))


def test_episodes_have_scenarios_of_their_own():
    env = make()
    networks = []
    for seed in (0, None, None, 1):
        env.reset(seed=seed)
        networks.append(env.scenario.topology)
    assert all(one != other for one, other in itertools.combinations(networks, 2))


def test_following_seeds_differ_and_repeat():
    seeds = [next_seed("train", 4, episode) for episode in range(50)]
    assert seeds[0] == 4 and len(set(seeds)) == 50
    assert seeds == [next_seed("train", 4, episode) for episode in range(50)]
    assert seeds[1:] != [next_seed("test", 4, episode) for episode in range(1, 50)]


def test_environments_side_by_side():
    env = gym.make_vec("IDN-Context-v0", num_envs=2, context=SMALL, overrides=SHORT)
    seen, _ = env.reset(seed=0)
    alone = make().reset(seed=1)[0]
    assert same({name: values[1] for name, values in seen.items()}, alone)
    for _ in range(6):
        seen, reward, *_ = env.step(env.action_space.sample())
        assert reward.shape == (2,) and seen in env.observation_space
    env.close()


def test_bad_actions_change_nothing():
    env = make()
    with pytest.raises(gym.error.ResetNeeded):
        env.step(env.action_space.sample())
    env.reset(seed=0)
    for bad in (np.full(env.action_space.shape, 2.0), np.zeros(3), np.full(env.action_space.shape, np.nan)):
        with pytest.raises(gym.error.InvalidAction):
            env.step(bad)
    seen = env.step(np.zeros(env.action_space.shape, np.float32))[0]
    other = make()
    other.reset(seed=0)
    assert same(seen, other.step(np.zeros(env.action_space.shape, np.float32))[0])


def test_what_is_wrong_names_its_key():
    for keywords, said in (
        ({"held_out": "tasks"}, "held_out: 'tasks' is not allowed"),
        ({"split": "tst"}, "split: 'tst' is not allowed"),
        ({"acton": 3}, "acton: is unknown"),
    ):
        with pytest.raises(ConfigError, match=said):
            make(**keywords)


def test_it_renders():
    env = make(render_mode="ansi")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    assert "place-0" in env.render() and env.describe_placement()


@pytest.mark.parametrize("action", ["up", [1.0 + 1e-8], None])
def test_actions_outside_the_space_are_refused_in_one_way(action):
    """A word, a number a little too large, and nothing: as the vector environment refuses them."""
    env = ContextEnv("trees", overrides={"horizon": 2})
    env.reset(seed=0)
    shape = env.action_space.shape
    given = np.full(shape, action[0]) if isinstance(action, list) else action
    with pytest.raises(gym.error.InvalidAction):
        env.step(given)


@pytest.mark.parametrize("name", ["IDN-v0", "IDN-Context-v0"])
@pytest.mark.parametrize("vector", [False, True])
def test_a_refused_reset_changes_nothing(name, vector):
    """The next reset draws what it would have drawn, and there is still nothing to step through."""

    def make():
        return gym.make_vec(name, num_envs=2) if vector else gym.make(name).unwrapped

    refused, asked = make(), make()
    with pytest.raises(ConfigError, match=r"options\.wrong"):
        refused.reset(seed=3, options={"wrong": 1})
    with pytest.raises(gym.error.ResetNeeded):
        refused.step(refused.action_space.sample())
    for _ in range(2):
        asked.reset(seed=5), refused.reset(seed=5)
        with pytest.raises(ConfigError, match=r"options\.wrong"):
            refused.reset(options={"wrong": 1})
        (seen, _), (wanted, _) = refused.reset(), asked.reset()
        np.testing.assert_equal(seen, wanted)
