"""The shipped catalogue: complete, sourced, and of a sensible size."""

import pytest

from idn_gym.catalog import block_seconds, fixed_seconds, load_catalog
from idn_gym.catalog.schema import Catalog

STATUS = {
    *("published", "measured", "measured_primary", "measured_secondary", "derived", "vendor_spec"),
    *("vendor_tdp", "vendor_mode", "heuristic", "weak", "recalled", "assumption", "not_found"),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_all_groups_ship(catalog):
    kinds = {(model.task, model.kind) for model in catalog.models.values()}
    assert kinds == {
        *(("imagenet", "split"), ("imagenet", "whole"), ("imagenet", "bottleneck"), ("coco", "whole")),
        *(
            (t, kind)
            for t in ("fashion", "digits")
            for kind in ("split", "exits", "bottleneck", "bottleneck+exits")
        ),
        *(("fashion", "whole"), ("digits", "whole")),
    }
    assert sum(model.task == "coco" for model in catalog.models.values()) >= 10


def test_every_number_has_a_source(catalog):
    for model in catalog.models.values():
        spoken_of = " ".join(entry.what for entry in model.provenance)
        for field in ("input", "blocks", "points.accuracy", *(["seconds"] if model.seconds else [])):
            assert field in spoken_of, (model.name, field)
    for device in catalog.devices.values():
        spoken_of = " ".join(entry.what for entry in device.provenance)
        for field in ("memory", "macs_per_second", "active_watts", "idle_watts"):
            assert field in spoken_of, (device.name, field)
    for row in [*catalog.models.values(), *catalog.devices.values()]:
        assert {entry.status for entry in row.provenance} <= STATUS, row.name
    assert all(link.provenance for link in catalog.links.values())


def test_every_model_runs_on_every_device(catalog):
    for model in catalog.models.values():
        for device in catalog.devices.values():
            seconds = block_seconds(model, device)
            assert len(seconds) == len(model.blocks)
            assert min(seconds) > 0
            assert fixed_seconds(model, device) >= 0


def test_cuts_of_classifiers_send_less_and_less(catalog):
    for model in catalog.models.values():
        if model.task == "imagenet":
            sent = [model.input, *(block.output for block in model.blocks)]
            assert sent == sorted(sent, reverse=True)
            assert len(model.blocks) <= 6


def test_a_naive_cut_sends_more_than_the_picture(catalog):
    model = catalog.models["fashion_cnn"]
    assert model.blocks[0].output > model.blocks[1].output > model.input


def test_a_small_board_runs_few_networks_and_more_encoders(catalog):
    board, uplink = catalog.devices["sbc_rpi_zero2w"], catalog.links["lte_uplink"]
    network, encoder = catalog.models["efficientnet_b0"], catalog.models["resnet152_bottlefit"]
    assert 5.5 < 1 / sum(block_seconds(network, board)) < 7
    assert 25 < 1 / block_seconds(encoder, board)[0] < 45
    assert uplink.rate / network.input == pytest.approx(17, abs=0.5)
    assert uplink.rate / encoder.blocks[0].output > 70


def test_published_seconds_agree_with_the_law_they_gave(catalog):
    for name in ("gpu_rtx2070_darknet", "gpu_v100_darknet", "gpu_v100_pytorch"):
        device = catalog.devices[name]
        errors = []
        for model in catalog.models.values():
            for row in model.seconds:
                if row.device == name:
                    law = device.fixed_seconds + model.blocks[0].macs / device.macs_per_second
                    errors.append(abs(law - row.blocks[0]) / row.blocks[0])
        # in sample, so no worse than on rows left out
        assert sorted(errors)[len(errors) // 2] <= device.law_error
