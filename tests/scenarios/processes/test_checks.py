"""What processes name is looked up when a scenario is compiled, all of it in the same way."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Zone
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.named_things import divide, select

NAMES = (("a", "edge"), ("b", "edge"), ("far", "cloud"))


def test_names_mean_things_or_all_that_go_by_them():
    assert select(("b",), NAMES, "key").tolist() == [False, True, False]
    assert select(("edge", "a", "far"), NAMES, "key").tolist() == [True] * 3
    assert select((), NAMES, "key").tolist() == [False] * 3
    with pytest.raises(ConfigError, match=r"^key: 'egde' is no node or tier; .*edge"):
        select(("a", "egde"), NAMES, "key")


def test_a_thing_lies_in_one_zone_at_most():
    assert divide((Zone(("far",)), Zone(("a",))), NAMES, "key").tolist() == [1, -1, 0]
    with pytest.raises(ConfigError, match=r"^key\.1\.nodes: 'a' is already in a region above"):
        divide((Zone(("edge",)), Zone(("a",))), NAMES, "key")


def test_a_link_that_is_named_backwards_or_off_all_routes_is_told_so():
    links = (("a->b", "a", "edge"), ("c->b", "c", "edge"))
    with pytest.raises(ConfigError, match=r"^key: 'b->a' is no link; .* mean 'a->b'\? Links are"):
        select(("b->a",), links, "key", "link")
    with pytest.raises(ConfigError, match=r"^key: 'a->c' is no link; .*no request is routed over"):
        select(("a->c",), links, "key", "link")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dynamics.link", {"kind": "file", "path": "gone.csv"}, r"\.path: .*cannot be read"),
        ("dynamics.link", {"kind": "file", "path": "egde.csv"}, r"\.path: .* has a series 'egde', "),
        ("dynamics.background", {"kind": "file", "path": "gone.csv"}, r"\.path: .*cannot be read"),
        (
            "dynamics.background",
            {"kind": "file", "path": "late.csv"},
            r"\.factor: 1 is not allowed; .* reaches 40 ",
        ),
        ("dynamics.memory", {"kind": "file", "path": "egde.csv"}, r"\.path: .* has a series 'egde', "),
        ("dynamics.outages", {"kind": "file", "path": "egde.csv"}, r"\.path: .* has a series 'egde', "),
        (
            "dynamics.outages",
            {"kind": "scheduled", "failures": [{"node": "egde", "first": 9, "last": 9}]},
            r"\.failures\.0\.node: 'egde' is no node or tier; ",
        ),
        (
            "workload.mobility",
            {"kind": "commute", "homes": ["board-9"], "works": ["board-1"]},
            r"\.homes: 'board-9' is no ingress node, nor a tier with one; ",
        ),
        (
            "workload.diurnal",
            {"regions": [{"nodes": ["board-1"]}, {"nodes": ["cloud"]}]},
            r"\.regions\.1\.nodes: 'cloud' is no ingress node, nor a tier with one; ",
        ),
    ],
)
def test_names_and_files_are_looked_at_when_the_scenario_is_compiled(
    key, value, message, tmp_path, monkeypatch
):
    (tmp_path / "egde.csv").write_text("time,egde\n0,0.5\n")
    (tmp_path / "late.csv").write_text("time,edge-0\n0,0.5\n90000,40\n")  # not in the first slots
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="^" + key.replace(".", r"\.") + message):
        compile_scenario(load_scenario("edge-small", {key: value}))


def test_a_file_that_has_changed_is_looked_at_again(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("time,device\n0,0.5\n")
    scenario = load_scenario(
        "edge-small", {"dynamics.link": {"kind": "file", "path": str(path), "values": "shares"}}
    )
    assert compile_scenario(scenario) is compile_scenario(scenario)
    path.write_text("time,devise\n0,0.5\n")
    with pytest.raises(ConfigError, match="has a series 'devise'"):
        compile_scenario(scenario)


def test_looking_draws_nothing_that_an_episode_draws():
    """The same numbers whether or not what is looked at is compiled again in between."""
    from idn_gym.scenarios.episodes import build_instance

    regions = {"workload.diurnal": {"spread": 0.5, "regions": [{"nodes": ["board-1"], "phase": 0.5}]}}
    scenario = load_scenario("edge-small", {"horizon": 5, **regions})
    first = build_instance(scenario, 7).draw.demand
    compile_scenario.__globals__["_compile_once"].cache_clear()
    np.testing.assert_array_equal(build_instance(scenario, 7).draw.demand, first)


LATE = {
    "workload.flash": {"kind": "crowds", "crowds": [{"at": 9}, {"at": 10}, {}]},
    "dynamics.outages": {"kind": "scheduled", "failures": [{"node": "edge-0", "first": 12, "last": 13}]},
    "dynamics.link_outages": {"kind": "scheduled", "failures": [{"link": "device", "first": 99, "last": 99}]},
}


def test_what_begins_after_the_last_slot_is_named(recwarn):
    compile_scenario(load_scenario("edge-small", {"horizon": 10, "name": "late", **LATE}))
    texts = [str(warning.message) for warning in recwarn]
    for key, slot in (
        ("workload.flash.crowds.1.at", 10),
        ("dynamics.outages.failures.0.first", 12),
        ("dynamics.link_outages.failures.0.first", 99),
    ):
        assert (
            sum(f"{key}: {slot} has no effect; must be at most 9, the last slot" in text for text in texts)
            == 1
        )
    assert len(texts) == 3
    recwarn.clear()
    compile_scenario(load_scenario("edge-small", {"horizon": 100, "name": "late", **LATE}))
    assert not recwarn.list


@pytest.mark.parametrize("kind", ["sessions", "visitors"])
def test_no_more_users_than_a_span_can_be_drawn_for(kind):
    tiers = [
        {"name": "cloud", "device": "gpu_a100_trt_int8", "pins": ["all"]},
        {"name": "site", "device": "sbc_rpi5", "fan_out": 250, "uplink": "wan_cloud"},
    ]
    users = {"workload.popularity": {"kind": kind, "users": 901}}
    scenario = load_scenario("tiny", {"topology": {"kind": "hierarchy", "tiers": tiers}, **users})
    with pytest.raises(
        ConfigError, match=r"^workload\.popularity\.users: 901 is not allowed; must be at most 800 at"
    ):
        compile_scenario(scenario)
