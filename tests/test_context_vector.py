"""The vector environment of contexts: rows of different scenarios, equal to `ContextEnv` to the bit."""

import pickle
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.context_env import ContextEnv, next_seed
from idn_gym.context_rows import MOST_CONTEXT_SEED
from idn_gym.context_vector import ContextVectorEnv
from idn_gym.env import IDNEnv
from idn_gym.scenarios.contexts import draw_scenario, load_context
from tests.test_vector import Loop, compare, compare_infos, compare_row, pick
from tests.test_vector_states import collect

HORIZON = 3
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]
TREES = {**to_plain(load_context("trees")), "nodes": [4, 9]}
BATTERIES = {"topology.access.battery": {"capacity": 4e3}}
BUDGET = {"budgets": {"energy": 2.0e3, "ends": True}}


def keywords(changes=None, **given):
    return {"context": TREES, "overrides": {"horizon": HORIZON, **(changes or {})}, **given}


def draw_actions(env, rng):
    return rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)


def play_beside(vector, sync, seed, steps, rng):
    """The same actions in both; what comes back is the same to the bit. Returns which rows ended, by step."""
    (seen, infos), (wanted, others) = vector.reset(seed=seed), sync.reset(seed=seed)
    np.testing.assert_equal(seen, wanted)
    compare_infos(infos, others)
    ends = []
    for _ in range(steps):
        actions = draw_actions(vector, rng)
        one, other = vector.step(actions), sync.step(actions)
        np.testing.assert_equal(one[0], other[0])
        for field, again in zip(one[1:4], other[1:4], strict=True):
            np.testing.assert_array_equal(field, again, strict=True)
        assert one[0] in vector.observation_space
        finals = [infos.pop("final_obs", np.zeros(0)) for infos in (one[4], other[4])]
        np.testing.assert_equal(*map(list, finals))
        for infos in (one[4], other[4]):
            infos.pop("_final_obs", None)
        compare_infos(one[4], other[4])
        ends.append(tuple(one[2] | one[3]))
    return ends


@settings(max_examples=5)
@given(
    seed=st.one_of(st.integers(0, 2**40), st.lists(st.integers(0, 99), min_size=3, max_size=3)),
    mode=st.sampled_from(MODES),
    split=st.sampled_from(["train", "test"]),
    preference=st.sampled_from(["balanced", "random"]),
    held_out=st.sampled_from(["all", "topology"]),
    observation=st.sampled_from(["graph", "graph-moves"]),
)
def test_rows_are_context_environments_to_the_bit(seed, mode, split, preference, held_out, observation):
    made = keywords(split=split, preference=preference, held_out=held_out, observation=observation)
    vector = ContextVectorEnv(3, autoreset_mode=mode, **made)
    sync = SyncVectorEnv([partial(ContextEnv, **made)] * 3, autoreset_mode=mode)
    assert vector.observation_space == sync.observation_space
    assert vector.action_space == sync.action_space and vector.metadata == sync.metadata
    play_beside(vector, sync, seed, 2 * HORIZON + 2, np.random.default_rng(0))
    play_beside(vector, sync, [None, 7, None], 1, np.random.default_rng(1))


@pytest.mark.parametrize("mode", MODES)
def test_rows_that_a_budget_ends_go_on_by_themselves(mode):
    made = keywords(BUDGET)
    vector = ContextVectorEnv(4, autoreset_mode=mode, **made)
    sync = SyncVectorEnv([partial(ContextEnv, **made)] * 4, autoreset_mode=mode)
    ends = play_beside(vector, sync, 0, 3 * HORIZON, np.random.default_rng(0))
    assert any(0 < sum(over) < 4 for over in ends)


@pytest.mark.parametrize("mode", MODES)
def test_figures_of_scenarios_of_different_sizes(mode):
    """Charges have a width of their own in every row; Gymnasium's vector environment cannot hold them."""
    made = keywords(BATTERIES)
    vector, loop = ContextVectorEnv(3, autoreset_mode=mode, **made), Loop(0, mode)
    loop.envs, loop.over = [ContextEnv(**made) for _ in range(3)], [False] * 3
    infos = vector.reset(seed=0)[1]
    loop.reset(range(3))
    assert len({len(levels) for levels in infos["levels"]}) > 1
    for _ in range(HORIZON + 2):
        actions = draw_actions(vector, np.random.default_rng(0))
        compare(vector.step(actions), loop.step(actions))


