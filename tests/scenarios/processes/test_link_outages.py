"""Links that fail and return, while their rates move or not."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import LinkFailure, LinkOutageFile, LinkOutages, ScheduledLinkOutages
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.link_outages import (
    draw_link_outages,
    draw_link_outages_of_file,
    draw_scheduled_links,
)
from tests.end_to_end import by_law

LINKS = (
    ("a->hub", "a", "edge"),
    ("hub->a", "hub", "core"),
    ("b->hub", "b", "edge"),
    ("hub->cloud", "hub", "core"),
)


def down(process, horizon=20, seed=0):
    law = {
        LinkOutages: draw_link_outages,
        ScheduledLinkOutages: draw_scheduled_links,
        LinkOutageFile: draw_link_outages_of_file,
    }[type(process)]
    return by_law(law, LINKS)(process, len(LINKS), horizon, np.random.default_rng(seed))


def test_links_are_down_as_long_and_as_often_as_stated():
    found = down(LinkOutages(mean_up=30, mean_down=5), horizon=40_000)
    assert found.mean() == pytest.approx(5 / 35, abs=0.02)
    ends = (found[:-1] & ~found[1:]).sum()
    assert found[:-1].sum() / ends == pytest.approx(5, rel=0.1)
    assert abs(np.corrcoef(found.T.astype(float)) - np.eye(4)).max() < 0.1


def test_only_those_that_are_named_fail_and_the_rest_of_the_draws_stay():
    every = down(LinkOutages(mean_up=4, mean_down=4))
    some = down(LinkOutages(mean_up=4, mean_down=4, links=("edge", "hub->cloud")))
    np.testing.assert_array_equal(some, every & [True, False, True, True])
    both = down(LinkOutages(mean_up=4, mean_down=4, links=("hub->a",), both=True))
    np.testing.assert_array_equal(both, every[:, [0, 0, 0, 0]] & [True, True, False, False])
    assert every[:, 0].any() and not every[:, 0].all()


def test_failures_are_scheduled_by_link_or_by_whose_uplinks_they_are():
    process = ScheduledLinkOutages(
        (LinkFailure("a->hub", 2, 3), LinkFailure("hub", 5, 5), LinkFailure("edge", 7, 7, both=True))
    )
    expected = np.zeros((20, 4), bool)
    expected[2:4, 0] = expected[5, [1, 3]] = expected[7, :3] = True
    np.testing.assert_array_equal(down(process), expected)
    with pytest.raises(ConfigError, match=r"^last: 3 is not allowed; must be at least first, 4"):
        LinkFailure("a", 4, 3)


def test_a_file_says_when(tmp_path):
    path = tmp_path / "cuts.csv"
    path.write_text("time,a,hub->cloud\n0,0,1\n600,1,0\n1200,0.4,0\n")
    found = down(LinkOutageFile(str(path)), horizon=3)
    assert found.tolist() == [[False, False, False, True], [True, False, False, False], [False] * 4]


RATES = {"horizon": 60, "dynamics.link": {"kind": "ar1"}}


def test_rates_swing_and_fail_at_once():
    """What is up has the rate that it has without outages, and the other way round."""
    fails = {"dynamics.link_outages": {"mean_up": 20, "mean_down": 5}}
    swings = build_instance(load_scenario("edge-small", RATES), 1).draw
    both = build_instance(load_scenario("edge-small", RATES | fails), 1).draw
    alone = build_instance(load_scenario("edge-small", {"horizon": 60} | fails), 1).draw
    np.testing.assert_array_equal(both.rate, np.where(alone.rate == 0.0, 0.0, swings.rate))
    assert (both.rate == 0.0).any() and np.ptp(both.rate[both.rate > 0.0]) > 0.0
    for name in ("demand", "seconds", "memory"):
        np.testing.assert_array_equal(getattr(both, name), getattr(swings, name))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"links": ["edge->board"]}, r"links: 'edge->board' is no link, nor a node or tier with one; "),
        (
            {"kind": "scheduled", "failures": [{"link": "cloud", "first": 0, "last": 1}]},
            r"failures\.0\.link: 'cloud' is no link, nor a node or tier with one; ",
        ),
        ({"kind": "file", "path": "gone.csv"}, r"path: .*cannot be read"),
        ({"mean_up": 0}, r"mean_up: 0\.0 is not allowed; must be at least 1"),
    ],
)
def test_what_is_wrong_is_said_when_the_scenario_is_compiled(value, message):
    with pytest.raises(ConfigError, match=r"^dynamics\.link_outages\." + message):
        compile_scenario(load_scenario("edge-small", {"dynamics.link_outages": value}))
