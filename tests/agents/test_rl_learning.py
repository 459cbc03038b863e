"""PPO as shipped finds the best placement of `tiny`; from rewards that are not its own it does not.

The other agents get a few seconds each, and have to come a good part of the way.
"""

import functools
import itertools

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnvWrapper

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import make_agent
from agents.rl.build import build_algorithm
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread

OPTIONS = {"scenario": "tiny", "action": "placement", "preference": "balanced"}
STEPS, ENVS, EPISODES = 40_000, 64, 8
SEEDS, ENOUGH = (0, 1000, 2000), 0.95
FAST = {"agent.gradient_steps": 8, "agent.batch_size": 128}
QUANTILES = {"agent.n_quantiles": 5, "agent.top_quantiles_to_drop_per_net": 1}
FARTHER = {"agent.gamma": 0.8, "agent.target_update_interval": 200, "agent.exploration_fraction": 0.6}
OTHERS = {
    ("a2c", "placement"): (20_000, {}),
    ("maskable-ppo", "placement"): (20_000, {}),
    ("maskable-ppo", "change"): (20_000, {}),
    ("recurrent-ppo", "placement"): (15_000, {"agent.lstm_hidden_size": 16}),
    ("dqn", "change"): (12_000, FAST),
    ("qr-dqn", "change"): (16_000, {**FAST, "agent.n_quantiles": 5, **FARTHER}),
    ("sac", "scores-task"): (5_000, FAST),
    ("tqc", "scores-task"): (8_000, {**FAST, **QUANTILES}),
}
"""Steps, and what differs from shipped hyper-parameters to save time, or (`FARTHER`) to learn in so few."""


class ShuffledRewards(VecEnvWrapper):
    """Every environment gets the reward of its neighbour, which says nothing about its own action."""

    def reset(self):
        return self.venv.reset()

    def step_wait(self):
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, np.roll(rewards, 1), dones, infos


@functools.cache
def brute_force(preference="balanced", objectives=None):
    """Mean reward per slot of all constant placements, the first of which places nothing."""
    options = {**OPTIONS, "preference": preference, "objectives": objectives, "split": "validation"}
    single = gym.make_vec("IDN-v0", num_envs=1, **options)
    every = np.array(list(itertools.product(*map(range, single.single_action_space.nvec))))
    env = gym.make_vec("IDN-v0", num_envs=len(every), **options)
    rewards = np.zeros(len(every))
    for seed in range(EPISODES):
        env.reset(seed=[seed] * len(every))
        for _ in range(env.unwrapped.scenario.horizon):
            rewards += env.step(every)[1]
    return rewards / (EPISODES * env.unwrapped.scenario.horizon)


def share_of_the_optimum(seed, wrap):
    """How much of what the best placement saves over placing nothing the trained policy saves."""
    use_one_thread()
    env = GymVecEnv(gym.make_vec("IDN-v0", num_envs=ENVS, autoreset_mode="SAME_STEP", **OPTIONS))
    policy = build_algorithm(load_run_config(agent="ppo").agent, wrap(env), seed)
    policy.learn(STEPS)
    test = gym.make_vec("IDN-v0", num_envs=EPISODES, split="validation", **OPTIONS)
    reward = rollout(policy, test, range(EPISODES)).scalar.mean()
    return share(reward, brute_force()[0], brute_force().max())


def share(reward, least, most):
    """How far a reward has come from `least` to `most`."""
    return (reward - least) / (most - least)


@pytest.mark.learning
def test_ppo_finds_the_best_placement():
    # The next best network saves 0.95 of it; one seed in six is still there after these steps.
    least, median, _ = sorted(share_of_the_optimum(seed, lambda env: env) for seed in SEEDS)
    assert median >= 0.99 and least >= 0.9


@pytest.mark.learning
def test_without_its_own_rewards_it_does_not():
    # One seed in three may drift near the optimum by luck.
    assert np.mean([share_of_the_optimum(seed, ShuffledRewards) for seed in SEEDS]) < ENOUGH


@pytest.mark.learning
@pytest.mark.parametrize("kind, codec", OTHERS)
def test_others_come_closer_to_the_best_than_random(kind, codec):
    steps, changes = OTHERS[kind, codec]
    config = load_run_config(scenario="tiny", agent=kind, changes={"envs": ENVS, "action": codec, **changes})
    use_one_thread()
    algorithm = build_algorithm(config.agent, make_env(config), seed=2)
    test = gym.make_vec("IDN-v0", num_envs=EPISODES, split="validation", **config.env_options())

    def reward(policy):
        return rollout(policy, test, range(EPISODES)).scalar.mean()

    random, best = reward(make_agent("random", test, seed=0)), brute_force().max()
    enough = random + 0.6 * (best - random)
    assert reward(acting(algorithm, test)) < enough, "no need to learn"
    algorithm.learn(steps)
    assert reward(acting(algorithm, test)) >= enough


@pytest.mark.learning
@pytest.mark.parametrize("codec", ["placement", "scores"])
def test_the_graph_policy_finds_what_its_first_guess_does_not_know(codec):
    config = load_run_config(scenario="tiny", agent="ppo-graph", changes={"action": codec})
    use_one_thread()
    algorithm = build_algorithm(config.agent, make_env(config), seed=0)
    test = gym.make_vec("IDN-v0", num_envs=EPISODES, split="validation", **config.env_options())
    shares = []
    for steps in (1, 20_000):
        algorithm.learn(steps)
        reward = rollout(algorithm, test, range(EPISODES)).scalar.mean()
        shares.append(share(reward, brute_force()[0], brute_force().max()))
    assert shares[0] < ENOUGH <= shares[1]


@pytest.mark.learning
@pytest.mark.parametrize("heads", ["scalar", "objectives"])
def test_a_policy_for_all_preferences_places_what_pays_under_each(told, heads):
    """Where accuracy alone counts, and where traffic does: what is best here is bad there."""
    objectives = ("accuracy", "traffic")
    changes = {"preference": "random", "agent.learning_rate": 0.003, "agent.ent_coef": 0.05}
    changes |= {"scenario.objectives": list(objectives), "agent.critic_heads": heads}
    config = load_run_config(
        scenario="tiny", agent="ppo-conditioned", changes={"action": "placement", **changes}
    )
    use_one_thread()
    algorithm = build_algorithm(config.agent, make_env(config), seed=0)
    accuracy, traffic = (1.0, 0.0), (0.0, 1.0)

    def shares():
        """Per corner, how far from the other's best placement to its own: told it, and told the other."""
        found = []
        for mine, other in ((accuracy, traffic), (traffic, accuracy)):
            rewards = brute_force(mine, objectives)
            options = {**OPTIONS, "preference": mine, "objectives": objectives, "split": "validation"}
            test = gym.make_vec("IDN-v0", num_envs=EPISODES, **options)
            played = [rollout(told(algorithm, weights), test, range(EPISODES)) for weights in (mine, other)]
            least, most = rewards[brute_force(other, objectives).argmax()], rewards.max()
            found.append([share(episodes.scalar.mean(), least, most) for episodes in played])
        return np.array(found)

    assert shares()[:, 0].min() < 0.5, "no need to learn"
    algorithm.learn(60_000)
    right, wrong = shares().T
    assert right.min() >= 0.8
    assert (right - wrong).min() >= 0.4, "whatever it is told"
