# %% [markdown]
# # Train, compare, film
#
# An agent of Stable-Baselines3 learns where to put the DNNs of `tiny`, and plays episodes that it has not
# seen beside other policies. It needs the extras `rl`, `solve` and `render`. *Observed* are what arrived and
# was dropped so far, what is resident, and the state of nodes and links; an *action* says what each node is
# to hold; the *reward* weighs errors, latency, energy, traffic and loads. An episode has 48 slots.

# %%
import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from stable_baselines3 import PPO

import idn_gym
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread

use_one_thread()  # nets are small
STEPS = 16_384  # slots of all environments together; 400,000 for a result
SEEDS = 10  # test episodes; 30 for a result

# %% [markdown]
# The reward has to be a number for Stable-Baselines3, which is what `IDN-Scalar-v0` gives (`IDN-v0` gives a
# vector). Sixteen episodes run side by side. A placement pays off at once, so `gamma` is small; these
# options are those of `configs/agents/ppo.yaml`. `tensorboard --logdir curves` shows the curves.

# %%
learning = gym.make_vec("IDN-Scalar-v0", num_envs=16, scenario="tiny", autoreset_mode="SAME_STEP")
agent = PPO(
    "MlpPolicy",
    GymVecEnv(learning),
    n_steps=16,
    batch_size=256,
    n_epochs=4,
    learning_rate=1e-3,
    gamma=0.5,
    gae_lambda=0.2,
    clip_range=0.4,
    ent_coef=0.01,
    seed=0,
    tensorboard_log="curves",
).learn(STEPS)
agent.save("agent.zip")

# %% [markdown]
# A saved policy plays beside others under the name class:codec:file, on the same test episodes, here and in
# `idn compare`. Costs are minus the rewards, per slot: lower is better. After so few steps the agent is near
# static greedy, which searches on validation episodes and keeps what it finds, not ahead of it. `--ceiling
# 5` of `idn compare` adds the best placement in hindsight.

# %%
PPO_WORD = "ppo:placement:agent.zip"
names = {PPO_WORD: "PPO", "static-greedy": "static greedy", "olag": "OLAG", "cloud-only": "cloud only"}


def compare(overrides):
    found = idn_gym.compare("tiny", list(names), seeds=SEEDS, overrides=overrides)
    for row in found.rows:
        difference = "" if row.agent == PPO_WORD else f"{row.difference:.3f} more than PPO"
        dropped = f"{row.metrics['drop_rate']:5.1%} dropped"
        print(f"{names[row.agent]:14} {row.cost:.3f}   {dropped}   {difference}")
    return found.episodes


played = compare({})

# %% [markdown]
# The same policy where twice as many requests arrive: more are dropped, whoever plays. Overrides that leave
# nodes, DNNs and tasks alone leave observations and actions alone too; on another network a policy of this
# kind is refused, and has to be trained again (or be a [graph policy](../graph_policy.md), which fits all).
# `idn keys tiny` lists what can be changed.

# %%
busy = compare({"workload.rate": 30.0})

# %%
COLOURS = {"PPO": "#0072b2", "static greedy": "#d55e00", "OLAG": "#e69f00", "cloud only": "#7f7f7f"}
figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.6), sharex=True, sharey=True, layout="constrained")
for axis, episodes, title in zip(axes, (played, busy), ("15 requests/s", "30 requests/s"), strict=True):
    for place, (word, name) in enumerate(names.items()):
        costs = -episodes[word].scalar.mean(axis=1)
        axis.plot(costs, np.full(SEEDS, place), "o", ms=4, alpha=0.5, color=COLOURS[name])
        axis.plot(costs.mean(), place, "k|", ms=14)
    axis.set(xlabel="cost per slot", title=title, yticks=range(len(names)), yticklabels=names.values())
axes[0].invert_yaxis()
figure.savefig("train_an_agent.png", dpi=110)

# %% [markdown]
# ![Costs of a trained agent and of other policies, a dot per episode](../pictures/example-train_an_agent.png)
#
# Dots are episodes, bars their means. Costs are per nominal request, of which the right side has twice as
# many.
#
# ## How the reward is made
#
# `info` has what happened in a slot, per request; a reward is that times requests over nominal requests.
# Weights and scales are in `describe()`:

# %%
env = gym.make("IDN-Scalar-v0", scenario="tiny", split="test", render_mode="rgb_array")
observation, _ = env.reset(seed=0)
action, _ = agent.predict(observation, deterministic=True)
_, reward, _, _, info = env.step(action)
nominal = idn_gym.compile_scenario(idn_gym.load_scenario("tiny")).tables.nominal_requests
arrived = info["requests"] / nominal
cost = 0.0
for entry in env.unwrapped.describe()["reward"]:
    name, weight, scale = entry["name"], entry["weight"], entry["scale"]
    amount = {"accuracy": (1 - info["accuracy"]) * arrived, "update": info["update"]}.get(name)
    amount = info[name] * arrived if amount is None else amount
    if f"penalty_{name}" in info and name != "latency":  # drops are in latency, apart from the others
        amount += info[f"penalty_{name}"] * arrived
    cost += weight * amount / scale
    print(f"{weight:.3f} x {amount:10.4g} / {scale:g}   {'errors' if name == 'accuracy' else name}")
print(f"cost {cost:.6f}, reward {reward:.6f}")

# %% [markdown]
# ## A film
#
# `env.render()` is a picture of the last slot. `idn watch ppo:placement:agent.zip --scenario tiny --out
# film.gif` makes a film on the command line, and a notebook shows `env.unwrapped` as a picture.

# %%
observation, _ = env.reset(seed=0)
frames, over = [], False
while not over and len(frames) < 6:
    action, _ = agent.predict(observation, deterministic=True)
    observation, _, _, over, _ = env.step(action)
    frames.append(Image.fromarray(env.render()))
frames[0].save("film.gif", save_all=True, append_images=frames[1:], duration=500, loop=0)
print(len(frames), "frames,", env.unwrapped.describe_placement()["board"])

# %% [markdown]
# From a checkout one command does all of it, with TensorBoard's curves beside those of simple policies, and
# can be stopped and resumed:
#
#     python -m experiments.train --agent ppo --scenario tiny --steps 100000 --out runs/tiny
#     python -m experiments.compare static-greedy runs/tiny --scenario tiny --ceiling 5
#     python -m experiments.watch runs/tiny --scenario tiny --out film.gif
#
# [TensorBoard](../tensorboard.md) lists the tags, [learning agents](../agents.md) the algorithms and the
# actions that they can take.
