"""Scheduled failures of links that all routes of a request class cross."""

import math

import pytest

from idn_gym.commands.cut_off import cut_off_lines
from idn_gym.commands.show import scenario_summary
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

DEVICE = "sbc_rpi4"
NODES = [
    {"name": name, "device": DEVICE, "tier": "edge", "memory": 5e7, "demand": float(name in "ab")}
    for name in ("a", "b", "c", "d")
] + [{"name": "cloud", "device": "gpu_t4_trt_int8", "tier": "cloud", "pins": ["all"], "servers": math.inf}]
ENDS = ["a->b", "b->cloud", "a->c", "c->b", "a->d", "d->cloud", "b->d"]
"""From a, the two shortest routes end in b->cloud; the third one, over d, is long."""


def played(routes, *failures):
    links = [
        {
            "source": source,
            "target": target,
            "link": "metro_fibre",
            "delay": 0.5 if "d" in (source, target) else 0.01,
        }
        for source, target in (ends.split("->") for ends in ENDS)
    ]
    topology = {"kind": "explicit", "nodes": NODES, "links": links, "routes": routes}
    outages = {"kind": "scheduled", "failures": [{"link": link, "first": 2, "last": 4} for link in failures]}
    changes = {"topology": topology, "dynamics.link_outages": outages, "horizon": 8}
    return compile_scenario(load_scenario("tiny", changes))


def test_a_failure_that_all_routes_share_is_named():
    compiled = played(2, "b->cloud")
    (line,) = cut_off_lines(compiled)
    task = compiled.scenario.tasks[0].name
    assert line.startswith(f"warning: all 2 routes of {task} at a")
    assert "cross b->cloud, which fails in slots 2 to 4" in line
    assert scenario_summary(compiled).endswith(line)


@pytest.mark.parametrize(
    ("routes", "failures"),
    [
        (3, ["b->cloud"]),  # the third way is open
        (2, ["a->b"]),  # the second one
        (1, ["b->cloud"]),  # nothing else is expected of one route
        (2, ["a->d"]),  # on no route
        (2, []),
    ],
)
def test_where_a_way_is_left_nothing_is_said(routes, failures):
    assert not list(cut_off_lines(played(routes, *failures)))


def test_a_node_that_fails_takes_all_its_uplinks():
    lines = list(cut_off_lines(played(3, "b", "a")))
    assert [line.partition(" at ")[2][0] for line in lines] == ["b", "a"]  # from a, the way over d is left
