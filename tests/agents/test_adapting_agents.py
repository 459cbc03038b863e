"""PPO learns to have models adapt: what it holds costs much more where nothing adapts."""

import pytest
from stable_baselines3 import PPO

from idn_gym.integrations.sb3 import GymVecEnv
from idn_gym.vector import IDNVectorEnv
from tests.actions.test_adapt import CALM, asking
from tests.adapting.test_book import BOARD, fixed

SLOTS = 60


def open_env(rows, split="train", mode="NEXT_STEP"):
    world = fixed("clean", "darkness-0.75", **CALM | {"labels": 0.1})
    return IDNVectorEnv(
        rows,
        scenario=world,
        action="placement+adapt",
        preference="balanced",
        split=split,
        autoreset_mode=mode,
    )


def mean_cost(env, act):
    observation, spent = env.reset(seed=0)[0], 0.0
    for _ in range(SLOTS):
        observation, reward = env.step(act(observation))[:2]
        spent -= reward.mean()
    return spent / SLOTS


@pytest.mark.long
def test_ppo_learns_to_have_models_adapt():
    env = open_env(16, "test")
    alone, board = asking(env), asking(env, BOARD)
    never, always = mean_cost(env, lambda _: alone), mean_cost(env, lambda _: board)
    assert always < never
    settings = {"n_steps": 60, "batch_size": 480, "n_epochs": 5, "learning_rate": 2e-3, "gamma": 0.9}
    policy = PPO(
        "MlpPolicy", GymVecEnv(open_env(32, mode="SAME_STEP")), seed=0, device="cpu", ent_coef=0.0, **settings
    )
    policy.learn(60_000)

    def act(seen):
        return policy.predict(seen, deterministic=True)[0]

    def act_without_adapting(seen):
        chosen = act(seen)
        chosen[:, : env.simulation.codec.adaptable] = 0
        return chosen

    learnt = mean_cost(env, act)
    assert learnt < 0.5 * never and learnt < 0.5 * mean_cost(env, act_without_adapting)
