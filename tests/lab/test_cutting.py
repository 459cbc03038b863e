"""Parts in a row compute what the whole network computes, at every cut."""

import pytest
import torch
from torch import nn

from idn_gym.lab.cuts import distinct
from idn_gym.lab.cutting import cut_apart
from idn_gym.lab.graph import trace
from idn_gym.lab.reference import VisionTransformer, mobilenet_v3_small, resnet
from idn_gym.strict import ConfigError

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
def test_convolutional_parts_take_batches_and_transformers_say_that_they_do_not():
    torch.manual_seed(0)
    batch = torch.randn(5, 3, 32, 32)
    network = NETWORKS["resnet"]().eval()
    graph = trace(network, batch[:1])
    parts = cut_apart(graph, (graph.cuts()[5],))
    assert torch.allclose(chain(parts, batch), network(batch), atol=1e-5)
    graph = trace(NETWORKS["transformer"](), batch[:1])
    with pytest.raises(RuntimeError):
        chain(cut_apart(graph, (graph.cuts()[1],)), batch)


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
