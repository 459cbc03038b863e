from statistics import NormalDist

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import ConstantHarvest, HarvestFile, Sky, SolarHarvest
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.harvest import clear_sky, cloud_cover, draw_harvest
from idn_gym.scenarios.processes.random_streams import Streams
from idn_gym.scenarios.spans import SPAN_SLOTS, SpanDrawer, draw_end_to_end, walk_spans

NAMES = (("a", "field"), ("b", "field"), ("c", "hub"), ("far", "cloud"))
DAY = 144


def harvest(process, horizon=200 * DAY, seed=0, slot_seconds=600.0):
    """Joules (horizon, 4), drawn by the way in that batteries take."""
    rng = np.random.default_rng(seed)

    def draw(drawer):
        return draw_harvest(process, len(NAMES), drawer, NAMES)

    return draw_end_to_end(draw, horizon=horizon, rng=rng, slot_seconds=slot_seconds)


def test_nothing_is_harvested_where_nothing_is_set():
    assert not harvest(None, 300).any()


def test_a_constant_power_comes_to_joules_by_region():
    process = ConstantHarvest(0.02, (Sky(("field",), watts=0.5), Sky(("far",), watts=0.0)))
    assert harvest(process, 300, slot_seconds=60.0)[[0, 299]].tolist() == [[30.0, 30.0, 1.2, 0.0]] * 2


def test_a_clear_day_is_that_of_the_model():
    """At the equator on an equinox the sun passes overhead: 1098 exp(-0.059) W/m2, and 0 for half the day."""
    turns = np.linspace(0.0, 1.0, 100_001)
    sky = clear_sky(turns, 0.0, 81.0)  # Cooper's declination is 0 on day 81
    assert sky.max() == pytest.approx(1.098 * np.exp(-0.059), rel=1e-4)
    assert turns[sky.argmax()] == pytest.approx(0.25, abs=1e-3)
    assert (sky > 0.0).mean() == pytest.approx(0.5, abs=0.02)
    # day length by arccos(-tan latitude tan declination), and the sun that never rises
    north = clear_sky(turns, 45.0, 172.0)
    assert (north > 0.0).mean() == pytest.approx(np.arccos(-np.tan(np.radians(23.45))) / np.pi, abs=0.01)
    assert not clear_sky(turns, 80.0, 355.0).any() and clear_sky(turns, 80.0, 172.0).min() > 0.0


