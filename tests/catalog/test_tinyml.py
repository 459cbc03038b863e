"""Networks for microcontrollers: counted right, as fast as published, and held only where they fit."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from experiments.shipped_data.catalog_sources import published, tinyml
from experiments.shipped_data.catalog_sources.facts import facts
from idn_gym.catalog import block_seconds, fixed_seconds, load_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

STATED = facts("tinyml.yaml")["stated"]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "catalog.md"


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.mark.parametrize("name", STATED["macs"])
def test_the_references_have_the_operations_that_hooks_count(name, catalog):
    steps = tinyml.network_steps(name)
    assert [sum(s.dense for s in steps), sum(s.depthwise for s in steps)] == STATED["macs"][name]
    assert sum(block.layers for block in catalog.models[name].blocks) == STATED["layers"][name]
    assert sum(block.macs for block in catalog.models[name].blocks) == sum(STATED["macs"][name])


def test_sizes_agree_with_what_is_published(catalog):
    held = {name: sum(block.weights for block in model.blocks) for name, model in catalog.models.items()}
    for name, kilobytes in STATED["flash_kilobytes"].items():
        assert 0.4 * kilobytes < held[name] / 1e3 <= 1.01 * kilobytes, name  # files hold more than weights
    for name, parameters in STATED["parameters"].items():
        assert held[name] == pytest.approx(parameters, rel=0.02)
    for name, mops in STATED["mops"].items():
        assert sum(block.macs for block in catalog.models[name].blocks) * 2e-6 == pytest.approx(
            mops, rel=0.02
        )
    for name, kilobytes in STATED["sram_kilobytes"].items():
        most = max(block.activations for block in catalog.models[name].blocks)
        assert kilobytes - 40 < most / 1e3 < kilobytes, name  # the runtime needs the rest


def test_tensors_of_a_shortcut_are_alive_meanwhile():
    """A unit of 32 x 32 x 16 holds its input, the map between, and its output."""
    assert max(step.alive for step in tinyml.network_steps("cifar10_resnet20")) == 3 * 32 * 32 * 16
    projected = [step for step in tinyml.network_steps("cifar10_resnet8") if not step.alone]
    assert len(projected) == 5  # 3 first convolutions, and 2 second ones that wait for a projection


def test_laws_and_watts_agree_with_published_figures_within_the_stated_error(catalog):
    errors = defaultdict(list)
    for one in published.compare_published(catalog):
        errors[one.device, "s"].append(abs(one.law))
        if one.energy is not None:
            errors[one.device, "J"].append(abs(one.law_energy))
            assert abs(one.energy) < (0.35 if "gap9" in one.device else 0.2), one
    assert len(errors) == 8 + 7
    for (device, _), found in errors.items():
        assert len(found) >= 3
        assert np.median(found) <= catalog.devices[device].law_error, device
    worst = {
        row["id"]: row["simple_law"]["max_rel_err"] for row in facts("device_profiles.yaml")["profiles"][:9]
    }
    for (device, unit), found in errors.items():
        if unit == "s":
            assert max(found) == pytest.approx(worst[device], abs=2e-3), device


def test_the_references_take_the_published_seconds(catalog):
    counted = facts("tinyml.yaml")["counted"]
    rows = {row["id"]: row for row in facts("device_profiles.yaml")["profiles"]}
    found = 0
    for name, facts_of in counted.items():
        model = catalog.models[name]
        for device in catalog.devices.values():
            bench = rows.get(device.name, {}).get("bench_ms", {}).get(facts_of.get("bench"))
            if bench is not None and rows[device.name]["model_set"] == "mlperf_tiny":
                assert sum(block_seconds(model, device)) * 1e3 == pytest.approx(bench, rel=1e-4)
                assert fixed_seconds(model, device) == 0.0
                found += 1
    assert found == 8 * 4 - 1  # NDP9120 has no figure for anomaly detection


def test_the_page_shows_what_the_command_prints(catalog):
    page = PAGE.read_text(encoding="utf-8")
    for line in published.published_lines(catalog):
        assert line.rstrip() in page


def village(device="mcu_m4_stm32l4r5", **sensor):
    return {
        "name": "village",
        "tasks": [
            {"name": "see", "models": ["vww_mobilenetv1", "vww_mcunet_5fps", "vww_mcunet_320kb"]},
            {"name": "hear", "models": ["machine_autoencoder", "machine_micronet_l"]},
        ],
        "topology": {
            "kind": "explicit",
            "nodes": [
                {"name": "sensor", "device": device, "tier": "sensor", "demand": 1.0, **sensor},
                {"name": "gateway", "device": "sbc_rpi4", "tier": "gateway", "pins": ["all"]},
            ],
            "links": [{"source": "sensor", "target": "gateway", "link": "ble_1m"}],
        },
        "workload": {"rate": 0.001},
        "action": "scores",
    }


def placeable(scenario):
    """Models that the sensor can hold whole."""
    compiled = compile_scenario(load_scenario(scenario))
    tables, sensor = compiled.tables, compiled.names.nodes.index("sensor")
    whole = tables.segment_last - tables.segment_first == tables.model_blocks[tables.segment_model]
    return {compiled.names.segments[s] for s in np.flatnonzero(compiled.placeable[sensor] & whole)}


@pytest.mark.parametrize(
    "device, without",
    [
        ("mcu_m4_stm32l4r5", set()),  # 640 KB
        ("mcu_m33_stm32u385", {"vww_mcunet_320kb", "machine_micronet_l"}),  # 256 KB
        ("sbc_rpi4", set()),  # one memory for all
    ],
)
def test_activations_must_fit_into_ram(device, without, catalog):
    names = {
        "vww_mobilenetv1",
        "vww_mcunet_5fps",
        "vww_mcunet_320kb",
        "machine_autoencoder",
        "machine_micronet_l",
    }
    found = placeable(village(device))
    assert found == names - without


def test_a_pin_whose_activations_do_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"topology.nodes.sensor.pins: 'machine_micronet_l' is not allowed"):
        compile_scenario(load_scenario(village("mcu_m33_stm32u385", pins=["machine_micronet_l"])))


def test_weights_must_fit_into_flash():
    assert placeable(village(memory=300e3)) == {"vww_mobilenetv1", "machine_autoencoder"}
