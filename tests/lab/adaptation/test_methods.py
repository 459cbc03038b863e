"""Adapting at one node and at several."""

import copy

import numpy as np
import pytest
import torch

from idn_gym.lab.adaptation.methods import (
    LocalPictures,
    adapt,
    average,
    federate,
    knows_truth,
    prepare,
    taught,
    truth,
)
from idn_gym.lab.adaptation.recipes import AdaptationMethod
from idn_gym.lab.networks.chain import Size, three_tier
from idn_gym.lab.networks.exits import branchy
from idn_gym.lab.training.data import load_data
from idn_gym.lab.training.loop import logits, pixels

SMALL = Size((2, 3, 4), 3, 1)


@pytest.fixture(scope="module")
def pictures():
    found = load_data("digits").validation
    return [LocalPictures(found.images[i : i + 10], truth(found.labels[i : i + 10], 10)) for i in (0, 10, 20)]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return three_tier(SMALL, 10).eval()


def same(one, other):
    states = one.state_dict(), other.state_dict()
    return all(torch.equal(values, states[1][key]) for key, values in states[0].items())


@pytest.mark.parametrize("name", ["head", "norm", "everything"])
def test_the_same_seed_gives_the_same_bits_and_the_network_stays(network, pictures, name):
    method, before = AdaptationMethod(name, 2, 1e-2), copy.deepcopy(network)
    first, again, other = (adapt(network, method, pictures[0], batch=5, seed=seed) for seed in (0, 0, 1))
    assert same(first, again) and not same(first, other) and same(network, before)
    assert all(weight.requires_grad for weight in first.parameters()) and not first.training


@pytest.mark.parametrize("name", ["head", "everything"])
def test_a_head_on_kept_maps_has_the_loss_of_the_whole_network(pictures, name):
    torch.manual_seed(0)
    network = branchy(SMALL, 8, 10, (1, 2)).eval()
    _, loss, rows = prepare(network, AdaptationMethod(name, 1, 1e-2), pictures[0])
    scores = torch.log_softmax(network(pixels(pictures[0].images)), dim=2)
    wanted = -(scores * torch.from_numpy(pictures[0].answers)).sum(dim=2).mean(dim=1).sum()
    assert loss(*rows).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_one_node_in_one_round_is_no_federation(network, pictures):
    method = AdaptationMethod("everything", 2, 1e-2)
    alone = adapt(network, method, pictures[0], batch=5, seed=4)
    assert same(federate(network, method, pictures[:1], 1, batch=5, seed=4), alone)


def test_nodes_average_after_each_round(network, pictures):
    method, half = (AdaptationMethod("everything", epochs, 1e-2) for epochs in (2, 1))
    current = network
    for turn in range(2):
        seeds = [7 * 2 * 3 + 3 * turn + node for node in range(3)]
        current = average(
            [adapt(current, half, own, batch=5, seed=s) for own, s in zip(pictures, seeds, strict=True)]
        )
    assert same(federate(network, method, pictures, 2, batch=5, seed=7), current)


def test_an_average_is_the_mean_of_weights_and_statistics(network, pictures):
    method = AdaptationMethod("everything", 1, 1e-2)
    networks = [adapt(network, method, own, batch=5, seed=0) for own in pictures]
    mean = average(networks).state_dict()
    for key, values in mean.items():
        each = [one.state_dict()[key] for one in networks]
        wanted = torch.stack(each).mean(dim=0) if values.is_floating_point() else each[0]
        assert torch.equal(values, wanted)


def test_a_teacher_answers_with_probabilities_and_without_the_truth(network, pictures):
    found = taught(network, pictures[0].images)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found.argmax(axis=1) == logits(network, pictures[0].images)[-1].argmax(axis=1)).all()
    assert [knows_truth(AdaptationMethod(name, 1, 1.0)) for name in ("head", "distil")] == [True, False]
