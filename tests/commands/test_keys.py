"""`idn keys`: every dotted key that it lists works, and has a unit and a meaning."""

from __future__ import annotations

import subprocess
import sys

import pytest

from idn_gym.commands.keys import list_keys
from idn_gym.commands.main import main
from idn_gym.config_reader import ConfigError, read_word
from idn_gym.scenarios.presets import PRESETS, load_scenario
from tests.commands.test_idn import table

EXAMPLES = {
    "topology.tiers": [{"name": "cloud", "device": "gpu_a100_trt_int8", "pins": ["all"]}],
    "topology.nodes": [{"name": "cloud", "device": "gpu_a100_trt_int8", "tier": "cloud", "pins": ["all"]}],
    "topology.links": [{"source": "board", "target": "cloud", "link": "lte_uplink"}],
    "topology.name": "sndlib/germany50",
    "topology.path": "net.graphml",
    "workload.replay.path": "log.csv",
    "workload.replay.task.column": "model",
    "workload.replay.node.column": "user",
    "workload.mobility.homes": ["board"],
    "workload.mobility.works": ["edge"],
    "workload.popularity.commute": {"homes": ["board"], "works": ["edge"]},
    "workload.popularity.commute.homes": ["board"],
    "workload.popularity.commute.works": ["edge"],
    "dynamics.link.path": "links.csv",
    "dynamics.background.path": "work.csv",
    "dynamics.outages.path": "outages.csv",
    "dynamics.outages.failures": [{"node": "edge", "first": 1, "last": 2}],
    "dynamics.outages.failures.0.node": "edge",
    "dynamics.outages.failures.0.first": 0,
    "dynamics.outages.failures.0.last": 3,
    "dynamics.memory.path": "memory.csv",
    "dynamics.link_outages.path": "cuts.csv",
    "dynamics.link_outages.failures": [{"link": "edge", "first": 1, "last": 2}],
    "dynamics.link_outages.failures.0.link": "edge",
    "dynamics.link_outages.failures.0.first": 0,
    "dynamics.link_outages.failures.0.last": 3,
    "workload.flash.crowds": [{"at": 3}],
    "dynamics.energy_price.path": "prices.csv",
    "dynamics.carbon.path": "grid.csv",
    "dynamics.harvest.path": "sun.csv",
}
EXAMPLES |= {f"topology.{tier}": EXAMPLES["topology.tiers"][0] for tier in ("repository", "core", "access")}
"""Values of keys that have no default."""


def changed(key):
    """Overrides that set a key as the table says."""
    overrides = {}
    for word in key.when.split():
        name, _, text = word.partition("=")
        overrides[name] = EXAMPLES[name] if text == "..." else text
    value = read_word(key.key, key.value) if key.value else EXAMPLES.get(key.key, "some text")
    assert key.value or key.key in EXAMPLES or key.type == "text"
    # A tariff of nothing but zeros is refused.
    return overrides | {key.key: 1.0 if key.key.startswith("serving.tariff.") else value}


@pytest.mark.parametrize("name", ["tiny", "edge-small", "isp-hierarchy", "metro-split"])
def test_every_key_that_is_listed_works(name):
    keys = list(list_keys(PRESETS[name]))
    assert len({(key.key, key.when) for key in keys}) == len(keys)
    for key in keys:
        if key.type == "null | true | mapping":
            load_scenario(name, {key.key: True})
    for key in keys:
        scenario = load_scenario(name, changed(key))
        if not key.when and key.value and not key.key.startswith("serving.tariff."):
            off = any(key.key.startswith(f"{one.key}.") for one in keys if one.value == "null")
            assert off or scenario == PRESETS[name], f"{key.key} has another value than {key.value}"


def test_keys_that_need_others_say_so():
    keys = list(list_keys(PRESETS["tiny"]))
    alone = {key.key for key in keys if not key.when}  # what kinds share
    for key in keys:
        if key.when and key.key not in alone:
            overrides = changed(key)
            overrides.pop(key.when.split()[-1].partition("=")[0])
            with pytest.raises(ConfigError):
                load_scenario("tiny", overrides)


def test_keys_say_type_unit_value_and_meaning(capsys):
    main(["keys", "tiny", "horizon=9", "--csv"])
    rows = {row["key"]: row for row in table(capsys.readouterr().out)}
    assert rows["horizon"] | {"meaning": ""} == {
        "key": "horizon",
        "type": "whole number >= 1",
        "unit": "slots",
        "value": "9",
        "when": "",
        "meaning": "",
    }
    assert rows["dynamics.link.kind"]["type"] == "fixed | gilbert_elliott | ar1 | file"
    assert rows["dynamics.outages"]["value"] == "null"
    assert rows["dynamics.outages.mean_up"] | {"meaning": ""} == {
        "key": "dynamics.outages.mean_up",
        "type": "number >= 1",
        "unit": "slots",
        "value": "200",
        "when": "",
        "meaning": "",
    }
    assert rows["dynamics.link.sigma"]["when"] == "dynamics.link.kind=ar1"
    assert rows["topology.nodes.2.servers"]["value"] == ".inf"


def test_a_pipe_gets_every_key_and_value_on_lines_of_a_page(capsys):
    main(["keys", "tiny", "horizon=9"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    keys = list(list_keys(load_scenario("tiny", {"horizon": 9})))
    text = " ".join(" ".join(lines).split())
    for key in keys:
        assert f"{key.key}={key.value}".strip() in text and " ".join(key.meaning.split()) in text
        assert key.when in text
    assert len([line for line in lines if not line.startswith(" ")]) == len(keys)


def test_one_key_is_found_by_a_part_of_its_name(capsys):
    main(["keys", "tiny", "--match", "horizon"])
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("horizon=") and all(line.startswith("    ") for line in rest)
    assert rest[0].startswith("    whole number >= 1 [slots]: ")


@pytest.mark.parametrize("name", ["tiny", "isp-hierarchy", "metro-split"])
def test_every_key_has_a_meaning_also_below_what_is_off(name):
    keys = list(list_keys(PRESETS[name]))
    assert [key.key for key in keys if not key.meaning] == []
    listed = {key.key for key in keys}
    assert {"topology.nodes.0.memory", "topology.tiers.0.fan_out", "topology.access.uplink"} <= listed
    sizes = {key.key: key.unit for key in keys}
    assert sizes["slot_seconds"] == "s" and sizes["topology.tiers.0.memory"] == "bytes"


REGISTERS = """
from dataclasses import dataclass
from typing import Literal
import idn_gym
from idn_gym.commands.main import main
from idn_gym.scenarios.families import OutageProcess

@dataclass(frozen=True)
class Maintenance(OutageProcess):
    every: int = 10
    kind: Literal["maintenance"] = "maintenance"

idn_gym.register_process(Maintenance, print)
main(["keys", "tiny", "--match", "outages", "--csv"])
"""


def test_registered_kinds_of_what_is_off_are_listed():
    """Also of classes whose source is nowhere, as in an interpreter."""
    done = subprocess.run([sys.executable, "-c", REGISTERS], capture_output=True, text=True, check=True)
    rows = {row["key"]: row for row in table(done.stdout)}
    kinds = rows["dynamics.outages.kind"]["type"].split(" | ")
    assert kinds[0] == "two_state" and set(kinds) == {"two_state", "file", "scheduled", "maintenance"}
    assert rows["dynamics.outages.every"]["when"] == "dynamics.outages.kind=maintenance"
    assert rows["dynamics.outages.mean_up"]["when"] == ""
