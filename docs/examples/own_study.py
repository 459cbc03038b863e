# %% [markdown]
# # A study of one's own
#
# A study is a YAML file: worlds, what moves along an axis, policies, seeds. It runs from a checkout, keeps every run, goes on where it was stopped, and ends in one page with
# tables, figures and intervals. Here: does it pay to move models when boards have less memory?

# %%
import csv
import pathlib

import matplotlib.pyplot as plt

from experiments.study import main

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
# On the command line: `python -m experiments.study less_memory.yaml --out less-memory`. Run it twice, and the second time plays nothing.

# %%
main(["less_memory.yaml", "--out", "less-memory", "--workers", "1"])
print(sorted(path.name for path in pathlib.Path("less-memory").iterdir()))
