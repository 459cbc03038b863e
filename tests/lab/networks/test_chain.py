import pytest
import torch

from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.lab.networks.chain import Chain, Size, macs_to_exits, three_tier
from idn_gym.lab.networks.exits import branchy
from idn_gym.lab.profiling.graph import trace

PICTURE = torch.zeros(1, 1, 28, 28)


def test_the_default_has_the_recorded_maps_and_operations(macs_by_torch):
    network = three_tier(Size(), 10).eval()
    assert [tuple(values.shape[1:]) for values in network.maps(PICTURE)] == [
        (16, 14, 14),
        (32, 7, 7),
        (64, 7, 7),
    ]
    assert trace(network, PICTURE).macs == macs_to_exits(network, PICTURE)[-1] == 7_304_384
    assert macs_by_torch(network, PICTURE) == 7_304_384


def test_operations_until_an_exit_include_the_heads_on_the_way():
    network = branchy(Size(), 28, 10, (1, 2))
    spent = macs_to_exits(network, PICTURE)
    # .199, 2.86 and 4.52 million MACs per tier with its exit, as recorded for this network
    steps = [spent[0], spent[1] - spent[0], spent[2] - spent[1]]
    assert steps == pytest.approx([0.199e6, 2.86e6, 4.52e6], rel=0.002)
    assert network.after == (1, 2, 3)


def test_counting_leaves_a_network_as_it_was():
    network = three_tier(Size(), 10).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    trace(network, torch.rand(1, 1, 28, 28))
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("stride", [1, 2])
def test_sides_are_those_of_the_maps(stride):
    size = Size((2, 3, 4), 3, stride)
    maps = three_tier(size, 10).maps(torch.zeros(2, 1, 8, 8))
    assert tuple(values.shape[-1] for values in maps) == size.sides(8)


def test_heads_must_be_after_tiers_that_exist():
    with pytest.raises(ConfigError, match=r"heads: after \[1\] is not allowed"):
        Chain([torch.nn.Identity(), torch.nn.Identity()], {1: torch.nn.Identity()})


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"widths": [1, 2]}, "widths: .* must be three"),
        ({"kernel": 4}, "kernel: 4 is not allowed; must be odd"),
        ({"stride": 3}, "stride: 3 is not allowed; must be at most 2"),
    ],
)
def test_sizes_that_cannot_be_are_refused(plain, message):
    with pytest.raises(ConfigError, match=message):
        from_plain(Size, plain)
