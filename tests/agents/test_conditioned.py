"""One policy for all preferences with a critic per objective: sums, units, distance, and what it learns."""

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.buffers import RolloutBuffer

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import make_agent
from agents.rl import preference_swap
from agents.rl.build import build_algorithm
from agents.rl.conditioned import ConditionedPPO
from agents.rl.graph import rewired
from agents.rl.objective_heads import LEAST_SPREAD, HeadsPolicy
from agents.rl.objective_returns import lambda_advantages, reward_parts, weigh_advantages
from agents.rl.on_policy_config import GraphPPOConfig, PPOConfig
from agents.rl.policy import PaddedChoices
from agents.rl.preference_swap import SeenWeights, lack_of_distance, odds_of, total_variation
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread
from idn_gym.objective_records import find_objectives

NAMES = ("energy", "traffic")
SETTINGS = {
    "n_steps": 8,
    "batch_size": 64,
    "n_epochs": 4,
    "learning_rate": 0.01,
    "gamma": 0.5,
    "net_arch": (8,),
}


class Choice(gym.Env):
    """One slot, which serves the first objective or the second, in units of which there is a thousandth."""

    observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
    action_space = gym.spaces.MultiDiscrete([2, 2])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        share = self.np_random.random()
        self.weights = np.array([share, 1.0 - share], np.float32)
        return self.weights, {}

    def step(self, action):
        served = (action[0] == np.arange(2)) + 0.1 * self.np_random.normal(size=2)
        parts = served * np.array([1.0, 1e-3])
        told = {"vector_reward": parts, "reward_weights": self.weights, "requests": 0.0}
        return self.weights, float(parts @ self.weights), False, True, told


class Choices(SyncVectorEnv):
    """With what the native environment tells of objectives."""

    def __init__(self, scales):
        super().__init__([Choice] * 16, autoreset_mode=AutoresetMode.SAME_STEP)
        objectives, tables = find_objectives(NAMES), SimpleNamespace(nominal_requests=1.0)
        compiled = SimpleNamespace(objectives=objectives, scales=np.array(scales), tables=tables)
        self.simulation = SimpleNamespace(objectives=objectives, compiled=compiled)

    def describe(self):
        return {"observation": [{"name": f"weight {name}"} for name in NAMES]}


def build(config, scales=(1.0, 1e-3)):
    use_one_thread()
    return build_algorithm(config, GymVecEnv(Choices(scales)), seed=3)


def rollouts(seed, slots, rows, count):
    """Rewards, values, starts, last values and dones of a rollout."""
    rng = np.random.default_rng(seed)
    rewards, values = rng.normal(size=(2, slots, rows, count))
    starts = (rng.random((slots, rows)) < 0.3).astype(float)
    return rewards, values, starts, rng.normal(size=(rows, count)), rng.random(rows) < 0.5


