"""Memory and rates of a whole network, scaled at once."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

SCALES = {"topology.memory_scale": 0.5, "topology.rate_scale": 4.0}


@pytest.mark.parametrize("preset", ["edge-small", "isp-hierarchy", "metro-split"])
def test_every_kind_of_topology_scales(preset):
    small = {"horizon": 2}
    plain, scaled = (load_scenario(preset, small | changes) for changes in ({}, SCALES))
    one, other = compile_scenario(plain).tables, compile_scenario(scaled).tables
    repository = ~compile_scenario(plain).node_moves
    assert 0 < repository.sum() < len(repository)
    np.testing.assert_array_equal(
        other.node_memory, np.where(repository, one.node_memory, 0.5 * one.node_memory)
    )
    np.testing.assert_array_equal(other.link_rate, 4.0 * one.link_rate)
    np.testing.assert_array_equal(other.link_down_rate, 4.0 * one.link_down_rate)
    np.testing.assert_array_equal(other.link_delay, one.link_delay)
    np.testing.assert_array_equal(other.node_seconds, one.node_seconds)
    drawn, before = build_instance(scaled, 0).draw, build_instance(plain, 0).draw
    np.testing.assert_allclose(drawn.rate, 4.0 * before.rate)
    np.testing.assert_array_equal(drawn.demand, before.demand)


def test_values_that_are_set_scale_like_those_of_the_catalogue(make_scenario):
    nodes = {"edge": {"demand": 1.0, "memory": 60.0}, "cloud": {"pins": ["all"], "memory": 500.0}}
    link = {"rate": 8.0, "down_rate": 2.0}
    models = {"m": {"blocks": [(1.0, 10.0, 0.0)]}}
    tables = compile_scenario(make_scenario(nodes, [("edge", "cloud", link)], models, SCALES)).tables
    assert tables.node_memory.tolist() == [30.0, 500.0]
    assert tables.link_rate.tolist() == [32.0] and tables.link_down_rate.tolist() == [8.0]


@pytest.mark.parametrize("key", SCALES)
@pytest.mark.parametrize("value", [0.0, -1.0, 1e7])
def test_scales_are_positive_factors(key, value):
    with pytest.raises(ConfigError, match=rf"^{key}: .* is not allowed; must be "):
        load_scenario("tiny", {key: value})


def test_a_file_of_rates_is_not_scaled(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("time,device\n0,3000000\n")
    scenario = load_scenario("edge-small", {**SCALES, "dynamics.link": {"kind": "file", "path": str(path)}})
    compiled, draw = compile_scenario(scenario), build_instance(scenario, 0).draw
    named = np.array([names[2] == "device" for names in compiled.names.of_links])
    assert (draw.rate[0][:, named] == 3e6).all()
    np.testing.assert_array_equal(draw.rate[0, 0, ~named], compiled.tables.link_rate[~named])
