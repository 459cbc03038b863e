# %% [markdown]
# # Your own topology, traces and hardware
#
# A network from a GraphML file, a log of requests, a trace of link rates, a failure and two devices. The
# files are made up here; yours replace them. Keys and columns are in [What moves](../dynamics.md) and
# [Catalogue](../catalog.md).

# %%
import csv
import pathlib

import gymnasium as gym
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np

import idn_gym

rng = np.random.default_rng(0)
places = {
    "Turin": (7.7, 45.1),
    "Milan": (9.2, 45.5),
    "Genoa": (8.9, 44.4),
    "Bologna": (11.3, 44.5),
    "Padua": (11.9, 45.4),
}
graph = nx.Graph()
for name, (longitude, latitude) in places.items():
    tier = {"Milan": "cloud", "Bologna": "edge"}.get(name, "site")
    graph.add_node(name, label=name, Longitude=longitude, Latitude=latitude, tier=tier)
graph.add_edges_from([("Turin", "Milan"), ("Genoa", "Milan"), ("Bologna", "Milan"), ("Padua", "Bologna")])
nx.write_graphml(graph, "north.graphml")

# %% [markdown]
# Two devices: what they hold, how fast they are and what they draw. A number without a source is an
# assumption, which the catalogue says.

# %%
pathlib.Path("devices.yaml").write_text("""
devices:
- {name: pocket_board, tier: device, memory: 5.0e+8, macs_per_second: 6.0e+9, active_watts: 4, idle_watts: 2,
   fixed_seconds: 0.004}
- {name: street_box, tier: edge, memory: 4.0e+9, macs_per_second: 2.0e+11, active_watts: 15, idle_watts: 5,
   fixed_seconds: 0.002}
""")

# %% [markdown]
# Requests of 16 hours, one row each, with the time in seconds, the task and the place. That is five times an
# episode of three hours and more, since test episodes play the last fifth of a log, and training and planning
# the rest. And the rate of the uplinks, minute by minute.

# %%
with open("requests.csv", "w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["time", "what", "where"])
    for second in np.sort(rng.uniform(0, 57_600, 50_000)):
        cars = rng.random() < 0.5 + 0.4 * np.sin(second / 1_700)
        log.writerow([f"{second:.2f}", "cars" if cars else "labels", rng.choice(["Turin", "Genoa", "Padua"])])
with open("uplink.csv", "w", newline="") as file:
    trace = csv.writer(file)
    trace.writerow(["time", "rate"])  # Mbit/s
    trace.writerows([60 * minute, round(8 * np.exp(0.5 * rng.normal()), 2)] for minute in range(180))

# %% [markdown]
# The scenario names the files. A relative path in it starts at its folder.

# %%
pathlib.Path("north.yaml").write_text("""
name: north
catalog: [devices.yaml]
topology:
  kind: file
  path: north.graphml
  tier: tier
  repository: {name: cloud, device: gpu_t4_trt_int8, servers: .inf, pins: [all]}
  core: {name: edge, device: street_box, memory: 4.0e+7, uplink: wan_cloud}
  access: {name: site, device: pocket_board, memory: 1.2e+7, uplink: lte_uplink}
tasks:
- {name: cars, models: [yolov5n_640, yolov5s_640], timeout: 4.0, deadline: 1.0}
- {name: labels, models: [mobilenetv3_small_100, efficientnet_b0], timeout: 4.0, deadline: 0.5}
workload:
  rate: 9.0
  replay: {path: requests.csv, time: time, task: {column: what}, node: {column: where}, clock: absolute}
dynamics:
  link: {kind: file, path: uplink.csv, series: rate, factor: 1.25e+5}
  moving_links: [lte_uplink]
  outages: {kind: scheduled, failures: [{node: Bologna, first: 14, last: 17}], forwards: false}
serving: {loading: transfer}
scales: {error: 0.25, latency: 0.5, energy: 1.0, traffic: 1.0e+5, update: 1.0}
slot_seconds: 300.0
horizon: 36
""")
env = gym.make("IDN-v0", scenario="north.yaml", render_mode="ansi")
env.reset(seed=0)
print(env.render())

# %% [markdown]
# Policies on it. Each episode starts somewhere else in the last fifth of the log. That fifth is hardly longer
# than an episode, so all five play the same hours, each from another point on, and their intervals speak of
# these hours. A log of days has other days for other seeds.

# %%
names = ["cloud-only", "static-greedy", "lru", "olag"]
found = idn_gym.compare("north.yaml", names, seeds=5, reference="cloud-only")
for row in found.rows:
    print(f"{row.agent:14} {row.cost:.3f}   minus cloud-only {row.difference:.3f}")

# %%
dropped = list(idn_gym.metrics.METRICS).index("drop_rate")
COLOURS = {"cloud-only": "#7f7f7f", "static-greedy": "#d55e00", "lru": "#56b4e9", "olag": "#e69f00"}
figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(7.2, 4.2), layout="constrained")
for name in names:
    played = found.episodes[name]
    top.plot(-played.scalar[0], color=COLOURS[name], label=name)
    bottom.plot(100 * played.metrics[0, :, dropped], color=COLOURS[name])
for axes in (top, bottom):
    axes.axvspan(14, 17, color="0.9", zorder=0)
top.set(ylabel="cost per slot", title="The failure of Bologna is shaded")
top.legend(ncols=2)
bottom.set(xlabel="slot [5 min]", ylabel="dropped [%]")
figure.savefig("own_world.png", dpi=110)

# %% [markdown]
# ![Cost and drops of four policies around a failure](../pictures/example-own_world.png)
#
# Commands take the file as well: `idn compare cloud-only olag --scenario north.yaml`.
