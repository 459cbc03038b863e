# %% [markdown]
# # Your own network: cut, bottlenecked, placed
#
# A torch network of one's own is trained, given a bottleneck, counted and turned into entries of the
# catalogue. Then the environment says where to cut it at which link rate. Pictures are made up, stripes in
# six directions under noise, so that all of it takes seconds; the steps are those for real ones. It needs
# the extra `lab`.

# %%
import pathlib

import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import idn_gym  # noqa: F401 (registers the environments)
from idn_gym.catalog import write_catalog
from idn_gym.lab.profiling.entry import catalog_entry
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.training.quantized_cuts import cut_accuracy

torch.manual_seed(0)
torch.set_num_threads(1)
CLASSES, SIDE = 6, 64


def make_pictures(count, seed):
    rng = torch.Generator().manual_seed(seed)
    label = torch.randint(CLASSES, (count,), generator=rng)
    angle = label[:, None, None] * torch.pi / CLASSES
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    phase = 6.28 * torch.rand(count, 1, 1, generator=rng)
    wave = torch.sin(0.4 * (row * torch.cos(angle) + column * torch.sin(angle)) + phase)
    return (wave + 3.5 * torch.randn(count, SIDE, SIDE, generator=rng))[:, None], label


train, test = make_pictures(1500, 0), make_pictures(1000, 1)

# %% [markdown]
# The network is a head and a tail. Four epochs are enough here; a real one takes what it takes.

# %%
head = nn.Sequential(nn.Conv2d(1, 8, 5, 4, 2), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
tail = nn.Sequential(
    nn.Conv2d(16, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))  # fmt: skip
EPOCHS = 4


def fit(network, parameters, loss_of):
    optimiser = torch.optim.Adam(parameters, 3e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(train[1])).split(50):
            optimiser.zero_grad()
            loss_of(network, train[0][batch], train[1][batch]).backward()
            optimiser.step()


def accuracy(network):
    with torch.no_grad():
        return (network(test[0]).argmax(1) == test[1]).double().mean().item()


plain = nn.Sequential(head, tail)
fit(plain, plain.parameters(), lambda net, x, y: nn.functional.cross_entropy(net(x), y))

# %% [markdown]
# The bottleneck: an encoder at the end of the head, from 16 maps to 2, and a decoder before the tail. They
# learn what the tail made of the head's maps (distillation), while head and tail stay as they are.

# %%
encoder, decoder = nn.Conv2d(16, 2, 1), nn.Sequential(nn.Conv2d(2, 16, 3, 1, 1), nn.ReLU())
squeezed = nn.Sequential(head, encoder, decoder, tail)


def distil(network, x, y):
    with torch.no_grad():
        wanted = plain(x)
    return nn.functional.mse_loss(network(x), wanted)


fit(squeezed, [*encoder.parameters(), *decoder.parameters()], distil)
print(f"right: {accuracy(plain):.1%} whole, {accuracy(squeezed):.1%} with the bottleneck")

# %% [markdown]
# `trace` counts both networks, and lists the places where one tensor crosses. Bytes on the wire are int8,
# one per value, and `cut_accuracy` measures each network cut and sent like this: the range of the values is
# that of training pictures, answers are those to test pictures.

# %%
example = torch.zeros(1, 1, SIDE, SIDE)
counted = {"own_plain": trace(plain, example), "own_squeezed": trace(squeezed, example)}
sent = {"own_plain": (16, 8, 8), "own_squeezed": (2, 8, 8)}
pictures = [DataLoader(TensorDataset(*part), 500) for part in (train, test)]
entries = []
for name, graph in counted.items():
    cut = [place for place in graph.cuts() if tuple(place.shape)[-3:] == sent[name]][-1]
    entry = catalog_entry(
        name,
        graph,
        (cut,),
        task="stripes",
        accuracy=cut_accuracy(graph, (cut,), *pictures, bits=8),
        outcome="measured",
        source="1,000 made-up test pictures, one training",
        input_bytes=SIDE * SIDE,
        bytes_per_value=1,
    )
    entries.append(entry)
    print(f"{name:13} cut and sent as int8: {entry.points[0].accuracy:.1%} right")
    for block in entry.blocks:
        print(f"{name:13} {block.macs:9,.0f} MACs, {block.weights:7,.0f} B held, {block.output:6,.0f} B sent")
write_catalog("own.yaml", models=entries)

# %% [markdown]
# Where to put them: a microcontroller that has no room for a whole network, a radio, and a server that
# holds all. All placements are tried in one slot each; the cost weighs accuracy, latency, energy and bytes.

# %%
pathlib.Path("stripes.yaml").write_text("""
name: stripes
catalog: [own.yaml]
topology:
  kind: explicit
  nodes:
  - {name: sensor, device: mcu_m4_stm32l4r5, tier: device, memory: 4.0e+4, demand: 1}
  - {name: server, device: sbc_rpi5, tier: edge, servers: .inf, pins: [all]}
  links:
  - {source: sensor, target: server, link: ble_1m}
tasks:
- {name: stripes, models: [own_plain, own_squeezed], timeout: 10.0, deadline: 1.0}
workload: {rate: 0.2}
scales: {error: 0.1, latency: 0.2, energy: 0.01, traffic: 4096, update: 1}
slot_seconds: 600.0
horizon: 1
""")
rates = np.geomspace(500, 500e3, 13)
weights = {"accuracy": 1, "latency": 1, "energy": 1, "traffic": 0.1, "update": 0}
latency, cost, choices = [], [], []
for rate in rates:
    changes = {"topology.links.0.rate": float(rate)}
    env = gym.make(
        "IDN-v0", scenario="stripes.yaml", overrides=changes, action="placement", preference=weights
    )
    choices = env.unwrapped.describe()["action"][0].split(": ", 1)[1].split(", ")
    infos = []
    for choice in range(len(choices)):
        env.reset(seed=0)
        _, reward, _, _, info = env.step(np.array([choice]))
        infos.append((-reward, info["latency"]))
    cost.append([paid for paid, _ in infos])
    latency.append([1e3 * seconds for _, seconds in infos])
best = np.argmin(cost, axis=1)
names = [choice.split(" ", 1)[1] for choice in choices]
for rate, k, row in zip(rates, best, latency, strict=True):
    print(f"{rate / 1e3:8.1f} kB/s: on the sensor {names[k]:20} {row[k]:7.0f} ms")

# %%
figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
for k in np.unique(np.append(best, 0)):
    axes.plot(rates / 1e3, np.array(cost)[:, k], marker=".", label=f"sensor: {names[k]}")
axes.plot(rates / 1e3, np.min(cost, axis=1), color="0.7", lw=5, zorder=0, label="best")
axes.set(
    xscale="log", ylim=(0.2, 0.9), xlabel="link rate [kB/s]", ylabel="cost per slot", title="Where is it cut?"
)
axes.legend()
figure.savefig("own_network.png", dpi=110)

# %% [markdown]
# ![Cost of each placement against the link rate](../pictures/example-own_network.png)
#
# Over slow links the bottleneck pays; over faster ones the plain cut, which loses nothing, does. On a real
# network, `useful` of `idn_gym.lab.profiling.cuts` picks the cuts worth having, and [the lab](../lab.md)
# trains bottlenecks and early exits. What is best here is best in every slot: a scenario in which models are
# worth moving needs demand that changes and memory for a part of the models ([moving](../moving.md#factors)).
