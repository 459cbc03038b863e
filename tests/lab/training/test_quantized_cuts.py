"""Networks that send quantised values where they are cut."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.insertion import crossing_bytes, insert_bottleneck, with_exits
from idn_gym.lab.networks.quantize import Quantizer
from idn_gym.lab.profiling.cutting import cut_apart
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.training.chain_entry import chain_entry, judge_network
from idn_gym.lab.training.quantized_cuts import cut_accuracy, quantize_cuts

RNG = torch.Generator().manual_seed(0)
INPUTS = torch.randn(200, 6, generator=RNG)
EXAMPLE = INPUTS[:1]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)).eval()


@pytest.fixture(scope="module")
def loader(network):
    """Labels are what the network says, so that it is always right."""
    with torch.no_grad():
        return DataLoader(TensorDataset(INPUTS, network(INPUTS).argmax(1)), 200)


def by_hand(network, bits):
    """Share of right answers through two quantisers with the range of all values."""
    graph = trace(network, EXAMPLE)
    first, second, rest = cut_apart(graph, (graph.cut("relu"), graph.cut("relu_1")))
    with torch.no_grad():
        value = INPUTS
        for part in (first, second):
            value = part(value)
            low, high = value.min(), value.max()
            step = (high - low) / (2**bits - 1)
            value = ((value - low) / step).round() * step + low
        return float((rest(value).argmax(1) == network(INPUTS).argmax(1)).double().mean())


@pytest.mark.parametrize("bits", [1, 2, 8])
def test_the_accuracy_is_that_of_what_is_sent(network, loader, bits):
    graph = trace(network, EXAMPLE)
    cuts = (graph.cut("relu"), graph.cut("relu_1"))
    found = cut_accuracy(graph, cuts, loader, loader, bits=bits)
    assert found == pytest.approx(by_hand(network, bits), abs=0.011)
    assert (found > 0.97) == (bits == 8), "few bits cost answers, many do not"


def test_ranges_are_those_of_the_validation_data(network, loader):
    graph = trace(network, EXAMPLE)
    narrow = DataLoader(TensorDataset(0.01 * INPUTS, torch.zeros(200).long()), 200)
    assert cut_accuracy(graph, (graph.cut("relu"),), narrow, loader) < 0.9


def test_a_chain_is_copied_and_every_plain_crossing_quantised(network, loader):
    chain = with_exits(network, EXAMPLE, {"relu": None, "relu_1": None})
    before = chain(INPUTS)
    found = quantize_cuts(chain, loader, bits=2)
    assert not any(isinstance(module, Quantizer) for module in chain.modules())
    assert torch.equal(chain(INPUTS), before) and found.after == chain.after
    first, second, _ = found.maps(INPUTS)
    assert len(first.unique()) <= 4 and len(second.unique()) <= 4
    assert crossing_bytes(found, EXAMPLE) == (2.0, 2.0)
    assert crossing_bytes(quantize_cuts(chain, loader, 8, after=(2,)), EXAMPLE) == (32.0, 5.0)


def test_bottlenecks_stay_as_they_are(network, loader):
    chain = insert_bottleneck(network, EXAMPLE, "relu", 2, bits=4)
    torch.testing.assert_close(quantize_cuts(chain, loader)(INPUTS), chain.eval()(INPUTS))


def test_entries_have_the_bytes_and_accuracies_of_what_is_sent(network, loader):
    chain = quantize_cuts(with_exits(network, EXAMPLE, {"relu": None}), loader, bits=1)
    judged = judge_network(chain, loader, loader)
    entry = chain_entry("mine", [judged], EXAMPLE, task="t", source="a test", input_bytes=24)
    assert (entry.kind, entry.blocks[0].output) == ("exits", 1.0)
    assert entry.points[-1].accuracy == judged.accuracy < 1
    with torch.no_grad():
        np.testing.assert_allclose(judged.test, chain(INPUTS).numpy(), atol=1e-6)


def test_mistakes_end_in_one_sentence(network, loader):
    chain = with_exits(network, EXAMPLE, {"relu": None})
    with pytest.raises(ConfigError, match=r"after: \[2\] is not allowed; must be 1 to 1 tiers"):
        quantize_cuts(chain, loader, after=(2,))
    with pytest.raises(ConfigError, match="bits: 9 is not allowed"):
        quantize_cuts(chain, loader, bits=9)
    with pytest.raises(ConfigError, match="validation: gives no batch"):
        quantize_cuts(chain, [])
    with pytest.raises(ConfigError, match="validation: gives a Tensor"):
        quantize_cuts(chain, [INPUTS])
