"""Bottlenecks and exits in networks that were made elsewhere."""

import pytest
import torch
from torch import nn

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.insertion import crossing_bytes, insert_bottleneck, with_exits
from idn_gym.lab.profiling.graph import trace


class Tokens(nn.Module):
    """Patches as tokens with a short cut, then their mean."""

    def __init__(self):
        super().__init__()
        self.patches, self.mix, self.last = nn.Conv2d(1, 6, 4, 4), nn.Linear(6, 6), nn.Linear(6, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.relu(x + self.mix(x))
        return self.last(torch.tanh(x).mean(dim=1))


def pictures():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5),
        nn.Conv2d(8, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5),
    )  # fmt: skip


def vectors():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 5))


NETWORKS = [(pictures, "max_pool2d", 8 * 16), (Tokens, "relu", 6 * 4), (vectors, "relu", 12)]
"""networks of 8 x 8 pictures and 5 classes, an operator behind which one tensor crosses, its values"""

X = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=NETWORKS, ids=["pictures", "tokens", "vectors"])
def made(request):
    torch.manual_seed(0)
    build, after, values = request.param
    return build().eval(), after, values


def test_exits_leave_the_answer_as_it_is(made):
    network, after, values = made
    chain = with_exits(network, X[:1], {after: None})
    assert chain.after == (1, 2) and chain(X).shape == (2, 3, 5)
    torch.testing.assert_close(chain.eval()(X)[-1], network(X))
    assert crossing_bytes(chain, X[:1]) == (4.0 * values,)
    assert crossing_bytes(chain, X[:1], 1) == (float(values),)


def test_a_network_without_exits_is_a_chain_with_one(made):
    network, _, _ = made
    chain = with_exits(network, X[:1], {})
    assert chain.after == (1,) and len(chain.tiers) == 1
    torch.testing.assert_close(chain.eval()(X)[0], network(X))


@pytest.mark.parametrize("early", [False, True])
def test_a_bottleneck_sends_few_bits(made, early):
    network, after, values = made
    chain = insert_bottleneck(network, X[:1], after, 2, bits=3, early_label=early)
    assert chain.after == ((1, 2) if early else (2,))
    places = values // {"max_pool2d": 8, "relu": 6 if values == 24 else 12}[after]
    sent = chain.train().maps(X)[0]
    assert chain.eval().maps(X)[0].shape == sent.shape and sent[0].numel() == 2 * places
    assert len(chain.maps(X)[0].unique()) <= 2**3
    assert crossing_bytes(chain, X[:1]) == (-(-2 * places * 3 // 8),)


def test_all_of_it_learns_and_the_network_that_was_given_does_not(made):
    network, after, _ = made
    before = {name: value.clone() for name, value in network.state_dict().items()}
    chain = insert_bottleneck(network, X[:1], after, 2, early_label=True)
    chain.train()(X).square().sum().backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0
        for name, weight in chain.named_parameters()
        if "bias" not in name
    )
    with torch.no_grad():
        for weight in chain.parameters():
            weight.add_(1.0)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_of_a_chain_the_last_exit_is_meant():
    torch.manual_seed(0)
    first = with_exits(pictures(), X[:1], {"max_pool2d": None})
    again = with_exits(first, X[:1], {"relu": None, "max_pool2d": None})
    assert again.after == (1, 2, 3)
    torch.testing.assert_close(again.eval()(X)[-1], first.eval()(X)[-1])


def test_exits_stand_in_the_order_of_the_network():
    own = nn.Sequential(nn.Flatten(), nn.Linear(4 * 16, 5))
    chain = with_exits(pictures(), X[:1], {"relu_1": own, "relu": None})
    assert isinstance(chain, Chain) and chain.heads["2"] is own
    assert [tuple(value.shape[1:]) for value in chain.maps(X)[:2]] == [(8, 8, 8), (4, 4, 4)]


def test_mistakes_end_in_one_sentence():
    graph = trace(pictures(), X[:1])
    with pytest.raises(
        ConfigError, match="after: 'linear' is not allowed; one tensor crosses only after conv2d"
    ):
        graph.cut("linear")
    with pytest.raises(ConfigError, match="channels: 0 is not allowed"):
        insert_bottleneck(pictures(), X[:1], "relu", 0)
    with pytest.raises(
        ConfigError, match=r"heads.relu: gives \(1, 8, 8, 8\) for one input; must be \(1, 5\)"
    ):
        with_exits(pictures(), X[:1], {"relu": nn.Identity()})
    with pytest.raises(
        ConfigError, match=r"network: gives \(1, 8, 8, 8\) for one input; must be \(1, classes\)"
    ):
        with_exits(pictures()[:3], X[:1], {})


class Residual(nn.Module):
    """A short cut beside two layers, called twice."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return torch.relu(x + self.two(torch.relu(self.one(x))))


class WithBlocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.block = nn.Conv2d(1, 4, 3, padding=1), Residual()
        self.last = nn.Linear(4, 5)

    def forward(self, x):
        return self.last(self.block(self.block(self.stem(x))).mean((2, 3)))


def test_places_are_named_by_modules_too():
    graph = trace(WithBlocks(), X[:1])
    assert graph.cut("stem").after == "conv2d"
    assert graph.cut("block") == graph.cut("relu_3"), "behind the last call"
    assert graph.cut("relu_1") == graph.cuts()[3], "an operator in between"
    by_module, by_operator = (with_exits(WithBlocks(), X[:1], {name: None}) for name in ("block", "relu_3"))
    assert [tuple(m.shape) for m in by_module.maps(X)] == [tuple(m.shape) for m in by_operator.maps(X)]
    for name in ("block.one", "conv2d_1", "relu"):
        with pytest.raises(ConfigError, match=f"after: '{name}' .* other tensors cross beside what it gives"):
            graph.cut(name)
    with pytest.raises(ConfigError, match=r"'layer9' .*only after conv2d \(stem\), add \(block\)"):
        insert_bottleneck(WithBlocks(), X[:1], "layer9", 1)
    with pytest.raises(ConfigError, match=r"cuts: 'relu' is not allowed; must be out of cuts\(\)"):
        graph.weights(("relu",))


def test_the_table_has_a_line_per_cut():
    graph = trace(WithBlocks(), X[:1])
    head, *lines = graph.table(1).splitlines()
    assert head.split("  ")[0] == "after" and len(lines) == len(graph.cuts())
    assert lines[1].split()[:6] == ["conv2d", "stem", "4", "x", "8", "x"]
    assert f"{graph.macs:,}" in lines[-1] and "100.0" in lines[-1]


def test_a_head_that_does_not_fit_is_named():
    with pytest.raises(ConfigError, match=r"heads.relu: cannot take what crosses, \(1, 8, 8, 8\): mat1"):
        with_exits(pictures(), X[:1], {"relu": nn.Linear(7, 5)})
