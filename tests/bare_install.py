"""What must work with the core dependencies alone; `wheel_check.py` runs it in a bare environment."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np

import idn_gym
from idn_gym.preset_ids import LARGE_PRESETS
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS
from idn_gym.shipped import shipped_files

EXTRAS = (
    "highspy",
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
    for name in (name for name in PRESETS if name not in LARGE_PRESETS):
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
    check_configurations()
    check_comparison()
    check_command()


def check_configurations():
    for kind in ("scenarios", "contexts", "agents", "studies", "tuning", "lab"):
        if not shipped_files(kind):
            sys.exit(f"no configurations of {kind} ship")
    for name in shipped_files("scenarios"):
        idn_gym.load_scenario(name)
    print("configurations: ship")


def check_comparison():
    found = idn_gym.compare("tiny", ["infida", "static-greedy"], seeds=2, overrides={"horizon": 6})
    if len(found.rows) != 2 or not all(np.isfinite(row.cost.estimate) for row in found.rows):
        sys.exit(f"compare found {found.rows}")
    scenario = idn_gym.load_scenario("tiny", {"horizon": 6})
    try:
        idn_gym.best_static(compile_scenario(scenario), build_instance(scenario, 0))
    except gym.error.DependencyNotInstalled as error:
        if "[solve]" not in str(error):
            sys.exit(f"best_static says {error}")
    else:
        sys.exit("best_static does without scipy")
    print("compare: compares")


def check_command():
    idn = Path(sys.executable).with_name("idn")
    for words, said in (
        (["--version"], idn_gym.__version__),
        (["list", "presets"], "metro-split"),
        (["keys", "tiny"], "dynamics.outages.mean_up"),
        (["show", "tiny"], "imagenet@board"),
        (["play", "infida", "--scenario", "tiny", "--seeds", "2", "horizon=6"], "drop rate"),
        (["compare", "infida", "static-greedy", "--scenario", "tiny", "--seeds", "2", "horizon=6"], "minus"),
    ):
        done = subprocess.run([str(idn), *words], capture_output=True, text=True)
        if done.returncode or said not in done.stdout:
            sys.exit(f"idn {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    for words, said in (
        (["watch", "infida", "--out", "film.gif"], "[render]"),
        (["play", "best-static", "--scenario", "tiny"], "[solve]"),
        (["play", "ftpl", "--scenario", "tiny"], "[solve]"),
    ):
        done = subprocess.run([str(idn), *words], capture_output=True, text=True)
        said_all = [line for line in done.stderr.splitlines() if "compiling kernels" not in line]
        if done.returncode != 1 or len(said_all) != 1 or said not in said_all[0]:
            sys.exit(f"idn {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    print("idn: runs, and names the extras that it lacks")


if __name__ == "__main__":
    main()
