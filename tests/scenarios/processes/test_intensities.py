import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import ConstantCarbon, DailyCarbon, DailyPrice, Region
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.intensities import draw_constant, draw_days
from tests.end_to_end import by_law

NAMES = (("a", "edge"), ("b", "edge"), ("c", "hub"), ("far", "cloud"))


def days(process, horizon=200_000, seed=0):
    return by_law(draw_days, NAMES)(process, len(NAMES), horizon, np.random.default_rng(seed))


def test_regions_are_named_by_node_or_tier():
    process = ConstantCarbon(
        300.0, (Region(("far",), mean=50.0), Region(("edge",), mean=400.0), Region(("hub",)))
    )
    drawn = by_law(draw_constant, NAMES)(process, 4, 3, np.random.default_rng(0))
    assert drawn.tolist() == [[400.0, 400.0, 300.0, 50.0]] * 3


def test_days_have_their_mean_shape_and_noise():
    process = DailyCarbon(mean=300.0, amplitude=0.5, period=40.0, sigma=0.2, memory=0.9)
    drawn = days(process)
    by_hour = drawn[:, 0].reshape(-1, 40).mean(axis=0)
    expected = 300.0 * (1 + 0.5 * np.sin(2 * np.pi * np.arange(40) / 40))
    assert by_hour == pytest.approx(expected, rel=0.03)
    noise = np.log(drawn[:, 0].reshape(-1, 40) / expected).ravel()
    assert noise.std() == pytest.approx(0.2, rel=0.05)
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(0.9, abs=0.01)


def test_a_region_has_a_day_and_noise_of_its_own_that_its_nodes_share():
    plain = days(DailyPrice(), 500)
    assert (plain == plain[:, :1]).all()  # one grid
    process = DailyPrice(regions=(Region(("hub", "far"), mean=0.1, phase=0.5),))
    drawn = days(process, 500)
    np.testing.assert_array_equal(drawn[:, :2], plain[:, :2])  # the others stay as they were
    np.testing.assert_array_equal(drawn[:, 2], drawn[:, 3])
    quiet = days(DailyPrice(sigma=0.0, regions=process.regions), 144)
    assert quiet[:, 2] == pytest.approx(0.5 * np.roll(quiet[:, 0], 72))
    noise = np.log(drawn[:, [0, 2]] / quiet[np.arange(500) % 144][:, [0, 2]])
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.5


def test_links_count_at_the_node_that_sends():
    compiled = compile_scenario(load_scenario("edge-small"))
    tables, names = compiled.tables, compiled.names
    crossed = sorted({int(e) for e in tables.path_link if e >= 0})
    for e in crossed:
        assert names.nodes[compiled.link_ends[e, 0]] == names.links[e].split("->")[0]
    assert len(crossed) > 3


WITH = {"objectives": ["accuracy", "latency", "carbon"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"carbon.mean": -1}, r"dynamics\.carbon\.mean: -1\.0 is not allowed; must be at least 0"),
        ({"carbon.kind": "weekly"}, r"dynamics\.carbon\.kind: 'weekly' is not allowed; .*daily"),
        ({"carbon": {"regions": [{"nodes": []}]}}, r"dynamics\.carbon\.regions\.0\.nodes: .*at least one"),
        (
            {"carbon": {"regions": [{"nodes": ["clod"]}]}},
            r"dynamics\.carbon\.regions\.0\.nodes: 'clod' is no node or tier; .*cloud",
        ),
        (
            {"carbon": {"regions": [{"nodes": ["cloud"]}, {"nodes": ["cloud"]}]}},
            r"dynamics\.carbon\.regions\.1\.nodes: 'cloud' is already in a region above",
        ),
        ({"carbon": {"kind": "file"}}, r"dynamics\.carbon\.path: missing"),
        (
            {"carbon": {"kind": "file", "path": "gone.csv", "repeat": False, "random_start": True}},
            r"dynamics\.carbon\.random_start: true is not allowed",
        ),
        ({"carbon": {"kind": "file", "path": "gone.csv"}}, r"dynamics\.carbon\.path: .*cannot be read"),
        ({"energy_price.mean": 1e40}, r"dynamics\.energy_price\.mean: 1e\+40 is not allowed"),
        ({"carbon.mean": 1e24}, None),
    ],
)
def test_what_is_wrong_is_said_by_its_key(changes, message):
    overrides = {**WITH, **{f"dynamics.{key}": value for key, value in changes.items()}}
    if message is None:
        compile_scenario(load_scenario("tiny", overrides))
        return
    with pytest.raises(ConfigError, match=message):
        compile_scenario(load_scenario("tiny", overrides))


@pytest.mark.parametrize("family", ["energy_price", "carbon"])
def test_regions_are_looked_up_though_nobody_asks_for_their_objective(family):
    with pytest.raises(
        ConfigError, match=rf"dynamics\.{family}\.regions\.0\.nodes: 'clod' is no node or tier"
    ):
        compile_scenario(load_scenario("tiny", {f"dynamics.{family}": {"regions": [{"nodes": ["clod"]}]}}))