@pytest.mark.parametrize("preference", [None, "balanced"])
def test_rewards_are_those_of_the_single_environment(preference):
    made = keywords(preference=preference, objectives=("accuracy", "latency"))
    vector, alone = ContextVectorEnv(2, **made), ContextEnv(**made)
    vector.reset(seed=4), alone.reset(seed=5)
    actions = draw_actions(vector, np.random.default_rng(0))
    rewards, reward = vector.step(actions)[1], alone.step(actions[1])[1]
    np.testing.assert_array_equal(rewards[1], reward)
    assert rewards.dtype == (np.float32 if preference is None else np.float64)
    for name in ("reward_space", "reward_dim"):
        assert getattr(vector, name, None) == getattr(alone, name, None)


def test_rows_of_different_scenarios_are_in_one_batch():
    vector = ContextVectorEnv(4, **keywords())
    seen, _ = vector.reset(seed=0)
    sizes = [len(scenario.topology.nodes) for scenario in vector.scenarios]
    assert seen["node_rows"].sum(axis=1).tolist() == sizes and len(set(sizes)) > 1
    assert len({row.tobytes() for row in seen["link_source"]}) > 1
    assert len({id(scenario.topology) for scenario in vector.scenarios}) == 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_group_plays_the_scenario_of_its_first_row(mode, split):
    """Each row is `IDNEnv` on the group's scenario, with the episode of the row's own seed."""
    seeds, each = [3, 9, 9, 4], 2
    made = keywords(split=split, preference="random")
    vector = ContextVectorEnv(4, autoreset_mode=mode, rows_per_scenario=each, **made)
    rng = np.random.default_rng(0)
    seen, infos = vector.reset(seed=seeds)
    for episode in range(3):
        drawn = [next_seed(split, seed, episode) for seed in seeds]
        leaders = [drawn[row - row % each] for row in range(4)]
        scenarios = [draw_scenario(vector.context, split, leader) for leader in leaders]
        assert vector.scenarios == scenarios
        rows = [IDNEnv(s, "scores", "graph", "random", split=split) for s in scenarios]
        wanted = [row.reset(seed=seed) for row, seed in zip(rows, drawn, strict=True)]
        for slot in range(HORIZON + 1):
            assert infos["scenario_seed"].tolist() == leaders and infos["episode_seed"].tolist() == drawn
            for row, (alone, info) in enumerate(wanted):
                compare_padded(pick(seen, row), alone)
                compare_row(infos, row, {**info, "scenario_seed": leaders[row], "episode_seed": drawn[row]})
            if slot == HORIZON:
                break
            actions = draw_actions(vector, rng)
            pairs = [len(alone["pair_mask"]) for alone, _ in wanted]
            played = [row.step(a[:n]) for row, a, n in zip(rows, actions, pairs, strict=True)]
            seen, reward, _, over, infos = vector.step(actions)
            assert reward.tolist() == [step[1] for step in played]
            assert over.tolist() == [slot + 1 == HORIZON] * 4
            wanted = [(step[0], step[4]) for step in played]
            if mode == AutoresetMode.SAME_STEP and slot + 1 == HORIZON:
                for row, (alone, info) in enumerate(wanted):
                    compare_padded(infos["final_obs"][row], alone)
                    assert infos["final_info"]["latency"][row] == info["latency"]
                break
        if mode == AutoresetMode.NEXT_STEP:
            seen, reward, _, over, infos = vector.step(draw_actions(vector, rng))
            assert not reward.any() and not over.any()


def compare_padded(padded, seen):
    """The tables of an observation are there, and nothing beside them."""
    for name, values in seen.items():
        there = tuple(map(slice, values.shape))
        np.testing.assert_array_equal(padded[name][there], values)
        rest = padded[name].copy()
        rest[there] = 0
        assert not rest.any()


def test_padding_of_actions_is_not_read():
    one, other = (ContextVectorEnv(2, **keywords()) for _ in range(2))
    seen, _ = one.reset(seed=0)
    other.reset(seed=0)
    actions = draw_actions(one, np.random.default_rng(0))
    changed = np.where(seen["pair_rows"] > 0, actions, -actions)
    assert (changed != actions).any()
    np.testing.assert_equal(one.step(actions)[:2], other.step(changed)[:2])


def test_bad_actions_change_nothing():
    vector, other = (ContextVectorEnv(2, **keywords()) for _ in range(2))
    with pytest.raises(gym.error.ResetNeeded):
        vector.step(vector.action_space.sample())
    vector.reset(seed=0), other.reset(seed=0)
    good = draw_actions(vector, np.random.default_rng(0))
    for _ in range(HORIZON + 1):
        far = good.copy()
        far[1, -1] = 1.5
        for bad in (far, good[:1], np.full(good.shape, np.nan), "up"):
            with pytest.raises(gym.error.InvalidAction):
                vector.step(bad)
        np.testing.assert_equal(vector.step(good)[:4], other.step(good)[:4])


