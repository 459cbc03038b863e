"""Rule S as a wrapper: promise, parity with the combiner, what Gymnasium asks, what training leaves."""

import warnings
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.hybrid.switch import SafeSwitch, SingleSwitch, SwitchConfig
from agents.rl.build import build_algorithm
from experiments.training.plain_tensors import flatten, nest
from experiments.training.play import play_agent
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import use_one_thread
from idn_gym.metrics import METRICS
from idn_gym.scenarios.presets import load_scenario

ADVERSARY = load_scenario("adversary", {"horizon": 24, "workload.popularity": {"kind": "uniform", "hold": 3}})
DRIFT = load_scenario("edge-drift", {"horizon": 16})
POOR = {"agent": "thrifty", "options": {"experts": ["lru"]}}
"""A prior whose account never falls far, cheap to play."""
ACTIONS = {"action": "scores", "preference": "balanced"}


def make_switch(scenario, rows, config=None, **options):
    made = gym.make_vec("IDN-v0", num_envs=rows, scenario=scenario, **{**ACTIONS, **options})
    return SafeSwitch(made, config or SwitchConfig(prior=POOR))


def play(env, slots, act=None):
    """Rewards, infos and the next observations of so many slots; random actions unless `act` chooses."""
    seen = []
    for _ in range(slots):
        action = env.action_space.sample() if act is None else act(seen[-1][0] if seen else None)
        observation, reward, _, truncated, infos = env.step(action)
        seen.append((observation, reward.copy(), truncated, infos))
    return seen


def net_gain(scenario, name, seeds, **options):
    """(T, B) what an agent has gained against the repositories alone, both played by themselves."""
    played = [
        play_agent(agent, scenario, seeds, "train", "balanced", **own).scalar
        for agent, own in ((name, options), ("cloud-only", {}))
    ]
    return np.cumsum(played[0] - played[1], axis=1).T


def check_promise(scenario, seeds, rho, rewards, slack, declared):
    """N^S >= rho N^prior - R after every slot, and the slack is what is left, by episodes played apart.

    B, D and W are taken as declared; R is twice the slack that one slot of the agent needs.
    """
    alone = play_agent("cloud-only", scenario, seeds, "train", "balanced").scalar.T
    own = np.cumsum(rewards - alone, axis=0)
    prior = net_gain(scenario, POOR["agent"], seeds, **POOR["options"])
    largest, diameter, drawdown = declared
    allowance = 2.0 * (rho * largest + 3.0 * diameter + (1.0 - rho) * drawdown)
    left = own - rho * prior + allowance
    assert (left >= 0.0).all()
    np.testing.assert_allclose(slack, left, atol=1e-9 * (1.0 + np.abs(left).max()))


def switch_paths(seed, rows, slots=40):
    """Random actions in the wrapper on `rows` paths of a drawn world; checks promise and slack."""
    rng = np.random.default_rng([27, seed])
    kinds = [
        {"kind": "uniform", "hold": int(rng.integers(1, 6))},
        {"kind": "round_robin"},
        {"kind": "lfu_killer"},
    ]
    changes = {
        "horizon": slots,
        "workload.popularity": kinds[seed % len(kinds)],
        "workload.arrivals": str(rng.choice(["fluid", "poisson"])),
        "scales.update": float(rng.choice([0.2, 1.0, 5.0])),
    }
    config = SwitchConfig(prior=POOR, rho=float(rng.choice([0.5, 0.9, 1.0])))
    scenario = load_scenario("adversary", changes)
    env = make_switch(scenario, rows, config)
    env.reset(seed=1000 * seed)
    env.action_space.seed(seed)
    followed = []
    for episode in range(2):  # and so in the episodes after the first
        seen = play(env, slots - 1)
        course, combiner = env.combiner.course(), env.combiner
        assert combiner.assumed.all() and len(course.cost) == slots - 1
        slack = np.array([infos["slack"] for *_, infos in seen])
        np.testing.assert_array_equal(slack, course.slack)
        assert (slack >= combiner.diameter - 1e-9).all()
        alone = combiner.networks[-1]
        assert alone.name == "cloud-only"
        declared = combiner.largest.copy(), combiner.diameter.copy(), combiner.terms.drawdown.copy()
        ((_, last, truncated, infos),) = play(env, 1)
        slack = np.array([*slack, infos["final_info"]["slack"]])
        assert truncated.all() and (slack[-1] >= declared[1] - 1e-9).all()
        if episode == 0:  # whose seeds are known
            rewards = np.array([*(reward for _, reward, *_ in seen), last])
            seeds = range(1000 * seed, 1000 * seed + rows)
            check_promise(scenario, seeds, config.rho, rewards, slack, declared)
        followed += [infos["followed"] for *_, infos in seen]
    return np.array(followed)


def test_the_slack_is_never_negative_whatever_is_done_inside():
    followed = np.concatenate([switch_paths(seed, 8).ravel() for seed in range(3)])
    assert 0.02 < followed.mean() < 0.98


def trained(scenario, **changes):
    use_one_thread()
    small = {"envs": 4, "agent.net_arch": [8], "agent.batch_size": 8, "agent.n_steps": 8, **changes}
    base = {"scenario": to_plain(scenario), "agent": {}}
    config = load_run_config(base, agent="ppo", changes={"action": "scores", **small})
    env = make_env(config)
    return build_algorithm(config.agent, env, seed=0), config, env


