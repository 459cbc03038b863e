import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from idn_gym.lab.networks.chain import Size, three_tier
from idn_gym.lab.training.data import Pictures
from idn_gym.lab.training.loop import (
    accuracy,
    cross_entropy,
    freeze_modules,
    logits,
    pixels,
    tensors,
    train_network,
)

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 128)
BRIGHT = Pictures(
    (RNG.integers(0, 60, (128, 1, 8, 8)) + 150 * LABELS[:, None, None, None]).astype(np.uint8), LABELS
)
"""pictures that are dark or bright, and labelled so"""
SIZE = Size((2, 3, 4), 3, 1)


def trained(seed=0, frozen=(), epochs=2):
    torch.manual_seed(0)
    network = three_tier(SIZE, 2)
    freeze_modules(*(network.tiers[tier] for tier in frozen))
    train_network(network, cross_entropy(network), tensors(BRIGHT), epochs, seed=seed, batch=32, rate=1e-2)
    return network


def weights(network):
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


def test_training_learns_what_is_there_to_learn():
    torch.manual_seed(0)
    assert accuracy(logits(three_tier(SIZE, 2), BRIGHT.images), LABELS)[-1] < 0.8
    assert accuracy(logits(trained(epochs=12), BRIGHT.images), LABELS)[-1] > 0.95


def test_the_seed_decides():
    assert torch.equal(weights(trained(0)), weights(trained(0)))
    assert not torch.equal(weights(trained(0)), weights(trained(1)))


def test_what_is_frozen_stays_with_its_batch_statistics():
    torch.manual_seed(0)
    fresh = three_tier(SIZE, 2)
    network = trained(frozen=(0,))
    assert torch.equal(weights(network.tiers[0]), weights(fresh.tiers[0]))
    assert not torch.equal(weights(network.tiers[1]), weights(fresh.tiers[1]))


def test_losses_of_exits_are_weighted_and_added():
    scores = torch.randn(2, 5, 3)
    labels = torch.tensor([0, 1, 2, 0, 1])
    loss = cross_entropy(lambda images: scores, (1.0, 0.3))(torch.zeros(5), labels)
    wanted = functional.cross_entropy(scores[0], labels) + 0.3 * functional.cross_entropy(scores[1], labels)
    assert loss.item() == pytest.approx(wanted.item())


def test_every_row_of_all_tensors_is_used_once_per_epoch_and_together():
    seen = []
    network = nn.Linear(1, 1)

    def loss(numbers, doubles):
        assert torch.equal(2 * numbers, doubles)
        seen.extend(numbers.flatten().tolist())
        return network(numbers).sum()

    numbers = torch.arange(10.0)[:, None]
    epochs = []
    train_network(
        network, loss, (numbers, 2 * numbers), 2, batch=5, progress=lambda: epochs.append(len(seen))
    )
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert epochs == [10, 20]


def test_logits_do_not_depend_on_the_batches_they_are_computed_in():
    network = trained()
    whole, parts = (logits(network, BRIGHT.images, batch) for batch in (128, 50))
    assert whole.shape == (1, 128, 2)
    np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_pixels_are_shares_of_white():
    assert pixels(np.array([[[[0, 51, 255]]]], np.uint8)).flatten().tolist() == pytest.approx([0, 0.2, 1])
