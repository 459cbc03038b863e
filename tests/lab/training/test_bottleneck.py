import numpy as np
import pytest
import torch

from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.lab.networks.chain import Size, three_tier
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.training import bottleneck
from idn_gym.lab.training.bottleneck import Latent, squeezed
from idn_gym.lab.training.loop import logits, pixels

SMALL = Size((2, 3, 4), 3, 1)
PICTURES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
LATENT = Latent(2)


def student(early=False, latent=LATENT):
    torch.manual_seed(1)
    return squeezed(latent, SMALL, 8, 3, early)


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return three_tier(SMALL, 3).eval()


@pytest.mark.parametrize(
    ("latent", "shape", "payload"),
    [
        (Latent(1, 4), (1, 7, 7), 25),
        (Latent(3), (3, 7, 7), 147),
        (Latent(6), (6, 7, 7), 294),
        (Latent(6, 8, 4), (6, 4, 4), 96),
    ],
)
def test_the_latent_is_as_large_as_it_says(latent, shape, payload):
    network = squeezed(latent, Size(), 28, 10, False).eval()
    maps = network.maps(torch.zeros(1, 1, 28, 28))
    assert tuple(maps[0].shape[1:]) == latent.shape(Size(), 28) == shape
    assert latent.payload(Size(), 28) == payload
    # the decoder gives what the second tier gave
    assert tuple(maps[1].shape[1:]) == (32, 7, 7)


def test_the_encoder_costs_what_was_recorded():
    picture = torch.zeros(1, 1, 28, 28)
    encoders = [squeezed(Latent(c), Size(), 28, 10, False).tiers[0] for c in (1, 6)]
    costs = [trace(encoder, picture).macs for encoder in encoders]
    assert costs == pytest.approx([35.0e3, 71.0e3], rel=0.01)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_what_arrives_as_bytes_is_answered_like_what_is_not_sent(bits):
    latent = Latent(2, bits)
    images = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8)).astype(np.uint8)
    network = student(latent=latent)
    for _ in range(40):  # until the batch statistics and the quantiser's range have settled
        network(pixels(images))
    sent = bottleneck.encode(network, images)
    assert sent.shape == (6, latent.payload(SMALL, 8)) and len(np.unique(sent, axis=0)) > 1
    answers = bottleneck.decode(network, sent, latent.shape(SMALL, 8))
    np.testing.assert_allclose(answers, logits(network, images)[-1], atol=1e-6)


def test_an_early_label_is_the_first_exit():
    assert student(early=True).after == (1, 3) and student().after == (3,)
    assert student(early=True)(PICTURES).shape == (2, 6, 3)


def test_targets_are_the_teachers_maps_and_logits(teacher):
    middle, last, scores = bottleneck.targets(teacher, PICTURES, batch=4)
    maps = teacher.maps(PICTURES)
    torch.testing.assert_close(middle.float(), maps[1], atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(last.float(), maps[2], atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(scores, teacher(PICTURES)[-1])


def test_squared_errors_are_summed_over_the_maps_that_a_recipe_matches(teacher):
    network = student().eval()
    _, middle, last = network.maps(PICTURES)
    rows = PICTURES, LABELS, middle + 1, last + 2, teacher(PICTURES)[-1]
    assert bottleneck.match_head(network)(*rows).item() == pytest.approx(middle[0].numel(), rel=1e-4)
    both = middle[0].numel() + 4 * last[0].numel()
    assert bottleneck.match_maps(network)(*rows).item() == pytest.approx(both, rel=1e-4)


def test_distillation_weighs_labels_teacher_and_early_label(teacher):
    network = student(early=True).eval()
    early, remote = (torch.log_softmax(scores, -1) for scores in network(PICTURES))
    taught = torch.log_softmax(teacher(PICTURES)[-1], -1)
    rows = PICTURES, LABELS, torch.empty(0), torch.empty(0), teacher(PICTURES)[-1]
    pick = torch.arange(6), LABELS
    divergence = (taught.exp() * (taught - remote)).sum(-1).mean()
    wanted = -0.25 * remote[pick].mean() + 0.75 * divergence - 2 * early[pick].mean()
    assert bottleneck.distil(network, 0.25, 2.0)(*rows).item() == pytest.approx(wanted.item(), rel=1e-4)
    assert bottleneck.distil(network, 0.0)(*rows).item() == pytest.approx(divergence.item(), rel=1e-4)


def test_latents_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="stride: 3 is not allowed; allowed: 2, 4"):
        from_plain(Latent, {"channels": 1, "stride": 3})
