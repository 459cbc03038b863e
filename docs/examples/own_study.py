# %% [markdown]
# # A study of one's own
#
# A study is a YAML file: worlds, what moves along an axis, policies, seeds. It runs from a checkout, keeps
# every run, goes on where it was stopped, and ends in one page with tables, figures and intervals. Here:
# does it pay to move models when boards have less memory?

# %%
import csv
import pathlib
import subprocess
import sys

import matplotlib.pyplot as plt

pathlib.Path("less_memory.yaml").write_text("""
name: less-memory
title: Does it pay to move models where memory is scarce?
about: Static greedy, LRU and OLAG on tiny, with half of its memory, all of it and twice as much.
reference: static-greedy
parts:
- name: memory
  scenario: tiny
  overrides: {horizon: 12}
  grid: {topology.memory_scale: [0.5, 1.0, 2.0]}
  seeds: 3        # 20 for a result
  agents:
  - {agent: static-greedy}
  - {agent: lru}
  - {agent: olag}
""")

# %% [markdown]
# The command is run as on a command line, in a checkout. Run it twice, and the second time plays nothing.

# %%
command = ["-m", "experiments.study", "less_memory.yaml", "--out", "less-memory", "--workers", "1"]
print(subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout.strip())
print(sorted(path.name for path in pathlib.Path("less-memory").iterdir()))

# %% [markdown]
# `report.html` is the page; `table.csv` has what it shows, and `runs.csv` a line per episode.
# `cost_increase` is paired by seed with the reference, in the unit of the cost: less is cheaper.

# %%
with open("less-memory/table.csv", newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["agent"] != "cloud-only"]
scales = [0.5, 1.0, 2.0]
agents = ["static-greedy", "lru", "olag"]
ends = ("cost_increase", "cost_increase_low", "cost_increase_high")
found = {agent: [] for agent in agents}
for scale in scales:
    cells = {row["agent"]: row for row in rows if row["cell"].endswith(f": {scale}}}")}
    for agent in agents:
        found[agent].append([float(cells[agent][end] or 0) for end in ends])
        more = "" if agent == "static-greedy" else "{:+.3f} [{:+.3f}, {:+.3f}]".format(*found[agent][-1])
        print(f"{scale:3}x memory  {agent:14} cost {float(cells[agent]['cost']):.3f}  {more}")

# %%
COLOURS = {"lru": "#56b4e9", "olag": "#e69f00"}
figure, axes = plt.subplots(figsize=(7.2, 3.0), layout="constrained")
for agent in agents[1:]:
    middle, low, high = zip(*found[agent], strict=True)
    bars = [
        [m - x for m, x in zip(middle, low, strict=True)],
        [x - m for m, x in zip(middle, high, strict=True)],
    ]
    axes.errorbar(scales, middle, bars, marker="o", capsize=3, color=COLOURS[agent], label=agent)
axes.axhline(0, color="0.6", lw=1, zorder=0)
axes.set(xscale="log", xticks=scales, xticklabels=["0.5", "1", "2"], title="Three seeds, 95 % intervals")
axes.set(xlabel="memory, as a multiple of that of tiny", ylabel="cost over static greedy's [cost]")
axes.minorticks_off()
axes.legend()
figure.savefig("own_study.png", dpi=110)

# %% [markdown]
# ![Cost of LRU and OLAG over that of static greedy, by memory](../pictures/example-own_study.png)
#
# [Studies](../studies.md) has every field of the YAML, and says how results are reported and handed in.
