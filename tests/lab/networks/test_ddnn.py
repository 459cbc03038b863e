import numpy as np
import pytest
import torch

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.ddnn import DDNN, Devices, aggregate, binary, communication_bytes, quadrants

PARTS = [torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([[-1.0, 0.0]])]
PICTURES = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("filters", "share", "bytes_"), [(1, 0.7018, 14), (2, 0.7368, 16), (4, 0.7076, 21), (8, 0.7135, 30)]
)
def test_the_formula_gives_the_authors_bytes(filters, share, bytes_):
    assert int(communication_bytes(3, share, filters, 64)) == bytes_


def test_a_raw_picture_is_20_times_what_a_device_sends_at_most():
    assert 3 * 32 * 32 / communication_bytes(3, 0, 4, 256) == pytest.approx(21.9, abs=0.05)


def test_quadrants_make_up_the_picture():
    views = quadrants(PICTURES)
    rows = [torch.cat(views[i : i + 2], dim=-1) for i in (0, 2)]
    assert torch.equal(torch.cat(rows, dim=-2), PICTURES)


def test_aggregators_do_what_they_are_called():
    alive = (True, True, True)
    assert aggregate("max", PARTS, alive).tolist() == [[3, 4]]
    assert aggregate("average", PARTS, alive)[0].tolist() == pytest.approx([1, 2 / 3])
    assert aggregate("concat", PARTS, alive).tolist() == [[1, -2, 3, 4, -1, 0]]


def test_a_dead_device_is_left_out_or_is_zeros():
    alive = (True, False, True)
    assert aggregate("max", PARTS, alive).tolist() == [[1, 0]]
    assert aggregate("average", PARTS, alive).tolist() == [[0, -1]]
    assert aggregate("concat", PARTS, alive).tolist() == [[1, -2, 0, 0, -1, 0]]
    with pytest.raises(ConfigError, match="one device at least must answer"):
        aggregate("max", PARTS, (False,) * 3)


def test_features_are_binary_and_gradients_pass_near_zero():
    values = torch.tensor([-3.0, -0.5, 0.0, 0.5, 3.0], requires_grad=True)
    signs = binary(values)
    signs.sum().backward()
    assert signs.tolist() == [-1, -1, 1, 1, 1] and values.grad.tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("local", ["max", "average", "concat"])
@pytest.mark.parametrize("cloud", ["max", "average", "concat"])
def test_all_aggregations_give_two_exits(local, cloud):
    network = DDNN(Devices(local, cloud), 8, 10).eval()
    assert network(PICTURES).shape == (2, 5, 10)


@pytest.mark.parametrize(("blocks", "outputs"), [(1, 49), (2, 16)])
def test_outputs_are_the_cells_of_a_devices_map(blocks, outputs):
    devices = Devices(blocks=blocks)
    assert devices.outputs(28) == outputs
    device = DDNN(devices, 28, 10).devices[0]
    assert device(torch.zeros(2, 1, 14, 14))[0].numel() == devices.filters * outputs


def test_each_device_sees_its_own_quadrant_only():
    torch.manual_seed(0)
    network = DDNN(Devices("concat", "concat"), 8, 10).eval()
    changed = PICTURES.clone()
    changed[..., 4:, 4:] = 1 - changed[..., 4:, 4:]
    with torch.no_grad():
        before, after = network(PICTURES), network(changed)
        network.alive = (True, True, True, False)
        without = network(PICTURES), network(changed)
    assert not torch.equal(before, after)
    np.testing.assert_array_equal(*without)
    assert not torch.equal(before, without[0])
