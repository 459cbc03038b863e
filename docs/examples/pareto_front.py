# %% [markdown]
# # A Pareto front
#
# The reward is a vector, so what policies reach is a front. Here every policy plays `tiny` under nine
# preferences, and stands beside the front of all static placements with foresight. It needs the extra `mo`
# for hypervolumes.

# %%
import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np

import idn_gym
from idn_gym.evaluation.front import static_front
from idn_gym.evaluation.pareto import expected_utility, hypervolume, non_dominated_sorted, objective_box
from idn_gym.optimum.schedule import all_placements

# Without bursts, six slots, one seed; leave both changes out for a result, and play 20 seeds.
scenario = idn_gym.load_scenario("tiny", {"horizon": 6, "workload.bursts": None})
SEEDS = range(1)

# %% [markdown]
# A preference weighs the objectives in units of the scenario's scales: accuracy against latency here, and
# little on the rest.

# %%
shares = np.linspace(0.02, 0.98, 9)
weights = np.stack([0.9 * shares, 0.9 * (1 - shares), *np.full((3, 9), 0.1 / 3)], axis=1)
objectives = ("accuracy", "latency", "energy", "traffic", "update")


def reach(name, preference):
    codec = "segments" if name in ("lru", "olag") else "scores"
    env = gym.make_vec(
        "IDN-v0", num_envs=len(SEEDS), scenario=scenario, action=codec, preference=preference, split="test"
    )
    return idn_gym.rollout(idn_gym.make_policy(name, env), env, SEEDS).vector.mean(axis=(0, 1))


names = ["cloud-only", "static-greedy", "olag"]
points = {}
for name in names:
    points[name] = np.array([reach(name, dict(zip(objectives, row, strict=True))) for row in weights])

# %% [markdown]
# The front with foresight: for each preference and episode the best of all placements that there are. On
# larger worlds candidates come from searches, and an [outer envelope](../pareto.md) says what no policy
# passes.

# %%
compiled = idn_gym.compile_scenario(scenario)
candidates = all_placements(compiled)
best = static_front(scenario, weights, SEEDS, "test", candidates)
points["best static"] = best.means.mean(axis=1)
print(f"{len(candidates)} placements, {len(weights)} preferences, {len(SEEDS)} episode")

# %% [markdown]
# The utility is the mean over the preferences of the best weighted sum that a front offers. Hypervolume is
# the share of a box that a front dominates: 0 is dropping everything, 1 is answering everything for nothing.
# It counts gaps between points too, so that of two fronts of equal utility one may have more of it.

# %%
box = objective_box(compiled)
print(f"{'policy':14} {'on its front':>12} {'utility':>8} {'hypervolume':>12}")
for name, reached in points.items():
    kept = len(non_dominated_sorted(reached))
    utility = expected_utility(reached / compiled.scales, weights)
    volume = hypervolume(box.place(reached), np.zeros(len(objectives)))
    print(f"{name:14} {kept:12} {utility:8.3f} {volume:12.3f}")

# %% [markdown]
# In two objectives, steps part what a policy attains from what it does not: whatever is slower and less often
# right than one of its points. Points that another one of the same policy dominates in these two are pale.

# %%
COLOURS = {"best static": "#000000", "cloud-only": "#7f7f7f", "static-greedy": "#d55e00", "olag": "#e69f00"}
figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
for name, colour in COLOURS.items():
    reached = np.unique(points[name][:, :2] * (100, 1e3), axis=0)  # by accuracy, and so is the front
    front = non_dominated_sorted(reached)
    size = 8 if name == "best static" else 4  # seen behind others
    axes.plot(-reached[:, 1], reached[:, 0], "o", ms=size, mew=0, color=colour, alpha=0.25)
    axes.plot(
        -front[:, 1], front[:, 0], "o-", ms=size, lw=0.8, drawstyle="steps-post", color=colour, label=name
    )
axes.set(
    xlabel="latency [ms per nominal request]",
    ylabel="right [% of nominal requests]",
    title="tiny: fast or right",
)
axes.legend()
figure.savefig("pareto_front.png", dpi=110)

# %% [markdown]
# ![Accuracy against latency, nine preferences, four policies](../pictures/example-pareto_front.png)
#
# One policy for all preferences is trained with `preference=random` ([Fronts](../pareto.md)); `IDN-v0`
# works with MO-Gymnasium's wrappers and with morl-baselines ([clients](../clients.md)).