def test_a_slot_gets_the_mean_of_the_sun_over_it():
    fine = harvest(SolarHarvest(cover=0.0, period=48.0 * DAY), 48 * DAY, slot_seconds=600.0 / 48)
    for slots in (DAY, 24):
        coarse = harvest(SolarHarvest(cover=0.0, period=slots), slots, slot_seconds=86400.0 / slots)
        assert coarse[:, 0] == pytest.approx(fine[:, 0].reshape(slots, -1).sum(axis=1), rel=0.02, abs=2.0)
        assert coarse[: slots // 2].min() > 0.0 and not coarse[slots // 2 + 1 :].any()  # day 80: an equinox


def test_clouds_take_their_share_on_average_and_last():
    process = SolarHarvest(cover=0.6, spread=1.5, memory=0.9)
    drawn, clear = harvest(process)[:, 0], harvest(SolarHarvest(cover=0.0), DAY)[:, 0]
    noon = drawn.reshape(-1, DAY)[:, 6:66] / clear[6:66]
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    cover = cloud_cover(nodes, 0.6, 1.5)
    mean = weights @ cover / weights.sum()
    assert mean == pytest.approx(0.6, abs=1e-3)
    assert noon.mean() == pytest.approx(weights @ (1 - 0.75 * cover**3.4) / weights.sum(), rel=0.02)
    assert noon.min() == pytest.approx(0.25, abs=0.01) and noon.max() == pytest.approx(1.0, abs=0.01)
    shares = np.clip((1.0 - noon) / 0.75, 0.0, 1.0) ** (1 / 3.4)
    assert shares.mean() == pytest.approx(0.6, abs=0.02)
    chain = np.vectorize(nodes_of(0.6, 1.5))(np.clip(shares, 1e-6, 1 - 1e-6))
    for lag in (1, 10):
        assert np.mean(chain[:, lag:] * chain[:, :-lag]) == pytest.approx(0.9**lag, abs=0.05)


def nodes_of(mean, spread):
    """The inverse of `cloud_cover`."""
    normal = NormalDist()
    middle = np.sqrt(1 + spread**2) * normal.inv_cdf(mean)
    return lambda share: (normal.inv_cdf(share) - middle) / spread


def test_who_is_under_the_same_clouds():
    regions = (Sky(("hub", "far"), phase=0.5, watts=2.0),)
    together, each = (
        harvest(SolarHarvest(regions=regions, clouds=clouds), 40 * DAY) for clouds in ("region", "node")
    )
    np.testing.assert_array_equal(together[:, 0], together[:, 1])
    np.testing.assert_array_equal(together[:, 2], together[:, 3])
    np.testing.assert_array_equal(together[:, 0], each[:, 0])  # a region has its first node's clouds
    assert (each[:, 0] != each[:, 1]).any()
    one = harvest(SolarHarvest(regions=regions, clouds="network", memory=0.0), 40 * DAY)
    clear = harvest(SolarHarvest(regions=regions, cover=0.0), 40 * DAY)
    assert clear[:, 2] == pytest.approx(4.0 * np.roll(clear[:, 0], DAY // 2), rel=1e-9, abs=1e-9)
    lit = (clear > 1e-3).all(axis=1)
    assert one[lit, 2] / clear[lit, 2] == pytest.approx(one[lit, 0] / clear[lit, 0], rel=1e-9)
    assert not lit.all()


def test_a_span_is_drawn_again_from_the_state_before():
    process, horizon = SolarHarvest(clouds="node"), 3 * SPAN_SLOTS
    chains, drawn = [{}], []
    for drawer in walk_spans(horizon, 600.0, Streams(np.random.default_rng(0))):
        drawn.append(draw_harvest(process, len(NAMES), drawer, NAMES))
        chains.append(drawer.chains)
    for number in (2, 0, 1):
        alone = SpanDrawer(number, horizon, 600.0, Streams(np.random.default_rng(0)), chains[number])
        np.testing.assert_array_equal(draw_harvest(process, len(NAMES), alone, NAMES), drawn[number])


def test_clouds_go_on_from_span_to_span():
    """Where the sun never sets, slow clouds leave no jumps, not at the ends of spans either."""
    slow = SolarHarvest(latitude=80.0, day=172.0, memory=0.99999)
    drawn = harvest(slow, 20 * SPAN_SLOTS)[:, 0]
    assert np.abs(np.diff(drawn)).max() < 0.05 * drawn.max() and drawn.min() < 0.7 * drawn.max()


def test_a_file_says_watts_by_node_or_tier(tmp_path):
    path = tmp_path / "sun.csv"
    path.write_text("time,what,which,value\n0,harvest,field,100\n0,carbon,field,9\n1200,harvest,field,300\n")
    drawn = harvest(HarvestFile(str(path), factor=0.001), 4)
    assert drawn == pytest.approx(np.array([[60.0] * 2 + [0.0] * 2] * 2 + [[180.0] * 2 + [0.0] * 2] * 2))


@pytest.mark.parametrize(
    "value, wrong",
    [
        ({"kind": "solar", "regions": [{"nodes": ["moon"]}]}, "moon"),
        ({"kind": "constant", "regions": [{"nodes": ["moon"]}]}, "moon"),
        ({"kind": "solar", "latitude": 91}, "latitude"),
        ({"kind": "solar", "cover": 1.1}, "cover"),
        ({"kind": "solar", "clouds": "cell"}, "clouds"),
        ({"kind": "wind"}, "wind"),
        ({"kind": "file", "path": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_what_cannot_be_is_refused_when_the_scenario_is_compiled(value, wrong):
    with pytest.raises(ConfigError, match=wrong):
        compile_scenario(load_scenario("tiny", {"dynamics.harvest": value}))


def test_harvesting_changes_no_other_draw():
    moving = {"dynamics.link.kind": "ar1", "dynamics.background": True}
    plain, with_sun = (
        build_instance(load_scenario("tiny", {**moving, **more}), 3).draw
        for more in ({}, {"dynamics.harvest": True})
    )
    assert all(map(np.array_equal, plain, with_sun, [True] * len(plain)))
