"""Networks of stages that are easy to count or to cut wrongly: cut, weighed, counted and shared out."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from idn_gym.config_reader import ConfigError
from idn_gym.lab.profiling.cutting import cut_apart, share_out
from idn_gym.lab.profiling.entry import catalog_entry
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.partition import min_cut

LENGTH = 8


class Stage(nn.Module):
    """Takes maps (B, channels, length) and returns maps (B, channels, some length)."""

    any_batch = True
    """whether batches of any length must go through"""
    beside = 0
    """[MAC] that torch's own counter has no formula for"""

    def __init__(self, channels, length, rng):
        super().__init__()
        self.build(channels, length, rng)

    def build(self, c, length, rng):
        pass


class Grouped(Stage):
    def build(self, c, length, rng):
        groups = int(rng.choice([g for g in (1, 2, c) if c % g == 0]))
        self.layer = nn.Conv1d(c, c, 3, padding=2, dilation=2, groups=groups)

    def forward(self, x):
        return self.layer(x)


class Transposed(Stage):
    def build(self, c, length, rng):
        stride, groups = rng.integers(1, 3, 2).tolist()
        self.layer = nn.ConvTranspose1d(c, c, 3, stride, groups=groups)

    def forward(self, x):
        return self.layer(x)


class Normalised(Stage):
    def build(self, c, length, rng):
        self.layer = nn.BatchNorm1d(c)
        self.layer.running_mean.normal_()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.layer(x).relu_()


