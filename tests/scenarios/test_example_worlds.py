"""Scenarios that ship with traces and schedules: what they say happens."""

import numpy as np
import pytest

from experiments.shipped_data.synthetic_traces import FOLDER, TRACES
from idn_gym.env import IDNEnv
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


@pytest.mark.parametrize("name", TRACES)
def test_shipped_traces_are_what_their_command_writes(name):
    assert (FOLDER / name).read_text() == TRACES[name]()


def test_an_edge_server_fails_and_returns():
    scenario = load_scenario("edge-small-failure")
    names, draw = compile_scenario(scenario).names, build_instance(scenario, 0, "test").draw
    slots = np.arange(scenario.horizon)
    down = draw.seconds[0, :, names.nodes.index("edge-1")] == 0.0
    np.testing.assert_array_equal(down, (slots >= 40) & (slots <= 60))
    for link in ("board-2->edge-1", "edge-1->cloud"):
        np.testing.assert_array_equal(draw.rate[0, :, names.links.index(link)] == 0.0, down)
    cut = draw.rate[0, :, names.links.index("board-0->edge-0")] == 0.0
    np.testing.assert_array_equal(cut, (slots >= 80) & (slots <= 90))
    env = IDNEnv(scenario="edge-small-failure")
    env.reset(seed=0)
    served = []
    for _ in slots[:45]:
        *_, info = env.step(env.action_space.sample() * 0)
        served.append(info["drop_rate"])
    assert min(served[40:]) > max(served[:40])  # two of four boards are cut off


def test_each_uplink_follows_the_log_from_a_time_of_its_own():
    scenario = load_scenario("edge-small-5g", {"horizon": 60})
    compiled = compile_scenario(scenario)
    uplinks = build_instance(scenario, 0).draw.rate[0][:, compiled.link_moves]
    assert uplinks.shape[1] == 4 and (np.ptp(uplinks, axis=0) > 0.2 * uplinks.mean(axis=0)).all()
    assert uplinks.mean() == pytest.approx(1e6, rel=0.4)
    assert abs(np.corrcoef(uplinks.T) - np.eye(4)).max() < 0.9


def test_the_grid_of_the_cloud_is_another_one():
    scenario = load_scenario("edge-small-grids")
    compiled, draw = compile_scenario(scenario), build_instance(scenario, 0).draw
    nodes = compiled.names.nodes
    per_joule = draw.charge_second[0, :, :, 0] / compiled.tables.node_watts
    here, there = per_joule[:, nodes.index("edge-0")], per_joule[:, nodes.index("cloud")]
    np.testing.assert_allclose(per_joule[:, nodes.index("board-0")], here)
    assert here.mean() > 2 * there.mean() and np.ptp(there) > 0.0
    assert 15 <= len(np.unique(here.round(12))) <= 50  # a value an hour, and one where hours meet
