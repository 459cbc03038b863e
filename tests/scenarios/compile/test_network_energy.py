"""What a byte on a fixed network counts."""

import numpy as np
import pytest

from idn_gym.catalog import load_catalog
from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.scenarios.compile.routes import resolve_catalog
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Explicit, Hierarchy

NODES = [
    {"name": "sensor", "device": "mcu_m4_stm32l4r5", "tier": "sensor", "demand": 1.0},
    {"name": "gateway", "device": "sbc_rpi4", "tier": "gateway"},
    {"name": "edge", "device": "server_c5_4xlarge_8t", "tier": "edge"},
    {"name": "cloud", "device": "gpu_a100_trt_int8", "tier": "cloud", "pins": ["all"]},
]
LINKS = [
    {"source": "sensor", "target": "gateway", "link": "ble_1m"},
    {"source": "gateway", "target": "edge", "link": "metro_fibre"},
    {"source": "edge", "target": "cloud", "link": "wan_cloud"},
    {"source": "gateway", "target": "cloud", "link": "wan_cloud", "energy": 1e-6},
]


def joules(**changes):
    topology = from_plain(Explicit, {"kind": "explicit", "nodes": NODES, "links": LINKS, **changes})
    return resolve_catalog(topology, load_catalog()).joules


def test_bytes_on_fixed_networks_count_what_they_add():
    links = load_catalog().links
    radio, metro, wide = links["ble_1m"], links["metro_fibre"], links["wan_cloud"]
    assert joules() == pytest.approx([radio.energy, metro.energy, wide.energy, 1e-6])
    np.testing.assert_array_equal(joules(), joules(network_energy="allocated"))
    assert joules(network_energy="marginal") == pytest.approx(
        [radio.energy, metro.marginal, wide.marginal, 1e-6]
    )
    assert radio.marginal is None and metro.marginal == pytest.approx(0.03 * metro.energy)


def test_topologies_in_short_form_count_the_same():
    tiers = [
        {"name": "cloud", "device": "gpu_a100_trt_int8", "pins": ["all"]},
        {"name": "edge", "device": "server_c5_4xlarge_8t", "uplink": "wan_cloud"},
    ]
    tree = from_plain(Hierarchy, {"kind": "hierarchy", "tiers": tiers, "network_energy": "marginal"})
    wide = load_catalog().links["wan_cloud"]
    assert resolve_catalog(expand(tree), load_catalog()).joules == pytest.approx([wide.marginal])


def test_no_third_way():
    with pytest.raises(ConfigError, match="network_energy"):
        joules(network_energy="average")
