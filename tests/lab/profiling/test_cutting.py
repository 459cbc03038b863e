"""Parts in a row compute what the whole network computes, at every cut."""

import pickle

import pytest
import torch
from torch import nn

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.reference import VisionTransformer, mobilenet_v3_small, resnet
from idn_gym.lab.profiling.cuts import distinct
from idn_gym.lab.profiling.cutting import cut_apart, share_out
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.partition import min_cut

NETWORKS = {
    "resnet": lambda: resnet(width=8, classes=10),
    "mobilenet": lambda: mobilenet_v3_small(classes=10),
    "transformer": lambda: VisionTransformer(width=24, depth=3, side=32, patch=8, classes=10),
}


def chain(parts, x):
    for part in parts:
        x = part(x)
    return x


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    torch.manual_seed(0)
    network = NETWORKS[request.param]().eval()
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        return network, trace(network, torch.zeros(1, 3, 32, 32)), x, network(x)


@torch.no_grad()
def test_two_parts_at_every_cut_give_the_same_bits(case):
    _, graph, x, whole = case
    for cut in distinct(graph.cuts())[1:-1]:
        head, tail = cut_apart(graph, (cut,))
        crossing = head(x)
        assert tuple(crossing.shape) == cut.shape
        kept = crossing.clone()
        assert torch.equal(tail(crossing), whole), cut.after
        assert torch.equal(crossing, kept), "the tail must not write into what it was given"


