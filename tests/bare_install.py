"""What must work with the core dependencies alone; `wheel_check.py` runs it in a bare environment."""

import importlib.util
import sys

import gymnasium as gym
import numpy as np

import idn_gym
from idn_gym.scenarios.presets import PRESETS

EXTRAS = (
    "matplotlib",
    "moocore",
    "optuna",
    "scipy",
    "sklearn",
    "stable_baselines3",
    "tensorboard",
    "topohub",
    "torch",
)


def main():
    present = [name for name in EXTRAS if importlib.util.find_spec(name)]
    if present:
        sys.exit(f"not a bare environment: {', '.join(present)} can be imported")
    for name in PRESETS:
        env = gym.make("IDN-v0", scenario=name, render_mode="ansi")
        env.reset(seed=0)
        env.action_space.seed(0)
        for _ in range(3):
            _, reward, *_ = env.step(env.action_space.sample())
            if not np.all(np.isfinite(reward)):
                sys.exit(f"{name}: the reward is {reward}")
        picture = env.render()
        if not isinstance(picture, str) or not picture.strip():
            sys.exit(f"{name}: render() gave {picture!r}")
        env.close()
        print(f"{name}: steps and renders")
    if not gym.make("IDN-v0", scenario="tiny").unwrapped.pareto_front(1.0):
        sys.exit("tiny: its front is empty")
    for name, codec in (("infida", "segments"), ("static-greedy", "scores")):
        env = gym.make_vec("IDN-Scalar-v0", num_envs=2, scenario="tiny", action=codec, split="test")
        played = idn_gym.rollout(idn_gym.make_policy(name, env), env, seeds=[0, 1])
        if not np.all(np.isfinite(played.scalar)):
            sys.exit(f"{name}: the rewards are {played.scalar}")
        print(f"{name}: plays")


if __name__ == "__main__":
    main()
