"""Scenarios that are too large are refused before anything is built; the estimate is what gets built."""

import pytest

from idn_gym.catalog.reader import load_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario, sizes
from idn_gym.scenarios.compile import routes as network
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import QUICK_PRESETS

CHAIN = {
    "name": "chain",
    "topology": {
        "kind": "explicit",
        "nodes": [
            *({"name": f"n{i}", "device": "sbc_rpi4", "tier": "x", "demand": 1} for i in range(60)),
            {"name": "end", "device": "sbc_rpi4", "tier": "y", "memory": 1e12, "servers": 9, "pins": ["all"]},
        ],
        "links": [
            {"source": f"n{i}", "target": f"n{i + 1}" if i < 59 else "end", "link": "metro_fibre"}
            for i in range(60)
        ],
    },
    "tasks": [{"name": "one", "models": ["resnet152_bottlefit", "mobilenetv3_small_100"]}],
    "workload": {"rate": 10},
}
TASKS = [{"name": f"t{i}", "models": ["mobilenetv3_small_100"]} for i in range(9_000)]

TOO_LARGE = [
    ("edge-small", {"tasks.0.copies": 100_000}, "tasks.imagenet.copies: 100000"),
    ("edge-small", {"tasks.1.copies": 2**62}, f"tasks.fashion.copies: {2**62}"),
    ("isp-hierarchy", {"tasks.0.copies": 5_000}, "tasks.detect.copies: 5000"),
    ("isp-hierarchy", {"topology.tiers.1.fan_out": 10**9}, r"topology.tiers.1.fan_out: 1000000000"),
    ("isp-hierarchy", {"topology.tiers.4.fan_out": 900}, r"topology: a network of 81\d\d nodes"),
    (CHAIN, {"serving.max_parts": 3}, "serving.max_parts: 3"),
    (CHAIN, {"tasks": TASKS}, "tasks: a list of 9000"),
]


@pytest.mark.parametrize(("scenario", "overrides", "message"), TOO_LARGE, ids=lambda x: str(x)[:40])
def test_what_is_too_large_is_refused_before_anything_is_built(monkeypatch, scenario, overrides, message):
    def build(*_):
        pytest.fail("models, options and tables are being built")

    monkeypatch.setattr("idn_gym.scenarios.compile.compiled.collect_models", build)
    with pytest.raises(ConfigError, match=rf"^{message}"):
        compile_scenario(load_scenario(scenario, overrides))


def test_routes_that_take_minutes_are_refused(monkeypatch):
    """60 nodes in a row: the first search reaches 61 nodes, the second 60, ..."""
    monkeypatch.setattr(network, "MOST_STEPS", 61 + 60)
    with pytest.raises(ConfigError, match=r"^topology: 60 ingress nodes in a network of 61 nodes are not"):
        compile_scenario(load_scenario(CHAIN, {"serving.max_parts": 1}))


def test_tables_that_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(sizes, "MOST_BYTES", 100_000)
    with pytest.raises(
        ConfigError, match=r"^topology: a network of 32 nodes .* tables of 0\.0 GiB \(allowed: "
    ):
        compile_scenario(load_scenario("isp-hierarchy", {"horizon": 99}))


SMALL = [(preset, parts) for preset in ("tiny", "edge-small", "fashion-edge") for parts in (1, 3)]


@pytest.mark.parametrize(("preset", "max_parts"), [*((preset, 2) for preset in QUICK_PRESETS), *SMALL])
def test_the_estimate_is_never_below_what_is_enumerated(preset, max_parts):
    """And exact where every node can hold everything."""
    room = {"topology.tiers.4.memory": 1e12} if preset == "isp-hierarchy" else {}
    scenario = load_scenario(preset, {"serving.max_parts": max_parts, **room})
    compiled = compile_scenario(scenario)
    tables = compiled.tables
    nodes = tables.path_start[tables.class_path + 1] - tables.path_start[tables.class_path]
    listed = sum(task.copies for task in scenario.tasks)
    first = [sum(task.copies for task in scenario.tasks[:k]) for k in range(len(scenario.tasks))]
    lengths = [[((int(row[k]), 0),) for k in first] for row in nodes.reshape(-1, listed)]
    estimate = sizes._options(scenario, load_catalog(()), lengths)
    assert estimate >= len(tables.branch_share) > 0
    assert preset == "fashion-edge" or estimate < 10 * len(tables.branch_share)
    segments = 24 * len(tables.segment_model) * len(tables.node_memory)
    assert sizes._bytes(scenario, load_catalog(()), len(tables.node_memory)) >= segments


@pytest.mark.parametrize("max_parts", [1, 2, 3])
def test_the_estimate_counts_what_routes_share_once(make_scenario, max_parts):
    """Exact where every node can hold everything: routes a-b-e-d, a-c-e-d and a-b-c-e-d."""
    model = {
        "blocks": [(1.0, 1.0, 1.0)] * 2 + [(1.0, 1.0, 0.0)],
        "points": {"p": [(1, 0.5, 0.5), (3, 0.5, 0.5)]},
    }
    nodes = {"a": {"demand": 1.0}, "b": {}, "c": {}, "e": {}, "d": {"pins": ["all"], "servers": float("inf")}}
    links = [("a", "b", {}), ("b", "e", {}), ("a", "c", {"delay": 0.6}), ("c", "e", {"delay": 0.6})]
    links += [("b", "c", {"delay": 0.7}), ("e", "d", {})]
    scenario = make_scenario(
        nodes, links, {"m": model}, {"topology.routes": 3, "serving.max_parts": max_parts}
    )
    tables = compile_scenario(scenario).tables
    assert tables.path_node.tolist() == [0, 1, 3, 4, 0, 2, 3, 4, 0, 1, 2, 3, 4]
    catalog = load_catalog(scenario.catalog)
    spans = [[((4, 0), (4, 1), (5, 2))]]
    assert sizes._options(scenario, catalog, spans) == len(tables.branch_share)


def test_too_many_routes_are_named(make_scenario):
    model = {"blocks": [(1.0, 1.0, 1.0)] * 59 + [(1.0, 1.0, 0.0)]}
    nodes = {f"n{i}": {"demand": float(i == 0)} for i in range(12)}
    nodes["n11"] |= {"pins": ["all"], "servers": float("inf")}
    links = [(f"n{i}", f"n{k}", {}) for i in range(12) for k in range(12) if i != k]
    with pytest.raises(ConfigError, match=r"^topology\.routes: 400 is not allowed; the scenario would have"):
        compile_scenario(
            make_scenario(nodes, links, {"m": model}, {"topology.routes": 400, "serving.max_parts": 3})
        )
