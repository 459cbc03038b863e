# %% [markdown]
# # First steps
#
# A world is made by its name, as everywhere in Gymnasium. `tiny` has a board, an edge server and a cloud,
# two tasks and four DNNs. The cloud holds all of them; what the board and the edge server hold is for the
# policy to say.

# %%
import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np

import idn_gym

env = gym.make("IDN-v0", scenario="tiny")
observation, info = env.reset(seed=0)
told = env.unwrapped.describe()
print(env.action_space, "actions,", observation.size, "numbers observed")
for line in told["action"]:
    print(line[:100])

# %% [markdown]
# An entry of the action is one choice per node and task. Here the board gets the first block of
# MobileNetV3-Small, which sends less than the picture, and the edge server a small detector. The reward is
# a vector, with units.

# %%
action = np.array([1, 0, 0, 1])
for _ in range(3):  # models take a moment to come over the link
    observation, reward, terminated, truncated, info = env.step(action)
print(env.unwrapped.describe_placement())
for entry, value in zip(told["reward"], reward, strict=True):
    print(f"{entry['name']:10} {value:z12.4f} {entry['unit']}")
print(
    f"{info['requests']:.0f} requests, {info['drop_rate']:.1%} dropped, {info['split_rate']:.0%} cut in two"
)

# %% [markdown]
# Policies by name (`idn list policies`) play the same episodes, so that differences are paired.
# `IDN-Scalar-v0` and comparisons weigh the vector; the cost is per slot, lower is better. Ten seeds are
# few: intervals of differences shrink with more of them.

# %%
SEEDS = 10
names = ["cloud-only", "random", "static-greedy", "lru", "olag"]
found = idn_gym.compare("tiny", names, seeds=SEEDS, reference="static-greedy")
print(f"{'policy':14} {'cost':>20} {'minus static-greedy':>20} {'right':>7} {'latency':>8}")
for row in found.rows:
    right, latency = row.metrics["accuracy"], 1e3 * row.metrics["latency"]
    cost, difference = f"{row.cost:.3f}", "" if row.agent == row.reference else f"{row.difference:.3f}"
    print(f"{row.agent:14} {cost:>20} {difference:>20} {right:7.1%} {latency:5.0f} ms")

# %% [markdown]
# What they cost slot by slot in the first of these episodes, which begins with a burst of demand:

# %%
figure, axes = plt.subplots(figsize=(7.2, 3.0), layout="constrained")
COLOURS = {"cloud-only": "#7f7f7f", "static-greedy": "#d55e00", "olag": "#e69f00"}
for name, colour in COLOURS.items():
    axes.plot(-found.episodes[name].scalar[0], color=colour, label=name)
axes.set(xlabel="slot [10 min]", ylabel="cost per slot", title="tiny, test seed 0")
axes.legend()
figure.savefig("first_steps.png", dpi=110)

# %% [markdown]
# ![Cost per slot of three policies on tiny](../pictures/example-first_steps.png)
#
# From here: [own worlds](own_world.py), [own networks](own_network.py), [learners and
# PPO](infida_against_ppo.py). On the command line, `idn show tiny` draws the world and `idn compare
# cloud-only static-greedy olag --scenario tiny` prints the table.
