import io

import numpy as np
import pytest
import torch
from PIL import Image

from idn_gym.lab.networks.chain import Size, three_tier
from idn_gym.lab.training import codecs
from idn_gym.lab.training.data import Data, Pictures
from idn_gym.lab.training.loop import cross_entropy, tensors, train_network

RNG = np.random.default_rng(0)


def part(pictures):
    """Dark and bright pictures with some noise."""
    labels = RNG.integers(0, 2, pictures)
    images = RNG.integers(0, 40, (pictures, 1, 8, 8)) + 180 * labels[:, None, None, None]
    return Pictures(images.astype(np.uint8), labels)


@pytest.fixture(scope="module")
def data():
    return Data("bright", 2, part(128), part(64), part(64))


@pytest.fixture(scope="module")
def network(data):
    torch.manual_seed(0)
    network = three_tier(Size((2, 3, 4), 3, 1), 2)
    train_network(network, cross_entropy(network), tensors(data.train), 12, batch=32, rate=1e-2)
    return network


def test_sizes_are_those_of_whole_files(data):
    images = data.test.images
    file = io.BytesIO()
    Image.fromarray(images[3, 0]).save(file, "PNG", optimize=True)
    assert codecs.png_bytes(images)[3] == len(file.getvalue())
    assert np.array_equal(np.asarray(Image.open(file)), images[3, 0])


def test_optimised_jpeg_is_smaller_and_the_same_picture(data):
    plain, optimised = (codecs.jpeg(data.test.images, 50, optimize) for optimize in (False, True))
    assert (plain[0] == optimised[0]).all() and (plain[1] > optimised[1]).all()


def test_better_jpeg_is_larger_and_nearer_the_picture(data):
    found = [codecs.jpeg(data.test.images, quality) for quality in (5, 50, 95)]
    sizes = [sizes.mean() for _, sizes in found]
    errors = [np.abs(images - data.test.images.astype(int)).mean() for images, _ in found]
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True) and errors[-1] < 5
    assert found[0][0].shape == data.test.images.shape and found[0][0].dtype == np.uint8


def test_pictures_that_lose_nothing_are_answered_alike(network, data):
    sent = {row.name: row for row in codecs.send_pictures(network, data)}
    both = [f"jpeg{quality}{end}" for quality in codecs.QUALITIES for end in ("", "-optimised")]
    assert list(sent) == ["raw", "png", *both]
    for plain, optimised in zip(both[::2], both[1::2], strict=True):
        assert sent[plain].payload > sent[optimised].payload
        assert sent[plain].accuracy == sent[optimised].accuracy
    assert sent["raw"].payload == 64 and sent["raw"].accuracy == sent["png"].accuracy > 0.95


def test_plain_cuts_send_whole_maps_and_keep_their_answers_at_8_bits(network, data):
    whole = codecs.send_pictures(network, data)[0].accuracy
    cuts = [codecs.cut_chain(network, after, data) for after in (1, 2)]
    assert [(cut.name, cut.payload) for cut in cuts] == [("cut1-int8", 2 * 64), ("cut2-int8", 3 * 16)]
    assert [cut.accuracy for cut in cuts] == pytest.approx([whole, whole], abs=0.02)
    assert codecs.cut_chain(network, 1, data, bits=2).payload == 32
    assert not any("Quantizer" in type(module).__name__ for module in network.modules())