@pytest.mark.parametrize("mode", MODES)
def test_nothing_shares_memory_between_steps(mode):
    env = ContextVectorEnv(2, autoreset_mode=mode, **keywords(BATTERIES))
    results = [env.reset(seed=0)]
    results += [env.step(env.action_space.sample()) for _ in range(HORIZON + 1)]
    arrays = [array for result in results for array in collect(result)]
    kept = [array.copy() for array in arrays]
    env.reset(seed=1)
    env.step(env.action_space.sample())
    np.testing.assert_equal(arrays, kept)
    own = {id(array): array for array in arrays}.values()
    assert all(not np.shares_memory(a, b) for i, a in enumerate(own) for b in list(own)[i + 1 :])


def test_a_pickled_environment_goes_on_to_the_bit():
    env = ContextVectorEnv(4, rows_per_scenario=2, **keywords())
    env.reset(seed=0)
    env.step(env.action_space.sample())
    copied = pickle.loads(pickle.dumps(env))
    for _ in range(HORIZON + 1):
        actions = draw_actions(env, np.random.default_rng(0))
        np.testing.assert_equal(env.step(actions)[:4], copied.step(actions)[:4])


def test_methods_and_pictures_are_those_of_singles():
    made = keywords(render_mode="ansi")
    vector, sync = ContextVectorEnv(2, **made), SyncVectorEnv([partial(ContextEnv, **made)] * 2)
    vector.reset(seed=0), sync.reset(seed=0)
    assert vector.render() == sync.render()
    actions = draw_actions(vector, np.random.default_rng(0))
    vector.step(actions), sync.step(actions)
    for method in ("describe", "describe_placement", "render"):
        assert vector.call(method) == sync.call(method)
    assert vector.describe_placement(1) == sync.envs[1].describe_placement()
    with pytest.raises(ConfigError, match=r"^step: .*all environments step together"):
        vector.call("step")
    with pytest.raises(AttributeError, match="ContextEnv has no method 'action_masks'"):
        vector.call("action_masks")


def test_make_vec_gives_the_native_environment():
    env = gym.make_vec("IDN-Context-v0", num_envs=2, autoreset_mode="SAME_STEP", **keywords())
    assert isinstance(env.unwrapped, ContextVectorEnv) and env.spec.max_episode_steps == HORIZON
    short = gym.make_vec("IDN-Context-v0", num_envs=2, max_episode_steps=2, **keywords())
    for made in (short, gym.make_vec(short.spec)):
        made.reset(seed=0)
        over = [bool(made.step(made.action_space.sample())[3].all()) for _ in range(2)]
        assert over == [False, True] and made.unwrapped.horizon == 2
    longer = keywords(changes={"horizon": 9})
    assert gym.make_vec("IDN-Context-v0", num_envs=2, **longer).unwrapped.horizon == 9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rows_per_scenario": 3}, r"rows_per_scenario: 3 is not allowed; .* divides num_envs=4"),
        ({"rows_per_scenario": 0}, r"rows_per_scenario: 0 is not allowed; .* at least 1"),
        ({"rows_per_scenario": True}, "rows_per_scenario: True is not allowed"),
        ({"rows_per_scenario": 2, **keywords(BUDGET)}, "rows_per_scenario: 2 .* where budgets.ends is true"),
        ({"autoreset_mode": "DISABLED"}, "autoreset_mode: .*allowed: NEXT_STEP, SAME_STEP"),
        ({"held_out": "tasks"}, "held_out: 'tasks' is not allowed"),
        ({"split": "tst"}, "split: 'tst' is not allowed"),
        ({"render_mode": "human"}, "render_mode: 'human' is not allowed"),
        ({"max_episode_steps": 0}, "max_episode_steps: 0 is not allowed"),
        ({"scenario": "tiny"}, "scenario: is unknown"),
        ({"objectives": ("latency",), "overrides": {"objectives": ["energy"]}}, "objectives.* sets it too"),
    ],
)
def test_what_is_wrong_names_its_key(given, said):
    with pytest.raises(ConfigError, match=f"^(overrides.)?{said}"):
        ContextVectorEnv(4, **{**keywords(), **given})


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ([1, 2, 3], "seed: 3 seeds are not allowed; must be 2"),
        (-1, "seed: -1 is not allowed"),
        (MOST_CONTEXT_SEED, f"seed: {2**63} is not allowed; must be at most {2**63 - 1}"),
    ],
)
def test_bad_seeds_are_refused(seed, said):
    with pytest.raises(ConfigError, match=f"^{said}"):
        ContextVectorEnv(2, **keywords()).reset(seed=seed)
