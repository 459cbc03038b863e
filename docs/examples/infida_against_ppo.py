# %% [markdown]
# # INFIDA against PPO, with regret
#
# An online learner with a guarantee and an agent that was trained beforehand play the same episodes.
# `adversary` is made for that: capacity is private, loads are instant and priced, so that what is proven
# about INFIDA holds. Regret is what the best placement to keep, chosen with foresight, gains more. It needs
# the extras `rl` and `solve`.

# %%
import gymnasium as gym
import matplotlib.pyplot as plt
from stable_baselines3 import PPO

import idn_gym
from idn_gym.evaluation.intervals import mean_interval, paired_difference
from idn_gym.evaluation.regret import regret
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread
from idn_gym.metrics import METRICS

use_one_thread()  # nets are small
WORLD = {"preset": "adversary", "horizon": 120}
SEEDS = range(3)  # 20 for a result
STEPS = 4_000  # 200,000 for a result

# %% [markdown]
# PPO learns on training episodes, whose demand the test episodes never repeat. This many steps only show
# that it runs; processors and versions of torch may round differently, and the lines of `ppo` below with
# them.

# %%
learning = gym.make_vec(
    "IDN-Scalar-v0", num_envs=16, scenario=WORLD, split="train", autoreset_mode="SAME_STEP"
)
agent = PPO("MlpPolicy", GymVecEnv(learning), n_steps=50, batch_size=200, seed=0).learn(STEPS)

# %% [markdown]
# Both play the test episodes: `rollout` takes whatever has `predict`.


# %%
def play(name, **options):
    codec = {"ppo": "scores-task", "cloud-only": "scores"}.get(name, "segments")
    env = gym.make_vec("IDN-Scalar-v0", num_envs=len(SEEDS), scenario=WORLD, action=codec, split="test")
    policy = acting(agent, env) if name == "ppo" else idn_gym.make_policy(name, env, **options)
    return idn_gym.rollout(policy, env, SEEDS)


names = ["infida", "infida-adahedge", "ppo", "lru"]
played = {name: play(name) for name in names}
cost = {name: -episodes.scalar for name, episodes in played.items()}
for name in names:
    mean = mean_interval(cost[name].mean(axis=1))
    gap = paired_difference(cost[name].mean(axis=1), cost["infida"].mean(axis=1))
    print(f"{name:16} cost per slot {mean:.3f}   minus infida {gap:.3f}")

# %% [markdown]
# Regret counts gains: the serving cost that the repositories alone would have (`cloud-only`), less that of
# the policy, slot by slot. The comparator is the best placement to keep, found with foresight
# (`best-static`, which is told the episodes). Below 0 is ahead of it. What loads are charged is left out,
# as in the theorem.

# %%
SECONDS = 1  # of search per episode
COLUMN = list(METRICS).index("tariff_cost")
served = {name: episodes.metrics[..., COLUMN] for name, episodes in played.items()}
for name, options in {"cloud-only": {}, "best-static": {"seeds": list(SEEDS), "seconds": SECONDS}}.items():
    served[name] = play(name, **options).metrics[..., COLUMN]
gains = {name: served["cloud-only"] - spent for name, spent in served.items()}
curves = {name: regret(gains[name], gains["best-static"]) for name in names}
total = gains["best-static"].sum(axis=1)
for name, curve in curves.items():
    share = mean_interval(curve[:, -1] / total)
    print(f"{name:16} regret after {curve.shape[1]} slots: {share:.2f} of what the best placement gains")

# %%
COLOURS = {"infida": "#009e73", "infida-adahedge": "#999933", "ppo": "#0072b2", "lru": "#56b4e9"}
figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
for name, curve in curves.items():
    axes.plot(curve.mean(axis=0), color=COLOURS[name], label=name)
axes.axhline(0, color="0.6", lw=1, zorder=0)
axes.set(xlabel="slot [1 min]", ylabel="regret so far [cost]", title="adversary, mean of three episodes")
axes.legend()
figure.savefig("infida_against_ppo.png", dpi=110)

# %% [markdown]
# ![Regret against the best placement to keep](../pictures/example-infida_against_ppo.png)
#
# A regret that falls is no contradiction: demand moves, and who moves with it is ahead of every placement
# that stays. [Learners](../learners.md) has what is proven about which learner, [the headline
# study](../headline.md) what long training achieves.