@pytest.mark.parametrize("scenario", [ADVERSARY, DRIFT], ids=lambda scenario: scenario.name)
def test_a_policy_plays_in_the_wrapper_as_in_a_combiner(scenario):
    """To the bit, costs and who is followed, with a switch that sends it off at times."""
    algorithm, _, _ = trained(scenario)
    config = SwitchConfig(prior=POOR, rho=1.0)
    env = make_switch(scenario, 3, config)
    observation, _ = env.reset(seed=5)
    cost, followed = [], []
    for _ in range(scenario.horizon):
        observation, reward, _, _, infos = env.step(algorithm.predict(observation, deterministic=True)[0])
        infos = infos.get("final_info", infos)
        cost.append(-reward)
        followed.append(infos["followed"])
    real = gym.make_vec("IDN-v0", num_envs=3, scenario=scenario, action="segments", preference="balanced")
    policy = config.policy(real, {"action": "scores", "observation": "flat"}, partial(acting, algorithm))
    episodes = rollout(policy, real, [5, 6, 7])
    np.testing.assert_array_equal(-np.array(cost).T, episodes.scalar)
    np.testing.assert_array_equal(np.array(followed), policy.course().played == 0)
    if scenario is ADVERSARY:
        assert 0.0 < np.mean(followed) < 1.0
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP


def test_an_account_that_always_allows_is_the_environment_itself():
    """To the bit, through the end of the episode: observations, rewards, infos."""
    plain = gym.make_vec("IDN-v0", num_envs=2, scenario=DRIFT, autoreset_mode="SAME_STEP", **ACTIONS)
    env = make_switch(DRIFT, 2, SwitchConfig(prior="cloud-only", allowance=1e9))
    first, infos = env.reset(seed=1)
    other, expected = plain.reset(seed=1)
    np.testing.assert_array_equal(first, other)
    env.action_space.seed(0)
    for _ in range(DRIFT.horizon + 3):
        action = env.action_space.sample()
        one, two = env.step(action), plain.step(action)
        for left, right in zip(one[:4], two[:4], strict=True):
            np.testing.assert_array_equal(left, right)
        infos, expected = one[4], two[4]
        for name in METRICS:
            np.testing.assert_array_equal(infos[name], expected[name])
        if "final_info" in expected:
            np.testing.assert_array_equal(infos["final_obs"][1], expected["final_obs"][1])
            for name in METRICS:
                np.testing.assert_array_equal(infos["final_info"][name], expected["final_info"][name])


def test_a_state_that_is_put_back_goes_on_to_the_bit():
    env, twin = (make_switch(ADVERSARY, 2) for _ in range(2))
    env.reset(seed=3)
    env.action_space.seed(1)
    play(env, 30)
    twin.set_state(nest(flatten(env.get_state())))  # as checkpoints keep it
    actions = [env.action_space.sample() for _ in range(24)]
    for action in actions:
        one, two = env.step(action), twin.step(action)
        for left, right in zip(one[:2], two[:2], strict=True):
            np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(env.combiner.book.slack, twin.combiner.book.slack)


def test_one_environment_is_a_batch_of_one_and_passes_the_check():
    made = gym.make("IDN-v0", scenario=ADVERSARY, **ACTIONS)
    env = SingleSwitch(made, SwitchConfig(prior=POOR))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=True)
    wrapped = "is different from the unwrapped version"
    assert [str(w.message) for w in caught if wrapped not in str(w.message)] == []
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, SingleSwitch)
    assert again.switch.combiner.config == env.switch.combiner.config
    batch = make_switch(ADVERSARY, 1)
    observation, _ = env.reset(seed=4)
    np.testing.assert_array_equal(observation, batch.reset(seed=4)[0][0])
    env.action_space.seed(2)
    for _episode in range(2):
        for _ in range(ADVERSARY.horizon):
            action = env.action_space.sample()
            observation, reward, _, over, info = env.step(action)
            rows, rewards, _, _, infos = batch.step(action[None])
            assert reward == rewards[0]
            last = infos.get("final_info", infos)
            assert info["followed"] == last["followed"][0] and info["slack"] == last["slack"][0]
            np.testing.assert_array_equal(observation, infos["final_obs"][0] if over else rows[0])
        assert over
        with pytest.raises(gym.error.ResetNeeded):
            env.step(action)
        observation, _ = env.reset()
        np.testing.assert_array_equal(observation, rows[0])


def test_what_is_refused_changes_nothing():
    env = make_switch(ADVERSARY, 2)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(env.action_space.sample())
    env.reset(seed=0)
    before = env.combiner.book.slack.copy()
    with pytest.raises(gym.error.InvalidAction):
        env.step(np.full(env.action_space.shape, np.nan))
    assert env.get_state()["actions"].shape == (0, *env.action_space.shape)
    np.testing.assert_array_equal(env.combiner.book.slack, before)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"preference": None}, r"^preference: must be the same for all episodes in a switch$"),
        ({"preference": "random"}, r"^preference: must be the same"),
        ({"autoreset_mode": "SameStep"}, r"^autoreset_mode: must be NEXT_STEP in a switch"),
        (
            {"overrides": {"budgets.energy": 1.0, "budgets.ends": True}},
            r"^budgets\.ends: True is not allowed",
        ),
    ],
)
def test_what_rule_s_cannot_be_applied_to_is_said(options, message):
    with pytest.raises(ConfigError, match=message):
        make_switch(ADVERSARY, 1, **options)
