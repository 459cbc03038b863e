"""Four devices that see a part of a picture each: requests for views against a picture worked by hand."""

import numpy as np
import pytest

from idn_gym.catalog import load_catalog
from idn_gym.core.arrays import JOULE, SECOND, Instance
from idn_gym.core.costs import costs
from idn_gym.core.nominal import nominal_draw
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

VIEWS = 4
ROUTE = "device-0", "gateway", "cloud"


@pytest.fixture(scope="module")
def world():
    return compile_scenario(load_scenario("fashion-ddnn"))


def option_of_three_parts(compiled, model, point):
    """The option of the first class whose parts run on device, gateway and cloud."""
    tables, names = compiled.tables, compiled.names
    m = names.models.index(model)
    for o in range(tables.option_start[0], tables.option_start[1]):
        parts = slice(tables.part_start[o], tables.part_start[o + 1])
        nodes = [names.nodes[v] for v in tables.part_node[parts]]
        if nodes == list(ROUTE) and (tables.option_model[o], tables.option_point[o]) == (m, point):
            return o
    raise AssertionError(model)


def price_of_view(compiled, option, component):
    """Latency [s] or energy [J] of a request, as the core prices it."""
    tariff = np.zeros(4)
    tariff[component] = 1.0
    return costs(Instance(compiled.tables, nominal_draw(compiled.tables, tariff)), 0)[0][option]


def picture_by_hand(model, point):
    """Latency [s] and energy [J] of a picture: devices side by side, then gateway and cloud once."""
    catalog = load_catalog()
    entry = catalog.models[model]
    device, gateway, cloud = (
        catalog.devices[name] for name in ("mcu_m7_stm32h7a3", "sbc_rpi_zero2w", "gpu_a100_trt_int8")
    )
    near, far = catalog.links["ble_1m"], catalog.links["wan_cloud"]
    on = sum(exit_.share for exit_ in entry.points[point].exits if exit_.after > 2)
    view, gather, last = entry.blocks

    def seconds(macs, layers, where):
        return where.fixed_seconds + layers * where.layer_seconds + macs / where.macs_per_second

    layers = {"max": 0, "average": 0, "concat": 1}[model.split("-")[1]], 3  # as `torch.export` counts them
    alone = seconds(view.macs, view.layers, device)
    together = seconds(VIEWS * gather.macs, layers[0], gateway)
    final = seconds(VIEWS * last.macs, layers[1], cloud)
    sent, features = view.output, VIEWS * gather.output
    latency = (
        alone + near.delay + sent / near.rate + together + on * (far.delay + features / far.rate + final)
    )
    energy = VIEWS * (alone * device.active_watts + sent * near.energy) + together * gateway.active_watts
    energy += on * (features * far.energy + final * cloud.active_watts)
    return latency, energy


@pytest.mark.parametrize(
    ("model", "slow", "dear"),
    [("fashion_lab_ddnn-max-concat", 6e-5, 0.22), ("fashion_lab_ddnn-concat-concat", 1e-6, 2.66)],
)
def test_a_view_takes_as_long_as_its_picture_and_energy_adds_up_but_for_layers(world, model, slow, dear):
    """What views share is counted to a quarter, layers rounded up: too fast by microseconds, too dear."""
    option = option_of_three_parts(world, model, 0)
    latency, energy = picture_by_hand(model, 0)
    assert price_of_view(world, option, SECOND) == pytest.approx(latency, rel=slow)
    views = VIEWS * price_of_view(world, option, JOULE)
    assert energy * (1 - 1e-9) <= views <= (1 + dear) * energy


def test_no_device_does_what_needs_all_views(world):
    """A device has room for its own part, and not for that and the gateway's."""
    tables, names = world.tables, world.names
    device = names.nodes.index("device-0")
    whole = tables.segment_last - tables.segment_first > 1
    assert not (world.placeable[device] & (tables.segment_first == 0) & whole).any()
    assert (world.placeable[device] & (tables.segment_first == 0)).sum() == 10


def test_four_views_are_the_bytes_of_a_picture():
    found = {name: entry for name, entry in load_catalog().models.items() if "_ddnn-" in name}
    assert len(found) == 15
    for entry in found.values():
        assert VIEWS * entry.input in (784.0, 64.0)
        assert entry.blocks[1].weights >= 8192.0
