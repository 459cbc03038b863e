"""What must work with the core dependencies alone; `wheel_check.py` runs it in a bare environment."""

import importlib.util
import sys

import gymnasium as gym
import numpy as np

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


if __name__ == "__main__":
    main()
