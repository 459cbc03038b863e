"""What the script derives from the facts agrees with what the facts state."""

import json

import pytest

from experiments.shipped_data.catalog_sources import fashion, resnet152
from experiments.shipped_data.catalog_sources.facts import FACTS_FOLDER, digits, facts
from experiments.shipped_data.catalog_sources.fit import fit_law, left_out_error
from experiments.shipped_data.catalog_sources.layers import FP32
from idn_gym.catalog import load_catalog
from idn_gym.config_reader import read_yaml
from idn_gym.lab.profiling.cuts import Cut, useful


@pytest.mark.parametrize("name", ["resnet50", "resnet101"])
def test_counting_layers_gives_the_profile(name):
    total = facts("cut_profiles.json")[name]["total"]
    layers = resnet152.network(name)
    assert sum(layer.macs for layer in layers) == total["macs"]
    assert FP32 * sum(layer.weights for layer in layers) == total["param_bytes"]
    assert len(layers) == total["mac_layers"]


def test_resnet152_has_its_published_size():
    macs = sum(layer.macs for layer in resnet152.network("resnet152"))
    assert macs / 1e9 == pytest.approx(11.514, abs=5e-4)


def test_bottleneck_sends_its_channels_and_starts_small():
    encoder, tail = load_catalog().models["resnet152_bottlefit"].blocks
    assert encoder.output == 12 * 29 * 29
    assert encoder.macs / 1e6 == pytest.approx(118.0 + 2.6, abs=0.05)
    assert tail.macs > 80 * encoder.macs


def test_jpeg_is_what_the_compression_implies():
    assert 1 - 10_092 / resnet152.jpeg_bytes() == pytest.approx(0.771, abs=5e-4)


def test_useful_cuts_are_the_pareto_front():
    for profile in facts("cut_profiles.json").values():
        cuts = profile["cuts"]
        points = [(0, resnet152.jpeg_bytes())] + [(c["macs_before"], c["elements"]) for c in cuts[1:-1]]
        front = {
            p
            for i, p in enumerate(points)
            if not any(q[0] <= p[0] and q[1] <= p[1] and (q != p or j < i) for j, q in enumerate(points))
        }
        kept = useful([Cut(**cut) for cut in cuts], resnet152.jpeg_bytes(), 1)
        assert {(c.macs_before, c.elements) for c in kept} == front - {points[0]}


def test_miniatures_reproduce_the_recorded_counts():
    models, stated = load_catalog().models, facts("fashion.yaml")["stated"]
    baseline = sum(block.macs for block in models["fashion_cnn"].blocks)
    assert digits(baseline, 3) == stated["baseline_macs"]
    tiers = [digits(block.macs, 3) for block in models["fashion_branchy"].blocks]
    assert tiers == stated["exit_tier_macs"]
    for channels, macs in stated["encoder_macs"].items():
        assert digits(sum(layer.macs for layer in fashion.encoder(channels)), 2) == macs
    for payload in stated["payload_bytes"].values():
        assert models[f"fashion_bottleneck_{payload}"].blocks[0].output == payload


def test_operating_points_keep_the_measured_means():
    given = facts("fashion.yaml")
    points = {point.name: point for point in load_catalog().models["fashion_branchy"].points}
    for row in given["front"]:
        assert points[row["name"]].accuracy == pytest.approx(row["accuracy"], abs=1e-12)
    macs = [block.macs for block in load_catalog().models["fashion_branchy"].blocks]
    mean = sum(q * f for q, f in zip(points["balanced"].survival(3), macs, strict=True))
    assert mean / 1e6 == pytest.approx(1.91, abs=0.02)


def test_a_transfer_through_fixed_networks_costs_their_figure_once():
    links, whole = load_catalog().links, facts("device_profiles.yaml")["fixed_network"]
    up_the_tree = 3 * links["metro_fibre"].energy + links["wan_cloud"].energy
    assert up_the_tree == pytest.approx(8e-6 * whole["uj_per_bit"])


def test_fit_recovers_a_law_and_its_error():
    points = [(m, 0.002 + m / 4e12) for m in (1e9, 3e9, 5e9, 4e10)]
    fixed, per_mac = fit_law(points)
    assert (fixed, 1 / per_mac) == pytest.approx((0.002, 4e12))
    assert left_out_error(points) < 1e-9
    assert left_out_error([*points, (2e9, 0.005)]) > 0.01


def test_fit_never_takes_a_negative_fixed_cost():
    fixed, per_mac = fit_law([(1e9, 1e-3), (2e9, 3e-3), (4e9, 8e-3)])
    assert fixed == 0
    assert per_mac > 0


def test_fit_tells_layers_from_operations():
    points = [
        (n, m, 0.001 + 1e-5 * n + m / 1e10) for n, m in ((5, 1e7), (50, 2e7), (20, 9e8), (9, 3e9), (80, 1e8))
    ]
    assert fit_law(points) == pytest.approx((0.001, 1e-5, 1e-10))
    assert left_out_error(points) < 1e-6


def test_fact_files_parse():
    for path in FACTS_FOLDER.glob("*.yaml"):
        assert isinstance(read_yaml(path), dict)
    assert isinstance(json.loads((FACTS_FOLDER / "cut_profiles.json").read_text()), dict)