class Pooled(Stage):
    def forward(self, x):
        even = x[..., : x.size(2) // 2 * 2].contiguous()
        return even.view(x.size(0), x.size(1), -1, 2).mean(3) if x.size(2) > 7 else x.abs()


class PlainLength(Stage):
    any_batch = False

    def forward(self, x):
        return x.reshape(len(x), -1).relu().reshape(x.shape)


class Squeezed(Stage):
    any_batch = False

    def forward(self, x):
        return x * x.mean((1, 2), keepdim=True).squeeze().reshape(-1, 1, 1)


class Written(Stage):
    """Slices, views and whole tensors written into; some through another name."""

    def build(self, c, length, rng):
        self.layer, self.way = nn.Conv1d(c, c, 1), int(rng.integers(5))

    def forward(self, x):
        y = self.layer(x)
        if self.way == 0:
            y[:, :2] = y[:, :2].sigmoid()
        elif self.way == 1:
            view = y.view(y.size(0), -1)
            y.mul_(3)
            y = y + view.tanh().view(y.shape)
        elif self.way == 2:
            y = torch.zeros_like(y).copy_(y)
            y[..., 0] = 1.0
        elif self.way == 3:
            y = torch.add(y, x, out=torch.empty_like(y))
        else:
            left, right = y.chunk(2, 1)
            left.add_(1)
            right.mul_(left)
        return y.relu_()


class Dead(Stage):
    """A head whose result is thrown away."""

    alive = True

    def build(self, c, length, rng):
        self.layer, self.aux = nn.Conv1d(c, c, 1), nn.Linear(c, 50)

    def forward(self, x):
        if self.alive:
            self.aux(x.mean(2)).relu_().sum()
        return self.layer(x)


class Recurrent(Stage):
    def build(self, c, length, rng):
        kind = (nn.LSTM, nn.GRU, nn.RNN)[rng.integers(3)]
        twice, projected = bool(rng.integers(2)), kind is nn.LSTM and bool(rng.integers(2))
        wide = {"hidden_size": c + 3, "proj_size": c // 2 if twice else c} if projected else {}
        narrow = {"hidden_size": c // 2 if twice else c}
        self.layer = kind(
            c, **(wide or narrow), num_layers=int(rng.integers(1, 3)), bidirectional=twice, batch_first=True
        )

    def forward(self, x):
        return self.layer(x.transpose(1, 2))[0].transpose(1, 2)


class Cell(Stage):
    def build(self, c, length, rng):
        self.layer = (nn.LSTMCell, nn.GRUCell, nn.RNNCell)[rng.integers(3)](c, c)

    def forward(self, x):
        state, kept = None, []
        for step in x.unbind(2)[:3]:
            state = self.layer(step, state)
            kept.append(state[0] if isinstance(state, tuple) else state)
        return torch.cat([torch.stack(kept, 2), x[:, :, 3:]], 2)


class Shared(Stage):
    """A weight that all of its kind share, and the head with them."""

    def build(self, c, length, rng):
        self.weight = nn.Parameter(torch.randn(c, c) / c**0.5)

    def forward(self, x):
        return (self.weight @ x).tanh()


class Products(Stage):
    """Products that are broadcast, summed up, or written as indices."""

    def build(self, c, length, rng):
        self.way = int(rng.integers(6))
        self.weight, self.layer = nn.Parameter(torch.randn(2, c, c) / c), nn.Bilinear(c, c, c)
        self.beside = {4: length * c**3, 5: 2 * length * c**2}.get(self.way, 0)

    def forward(self, x):
        rows = x.transpose(1, 2)
        if self.way == 0:
            rows = (rows[:, None] @ self.weight).sum(1)
        elif self.way == 1:
            rows = torch.einsum("...i,ij,kjl->...l", rows, self.weight[0], self.weight)
        elif self.way == 2:
            rows = torch.baddbmm(self.weight[0, 0], rows, self.weight[:1].expand(x.size(0), -1, -1))
        elif self.way == 3:
            seen = rows[:, None, ::2]
            rows = functional.scaled_dot_product_attention(rows[:, None], seen, seen)[:, 0]
        elif self.way == 4:
            rows = self.layer(rows, rows)
        else:
            rows = rows + torch.addbmm(self.weight[0, 0], rows[:1].expand(2, -1, -1), self.weight)
        return rows.transpose(1, 2)


class Token(Stage):
    """A parameter per input beside the data, and positions counted off."""

    def build(self, c, length, rng):
        self.token = nn.Parameter(torch.randn(1, c, 2))

    def forward(self, x):
        wide = torch.cat([self.token.expand(x.size(0), -1, -1), x], 2)
        return wide + torch.arange(wide.size(2)) / 10 + torch.zeros(x.size(0), 1, 1)


STAGES = (
    Grouped, Transposed, Normalised, Pooled, PlainLength, Squeezed, Written, Dead, Recurrent, Cell, Shared,
    Products, Token,
)  # fmt: skip


class Drawn(nn.Module):
    """Four stages, some with a short cut around them, and a head."""

    def __init__(self, seed):
        super().__init__()
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        self.channels, shape = int(rng.choice([4, 6])), (1, 0, 0)
        self.stages, self.short = nn.ModuleList(), []
        x = torch.rand(1, self.channels, LENGTH)
        for kind in (STAGES[seed % len(STAGES)], *(STAGES[i] for i in rng.integers(len(STAGES), size=3))):
            self.stages.append(kind(self.channels, x.shape[2], rng).eval())
            with torch.no_grad():
                x, shape = self.stages[-1](x), x.shape
            self.short.append(x.shape == shape and bool(rng.integers(2)))
        self.head = nn.Linear(self.channels, self.channels, bias=False)
        for stage in self.stages:
            if isinstance(stage, Shared):
                stage.weight = self.head.weight

    def forward(self, x):
        for stage, short in zip(self.stages, self.short, strict=True):
            x = x + stage(x) if short else stage(x)
        return self.head(x.mean(2))


def chain(parts, x):
    for part in parts:
        x = part(x)
    return x


@torch.no_grad()
def check(seed, macs_by_torch):
    network = Drawn(seed).eval()
    inputs = [torch.randn(batch, network.channels, LENGTH) for batch in (1, 2, 5)]
    answers = [network(x.clone()) for x in inputs]
    graph = trace(network, torch.zeros(1, network.channels, LENGTH))
    interior = graph.cuts()[1:-1]
    rows = {
        "task": "imagenet",
        "accuracy": 0.5,
        "outcome": "measured",
        "source": "a test",
        "input_bytes": 100,
    }
    for cuts in [*((cut,) for cut in interior), (interior[0], interior[-1])]:
        parts = cut_apart(graph, cuts)
        entry = catalog_entry("drawn", graph, cuts, **rows)
        states = [part.state_dict().values() for part in parts]
        assert [b.weights for b in entry.blocks] == [sum(v.nbytes for v in state) for state in states], cuts
        assert sum(block.macs for block in entry.blocks) == graph.macs
        compare(network, lambda x, parts=parts: chain(parts, x), inputs, answers)
    rng = np.random.default_rng(seed)
    for scale in (0.1, 1.0, 10.0):
        device, server, transfer = rng.exponential((1, 1, scale), (len(graph.operators), 3)).T
        near, _ = min_cut(graph, device, server, transfer)
        here, there = share_out(graph, near)
        compare(network, lambda x, here=here, there=there: there(*here(x)), inputs, answers)
    for stage in network.stages:
        stage.alive = False
    beside = sum(stage.beside for stage in network.stages)
    assert graph.macs == macs_by_torch(network, inputs[0]) + beside


def compare(network, run, inputs, answers):
    """Whether parts give the network's answers, or refuse what they are not made for, and nothing else."""
    for x, wanted in zip(inputs, answers, strict=True):
        if len(x) == 1 or all(stage.any_batch for stage in network.stages):
            kept = x.clone()
            found = run(x)
            assert found.shape == wanted.shape and torch.allclose(found, wanted, atol=1e-5)
            assert torch.equal(x, kept), "parts must not write into what they are given"
        else:
            with pytest.raises(ConfigError, match=r"^x: shape .*for one input only$"):
                run(x)


@pytest.mark.parametrize("seed", range(len(STAGES)))
def test_parts_are_the_network_and_its_count(seed, macs_by_torch):
    check(seed, macs_by_torch)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(len(STAGES), 200))
def test_parts_of_many_networks_are_the_network_and_its_count(seed, macs_by_torch):
    check(seed, macs_by_torch)