@torch.no_grad()
def test_chains_of_three_and_four_parts(case):
    _, graph, x, whole = case
    interior = distinct(graph.cuts())[1:-1]
    for count in (2, 3):
        cuts = tuple(interior[(k + 1) * len(interior) // (count + 1)] for k in range(count))
        parts = cut_apart(graph, cuts)
        assert len(parts) == count + 1
        assert torch.equal(chain(parts, x), whole)


def test_parts_hold_their_own_parameters_only(case):
    network, graph, _, _ = case
    parts = cut_apart(graph, (distinct(graph.cuts())[3],))
    names = [{name for name, _ in part.named_parameters()} for part in parts]
    assert not names[0] & names[1]
    assert names[0] | names[1] == {name for name, _ in network.named_parameters()}
    originals = dict(network.named_parameters())
    for part in parts:
        assert all(parameter is originals[name] for name, parameter in part.named_parameters())


@torch.no_grad()
def test_parts_take_batches(case):
    network, graph, _, _ = case
    batch = torch.randn(5, 3, 32, 32)
    for cut in distinct(graph.cuts())[1:-1:4]:
        parts = cut_apart(graph, (cut,))
        assert torch.allclose(chain(parts, batch), network(batch), atol=1e-5), cut.after


class Only(nn.Module):
    """Something and a layer after it."""

    def __init__(self, before, inputs):
        super().__init__()
        self.before, self.layer = before, nn.Linear(inputs, 3)

    def forward(self, x):
        return self.layer(self.before(x.relu()))


@pytest.mark.parametrize(
    "before",
    [
        lambda x: x.view(len(x), -1),
        lambda x: x.mean((2, 3), keepdim=True).squeeze(),
        lambda x: x.flatten(1) * (2 if x.size(0) == 1 else 3),
        lambda x: x.flatten(1) * (2 if x.size(0) > 4 else 3),
        lambda x: x.flatten(1) * (2 if x.size(0) % 2 else 3),
    ],
    ids=["plain length", "squeezed", "one is special", "many are special", "odd and even"],
)
@torch.no_grad()
def test_a_network_that_looks_at_the_length_of_a_batch_is_cut_for_one_input(before):
    network = Only(before, 4).eval()
    graph = trace(network, torch.zeros(1, 4, 1, 1))
    parts = cut_apart(graph, (graph.cuts()[1],))
    x = torch.randn(1, 4, 1, 1)
    assert torch.equal(chain(parts, x).flatten(), network(x).flatten())
    for count in (2, 3, 5):
        with pytest.raises(
            ConfigError, match=rf"^x: shape \({count}, 4, 1, 1\).*\(1, 4, 1, 1\).*one input only"
        ):
            chain(parts, torch.randn(count, 4, 1, 1))


@torch.no_grad()
def test_the_length_of_a_batch_is_read_off_what_crosses():
    class Windows(nn.Module):
        def forward(self, x):
            windows = x.view(x.size(0) * 2, 4).cos()
            return windows.view(x.size(0), 8) / x.size(0)

    graph = trace(Windows(), torch.zeros(1, 8))
    head, tail = cut_apart(graph, (graph.cuts()[2],))
    x = torch.randn(3, 8)
    assert torch.equal(tail(head(x)), Windows()(x))
    with pytest.raises(ConfigError, match=r"shape \(5, 4\) is not allowed; must be \(2 batch, 4\)"):
        tail(torch.zeros(5, 4))
    with pytest.raises(ConfigError, match=r"shape \(3, 9\) is not allowed; must be \(batch, 8\)"):
        head(torch.zeros(3, 9))
    read_back = pickle.loads(pickle.dumps(tail))
    assert torch.equal(read_back(head(x)), tail(head(x)))
    with pytest.raises(ConfigError, match=r"must be \(2 batch, 4\)"):
        read_back(torch.zeros(5, 4))


def test_a_tied_weight_is_held_and_weighed_on_both_sides():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = nn.Embedding(100, 8), nn.Linear(8, 100)
            self.out.weight = self.embed.weight

        def forward(self, x):
            return self.out(self.embed(x).relu())

    graph = trace(Tied(), torch.zeros(1, 5, dtype=torch.long))
    cut = graph.cuts()[2]
    assert graph.weights((cut,)) == (4 * 800, 4 * (800 + 100))
    assert graph.weights() == (graph.param_bytes,) == (4 * (800 + 100),)
    for part, held in zip(cut_apart(graph, (cut,)), graph.weights((cut,)), strict=True):
        assert sum(4 * value.numel() for value in part.state_dict().values()) == held


@torch.no_grad()
def test_an_assignment_runs_with_the_batch_sent_along_where_no_tensor_tells_it():
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(0).cos() * torch.ones(x.size(0), 1)

    graph = trace(Mean(), torch.zeros(1, 4))
    assert [cut.after for cut in graph.cuts()] == ["x", "mul"], "the mean does not tell the batch"
    device, server = share_out(graph, {1})
    x = torch.randn(3, 4)
    sent = device(x)
    assert sent[1] == 3 and torch.equal(server(*sent), Mean()(x))
    with pytest.raises(ConfigError, match="'cos' on the device needs a result of the server"):
        share_out(graph, {2})


@torch.no_grad()
def test_what_is_written_in_place_is_computed_before_it_is_used():
    class Written(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 8)

        def forward(self, x):
            y = self.a(x)
            y[:, :2] = y[:, :2].sigmoid()
            return self.b(y)

    network = Written()
    graph = trace(network, torch.zeros(1, 4))
    last = len(graph.operators) - 1
    dear = [float(1 < i < last) for i in range(last + 1)]
    device = [100.0 if middle else 1.0 for middle in dear]
    server = [1.0 if middle else 100.0 for middle in dear]
    near, seconds = min_cut(graph, device, server, [50.0] + [1.0] * last)
    assert (near, seconds) == ({0, 1}, 1 + 1 + (last - 2) + 100)
    here, there = share_out(graph, near)
    x = torch.randn(3, 4)
    assert torch.equal(there(*here(x)), network(x))


def test_a_value_of_parameters_only_goes_to_every_part_that_uses_it():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

        def forward(self, x):
            doubled = 2 * self.scale
            return ((x + doubled).relu() * doubled).sum(1)

    graph = trace(Shared(), torch.zeros(1, 3))
    head, tail = cut_apart(graph, (graph.cuts()[1],))
    assert chain((head, tail), torch.ones(1, 3)).item() == 3 * 2 + 5 * 4 + 7 * 6
    assert [list(dict(part.named_parameters())) for part in (head, tail)] == [["scale"], ["scale"]]


def test_writing_through_a_view_is_kept():
    class Written(nn.Module):
        def forward(self, x):
            x = x + 1
            flat = x.view(-1)
            x.mul_(3)
            return (flat + 1).relu()

    graph = trace(Written(), torch.zeros(1, 3))
    for cut in graph.cuts()[1:-1]:
        assert torch.equal(chain(cut_apart(graph, (cut,)), torch.zeros(1, 3)), torch.full((3,), 4.0)), (
            cut.after
        )


@pytest.mark.parametrize("end", [0, -1])
def test_a_cut_at_an_end_is_refused(case, end):
    _, graph, _, _ = case
    with pytest.raises(ConfigError, match="strictly between input and output"):
        cut_apart(graph, (graph.cuts()[end],))
