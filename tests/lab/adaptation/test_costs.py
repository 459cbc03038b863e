"""Costs of adapting, against counts by hand on a network of one tier."""

import copy

import pytest
import torch
from torch import nn

from idn_gym.lab.adaptation.costs import changing, count_adaptation
from idn_gym.lab.adaptation.methods import LocalPictures, adapt, prepare, truth
from idn_gym.lab.adaptation.recipes import AdaptationMethod
from idn_gym.lab.networks.chain import Chain, Size, convolution, three_tier
from idn_gym.lab.training.bottleneck import Latent, squeezed
from idn_gym.lab.training.loop import train_mode

SIDE, CLASSES, WIDTH, BATCH = 4, 5, 2, 3

FLOAT = 4


@pytest.fixture
def tiny():
    """A convolution 1 -> 2 of 3 x 3, its normalisation, ReLU; the head is linear on all 32 values."""
    torch.manual_seed(0)
    head = nn.Sequential(nn.Flatten(), nn.Linear(WIDTH * SIDE**2, CLASSES))
    return Chain([convolution(1, WIDTH)], {1: head})


def count(network, name, samples=(BATCH,)):
    return count_adaptation(network, AdaptationMethod(name, 1, 1e-3), SIDE, CLASSES, samples, BATCH)


CONVOLVE, PRODUCT = SIDE**2 * WIDTH * 9, WIDTH * SIDE**2 * CLASSES
"""MACs of the two layers, forward"""
MAP = WIDTH * SIDE**2 * FLOAT
"""bytes of a map"""


def test_operations_are_forward_and_backward_to_the_first_trained_layer(tiny):
    everything, norm, head = (count(tiny, name) for name in ("everything", "norm", "head"))
    # Nothing is sent back to the picture; a linear layer has gradients of inputs and of weights.
    assert everything.macs_epoch == 2 * CONVOLVE + 3 * PRODUCT and everything.macs_once == 0
    assert norm.macs_epoch == CONVOLVE + 2 * PRODUCT and norm.macs_once == 0
    assert head.macs_epoch == 2 * PRODUCT and head.macs_once == CONVOLVE


def test_memory_is_kept_activations_gradients_and_two_means_per_weight(tiny):
    pictures, scores, statistics = BATCH * SIDE**2 * FLOAT, BATCH * CLASSES * FLOAT, 2 * WIDTH * FLOAT
    weights = {"convolution": WIDTH * 9 * FLOAT, "norm": 2 * WIDTH * FLOAT}
    weights["linear"] = (WIDTH * SIDE**2 * CLASSES + CLASSES) * FLOAT
    loss = 2 * scores  # cross entropy keeps its logarithms and the answers
    # What goes into the normalisation, and what comes out of the ReLU, which is what the head takes.
    norm = 2 * BATCH * MAP + statistics + loss
    [found] = count(tiny, "norm").memory
    assert found == norm + 3 * weights["norm"]
    [found] = count(tiny, "everything").memory
    assert found == norm + pictures + 3 * sum(weights.values())
    # Maps of all samples are kept, activations of a batch.
    few, many = count(tiny, "head", (BATCH, 10 * BATCH)).memory
    assert many - few == 9 * BATCH * MAP


def test_changed_bytes_are_those_that_adapting_changes(tiny):
    network = squeezed(Latent(2), Size((2, 3, 4), 3, 1), 8, 10, False)
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8, generator=rng).numpy()
    pictures = LocalPictures(images, truth(torch.arange(6).numpy(), 10))
    # Ranges of quantisers and statistics move from where pictures have put them.
    method = AdaptationMethod("everything", 1, 1e-2)
    network = adapt(network, method, pictures, batch=3, seed=0)
    for name in ("head", "norm", "bottleneck", "everything"):
        method = AdaptationMethod(name, 2, 1e-2)
        before, after = network.state_dict(), adapt(network, method, pictures, batch=3, seed=1).state_dict()
        moved = {
            key
            for key, values in before.items()
            if values.is_floating_point() and not torch.equal(values, after[key])
        }
        own = copy.deepcopy(network)
        preparation = prepare(own, method, pictures)
        train_mode(preparation.trained)
        told = {key: values for key, values in changing(own)}
        assert moved == told.keys()
        cost = count_adaptation(network, method, 8, 10, (6,), 3)
        assert sum(cost.changed) == sum(values.nbytes for values in told.values())
        assert len(cost.changed) == 3 and (cost.changed[2] == 0) == (name == "bottleneck")


def test_counting_leaves_the_network_as_it_is():
    network = three_tier(Size((2, 3, 4), 3, 1), 10).eval()
    before = copy.deepcopy(network.state_dict())
    count_adaptation(network, AdaptationMethod("everything", 1, 1e-3), 8, 10, (10, 30), 10)
    assert all(torch.equal(values, before[key]) for key, values in network.state_dict().items())
    assert all(weight.requires_grad for weight in network.parameters()) and not network.training