@given(
    st.integers(0, 999),
    st.integers(1, 7),
    st.integers(1, 4),
    st.integers(1, 5),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_weighted_sums_of_returns_are_returns_of_weighted_sums(seed, slots, rows, count, gamma, gae_lambda):
    """As SB3 computes them of scalars, also where an episode ends and another preference begins."""
    rewards, values, starts, last, dones = rollouts(seed, slots, rows, count)
    weights = np.random.default_rng(seed + 1).dirichlet(np.ones(count), (slots, rows))
    for t in range(1, slots):  # a preference belongs to its episode
        weights[t] = np.where(starts[t, :, None] > 0, weights[t], weights[t - 1])
    space = gym.spaces.Discrete(2)
    buffer = RolloutBuffer(slots, space, space, gamma=gamma, gae_lambda=gae_lambda, n_envs=rows)
    buffer.rewards, buffer.values = (weights * rewards).sum(axis=2), (weights * values).sum(axis=2)
    buffer.episode_starts = starts
    buffer.compute_returns_and_advantage(torch.as_tensor((weights[-1] * last).sum(axis=1)), dones)
    found = lambda_advantages(rewards, values, starts, last, dones, gamma, gae_lambda)
    np.testing.assert_allclose((weights * found).sum(axis=2), buffer.advantages, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose((weights * (found + values)).sum(axis=2), buffer.returns, rtol=1e-4, atol=1e-4)


@given(st.integers(0, 999), st.integers(2, 5))
def test_weighing_keeps_the_order_within_a_preference_and_gives_each_its_unit(seed, count):
    rng = np.random.default_rng(seed)
    advantages = rng.normal(size=(50, 40, count)) * 10.0 ** rng.integers(-3, 3, count)
    weights = np.repeat(rng.dirichlet(np.ones(count), 40)[None], 50, axis=0)
    found = weigh_advantages(advantages, weights)
    plain = (weights * (advantages - advantages.mean(axis=(0, 1)))).sum(axis=2)
    ratio = found / plain
    assert (ratio > 0).all()
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-6)
    assert 0.6 < found.std(axis=0).min() and found.std(axis=0).max() < 1.5


def heads(count=3):
    space = gym.spaces.Box(-1, 1, (4,), np.float32)
    return HeadsPolicy(space, gym.spaces.MultiDiscrete([2, 3]), lambda _: 0.01, net_arch=[8], heads=count)


@given(st.integers(0, 99), st.integers(1, 30))
def test_new_units_leave_what_is_expected(seed, rounds):
    torch.manual_seed(seed)
    policy, seen = heads(), torch.randn(5, 4)
    for _ in range(rounds):
        returns = torch.randn(7, 2, 3, dtype=torch.float64) * torch.tensor([1e2, 1.0, 0.0]) + 5.0
        before = policy.expected_returns(policy.predict_values(seen))
        policy.follow(returns)
        after = policy.expected_returns(policy.predict_values(seen))
        torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert float(policy.spread[2]) == LEAST_SPREAD
    # One rollout's own mean and standard deviation, where there was no other.
    fresh = heads()
    fresh.follow(returns)
    units = fresh.in_heads_units(returns).reshape(-1, 3)
    torch.testing.assert_close(units.mean(dim=0), torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    deviation = units.std(dim=0, correction=0)[:2]
    torch.testing.assert_close(deviation, torch.ones(2, dtype=torch.float64), atol=1e-6, rtol=0)


def choices(table):
    """Odds of two dimensions with two and three choices, from logits."""
    return odds_of(PaddedChoices([2, 3]).proba_distribution(torch.as_tensor(table).float().view(-1, 6)))


def test_distance_is_total_variation_and_pulls_where_all_are_alike():
    alike, sure, other = (
        choices([[0.0] * 6]),
        choices([[99, 0, 0, 99, 0, 0]]),
        choices([[0, 99, 0, 0, 99, 0]]),
    )
    assert float(total_variation(alike, alike)) == 0.0
    assert float(total_variation(sure, other)) == 1.0
    assert float(total_variation(alike, sure)) == pytest.approx((1 / 2 + 2 / 3) / 2)
    logits = torch.zeros(2, 6, requires_grad=True)
    with torch.no_grad():
        logits[0, 0] = 1e-3
    mine = odds_of(PaddedChoices([2, 3]).proba_distribution(logits))
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    rolled = preference_swap.Odds(mine.chances.roll(1, dims=0), None, None)
    lack, _ = lack_of_distance(mine, rolled, weights)
    lack.backward()
    assert float(lack.detach()) > 0.09 and float(logits.grad.abs().max()) > 0.01


def test_distance_of_numbers_is_that_of_normal_distributions():
    mean, deviation = torch.tensor([[0.0]]), torch.tensor([[0.5]])
    one, far = preference_swap.Odds(None, mean, deviation), preference_swap.Odds(None, mean + 0.7, deviation)
    x = torch.linspace(-9, 9, 200_001)
    density = [torch.distributions.Normal(m, 0.5).log_prob(x).exp() for m in (0.0, 0.7)]
    exact = 0.5 * torch.trapezoid((density[0] - density[1]).abs(), x)
    assert float(total_variation(one, far)) == pytest.approx(float(exact), abs=1e-4)


@pytest.mark.parametrize("table", [None, "globals"])
def test_a_swap_moves_the_weights_and_nothing_else(table):
    told, seen = SeenWeights(table, (1, 3)), torch.arange(12.0).view(3, 4)
    swapped = told.swapped(seen if table is None else {"globals": seen, "pairs": seen + 1})
    if table is not None:
        assert torch.equal(swapped["pairs"], seen + 1)
        swapped = swapped["globals"]
    assert torch.equal(swapped[:, [0, 2]], seen[:, [0, 2]])
    assert torch.equal(swapped[:, [1, 3]], seen[[2, 0, 1]][:, [1, 3]])


@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_it_finds_what_each_preference_wants_however_little_is_at_stake(diversity):
    """In units of the scalar both objectives are worth the same, in those of the vector not."""
    config = PPOConfig(critic_heads="objectives", diversity=diversity, **SETTINGS)
    algorithm = build(config)
    assert isinstance(algorithm, ConditionedPPO)
    algorithm.learn(16 * 8 * 30)
    shares = np.linspace(0.0, 1.0, 11)[[0, 1, 2, 8, 9, 10]]
    seen = np.stack([shares, 1.0 - shares], axis=1).astype(np.float32)
    actions, _ = algorithm.predict(seen, deterministic=True)
    assert (actions[:, 0] == [1, 1, 1, 0, 0, 0]).all()


def test_a_penalty_keeps_actions_apart():
    """Where nothing is to be won, so that entropy alone makes all preferences act alike."""
    distances = []
    for diversity in (0.0, 20.0):
        config = PPOConfig(critic_heads="objectives", diversity=diversity, ent_coef=0.1, **SETTINGS)
        algorithm = build(config)
        algorithm.learn(16 * 8)
        algorithm._current_progress_remaining = 1.0
        for _ in range(40):
            algorithm.rollout_buffer.advantages[:] = 0.0
            algorithm.train()
        corners = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        chances = odds_of(algorithm.policy.get_distribution(corners)).chances.detach()
        distances.append(float(0.5 * (chances[0] - chances[1]).abs().sum(dim=1).mean()))
    assert distances[0] < 0.04 < 0.07 < distances[1]


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"agent.critic_heads": "objectives"},
            r"^agent\.critic_heads: 'objectives' .* preference = 'balanced'",
        ),
        (
            {"agent.critic_heads": "objectives", "preference": [1, 1, 1, 1, 1]},
            r"it is for preference=random$",
        ),
        (
            {"agent.diversity": 0.1, "preference": "random"},
            r"^agent\.diversity: 0.1 .* critic_heads = scalar",
        ),
        ({"agent.critic_heads": "heads"}, r"critic_heads"),
        ({"agent.diversity": -1.0}, r"diversity"),
    ],
)
@pytest.mark.parametrize("agent", ["ppo-conditioned", "ppo-graph-conditioned"])
def test_wrong_settings_are_refused(agent, changes, message):
    with pytest.raises(ConfigError, match=message):
        load_run_config(scenario="tiny", agent=agent, changes=changes)


