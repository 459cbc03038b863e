"""What the strict reader is fed: dotted overrides and files."""

import json
from dataclasses import dataclass

import pytest

from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.overrides import override
from idn_gym.scenarios.presets import load_scenario


@dataclass(frozen=True)
class Circle:
    radius: float = 1.0


PLAIN = {
    "shape": {"kind": "circle", "radius": 3.0},
    "others": [{"kind": "circle", "radius": 1.0}, {"kind": "square"}],
    "even": None,
    "name": "a",
}


def test_override_sets_deep_keys_and_leaves_the_rest():
    before = json.dumps(PLAIN)
    after = override(PLAIN, {"shape.radius": 4.0, "others.1.side": 5, "even.value": 2, "new": 1})
    assert after["shape"] == {"kind": "circle", "radius": 4.0}
    assert after["others"] == [{"kind": "circle", "radius": 1.0}, {"kind": "square", "side": 5}]
    assert after["even"] == {"value": 2} and after["new"] == 1 and after["name"] == "a"
    assert json.dumps(PLAIN) == before


def test_another_kind_drops_the_old_parameters_and_the_same_kind_keeps_them():
    assert override(PLAIN, {"shape.kind": "square"})["shape"] == {"kind": "square"}
    assert override(PLAIN, {"shape.kind": "circle"})["shape"] == PLAIN["shape"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_overrides_does_not_matter(order):
    changes = [
        ("shape.kind", "square"),
        ("shape.side", 7),
        ("others", [{"kind": "circle"}]),
        ("others.0.radius", 2),
    ]
    after = override(PLAIN, dict(changes[::order]))
    assert after["shape"] == {"kind": "square", "side": 7}
    assert after["others"] == [{"kind": "circle", "radius": 2}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"others.2.side": 1}, "others.2.side: '2' is not an index; allowed: 0 to 1"),
        ({"others.-1": 1}, "others.-1: '-1' is not an index; allowed: 0 to 1"),
        ({"others.²": 1}, "others.²: '²' is not an index; allowed: 0 to 1"),
        ({"others.side": 1}, "others.side: 'side' is not an index; allowed: 0 to 1"),
        ({"others": [], "others.0": 1}, "others.0: '0' is not an index; the list is empty"),
        ({"name.first": 1}, "name.first: 'first' is below 'a', which has no keys"),
        ({"shape..radius": 1}, "overrides: 'shape..radius' is not a dotted key such as 'a.b.c'"),
        ({"": 1}, "overrides: '' is not a dotted key such as 'a.b.c'"),
        ({3: 1}, "overrides: 3 is not a dotted key such as 'a.b.c'"),
        (
            {str(i): 1 for i in range(10_001)},
            "overrides: 10,001 keys are not allowed; must be 10,000 at most",
        ),
        (["name"], "overrides: ['name'] is not allowed; must be a mapping of dotted keys"),
    ],
)
def test_overrides_that_lead_nowhere(changes, message):
    with pytest.raises(ConfigError) as caught:
        override(PLAIN, changes)
    assert str(caught.value) == message


def test_an_override_with_a_wrong_key_is_found_on_reading():
    with pytest.raises(ConfigError, match=r"^radus: unknown key; .*'radius'"):
        from_plain(Circle, override({}, {"radus": 1}))


@pytest.mark.parametrize("text", ["8e9", "1.25e6", "1e-3", "+.5E2", "1E+3"])
def test_yaml_takes_numbers_as_people_write_them(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(f"a: {text}\nb: e5\nc: 0x1e5\n")
    assert read_yaml(path) == {"a": float(text), "b": "e5", "c": 0x1E5}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", b"a: [1", "is not valid YAML"),
        ("a.yaml", b"a: \xff", "is not valid YAML"),
        ("a.yaml", b"a: " + b"1" * 5000, "is not valid YAML"),
        ("a.yaml", b"[" * 5000, "is not valid YAML"),
        ("a.json", b"{'a': 1}", "is not valid JSON"),
        ("a.json", b"[" * 100_000, "is not valid JSON"),
        ("b.yaml", None, "cannot be read"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: {message}") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"workload.flash": {"kind": "crowds", "crowds": []}},
            "workload.flash.crowds: () is not allowed; at le",
        ),
        (
            {"workload.diurnal": {"regions": [{"nodes": ["a"]}, {"nodes": []}]}},
            "workload.diurnal.regions.1.nodes: (",
        ),
        (
            {"dynamics.outages": {"kind": "scheduled", "failures": [{"node": "a", "first": 3, "last": 2}]}},
            "dynamics.outages.failures.0.last: 2 is not allowed; must be at least first, 3",
        ),
        (
            {"serving.tariff": {"latency": 0}},
            "serving.tariff: all weights of the tariff are 0; at least one mus",
        ),
        (
            {"serving.load_limit": 0.99},
            "serving.last_resort: 0.95 is not allowed; must be at least load_limit, ",
        ),
        (
            {"dynamics.link": {"kind": "file", "path": "a.csv", "apart": True}},
            "dynamics.link.apart: true is not allowed; must be false, unless random_start is true",
        ),
        (
            {"workload.replay": {"path": "a", "stretches": {"test": 0.1}}},
            "workload.replay.stretches.test: 0.1 is no",
        ),
        ({"tasks": []}, "tasks: () is not allowed; at least one task is needed"),
    ],
)
def test_what_parts_refuse_is_named_by_its_whole_path(changes, message):
    with pytest.raises(ConfigError) as caught:
        load_scenario("edge-small", changes)
    assert str(caught.value).startswith(message)


def test_a_named_path_sets_what_it_names():
    """The path of a message is a dotted key that an override takes."""
    failures = [{"node": "edge-0", "first": 3, "last": 2}]
    changes = {"dynamics.outages": {"kind": "scheduled", "failures": failures}}
    with pytest.raises(ConfigError) as caught:
        load_scenario("edge-small", changes)
    fixed = load_scenario("edge-small", {**changes, caught.value.args[0]: 5})
    assert fixed.dynamics.outages.failures[0].last == 5