def test_imitations_have_a_scalar_critic():
    plain = {"learning_rate": 0.01, "n_steps": 8, "critic_heads": "objectives", "imitation": {}}
    with pytest.raises(ConfigError, match=r"^critic_heads: 'objectives' is not allowed with an imitation"):
        from_plain(GraphPPOConfig, plain)


@pytest.mark.parametrize(
    "agent, action", [("ppo-conditioned", "placement"), ("ppo-graph-conditioned", "scores")]
)
def test_parts_of_rewards_add_up_on_the_environment(agent, action):
    """To the scalar reward, in every slot, also the last one of an episode."""
    changes = {"action": action, "preference": "random", "envs": 3, "agent.critic_heads": "objectives"}
    config = load_run_config(scenario="tiny", agent=agent, changes={**changes, "scenario.horizon": 4})
    env = make_env(config)
    native, parts = env.unwrapped.native, reward_parts(env.unwrapped.native)
    native.action_space.seed(0)
    env.reset()
    for _ in range(9):
        _, rewards, _, _ = env.step(native.action_space.sample())
        told = env.unwrapped.last_infos
        np.testing.assert_allclose(
            (told["reward_weights"] * parts.split(told)).sum(axis=1), rewards, rtol=1e-4
        )
    algorithm = build_algorithm(config.agent, env, seed=0)
    assert algorithm.policy.value_net[-1].out_features == len(parts.scales) == 5


@pytest.mark.parametrize(
    "agent, action", [("ppo-conditioned", "placement"), ("ppo-graph-conditioned", "scores")]
)
def test_it_comes_back_from_its_file_and_plays_the_same(tmp_path, agent, action):
    changes = {"action": action, "preference": "random", "envs": 4, "agent.n_steps": 4, "agent.batch_size": 8}
    heads = {"agent.critic_heads": "objectives", "agent.diversity": 0.5, "agent.net_arch": [8]}
    config = load_run_config(scenario="tiny", agent=agent, changes={**changes, **heads})
    use_one_thread()
    algorithm = build_algorithm(config.agent, make_env(config), seed=0)
    algorithm.learn(48)
    algorithm.save(tmp_path / "policy.zip")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"run": to_plain(config)}))
    env = gym.make_vec("IDN-v0", num_envs=3, split="validation", **config.env_options())
    read = [make_agent(config.agent.kind, env, path=str(tmp_path / "policy.zip"))]
    if agent == "ppo-graph-conditioned":
        read.append(rewired(algorithm.policy, env))
    episodes = [rollout(policy, env, range(3)).vector for policy in (algorithm, *read)]
    assert len({vector.tobytes() for vector in episodes}) == 1
