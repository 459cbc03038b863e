"""Protocols of transfer are frozen: what is published under an id stays what it is."""

import dataclasses
from pathlib import Path

import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.transfer_protocol import (
    DIGESTS,
    PROTOCOLS,
    drawn,
    draws_digest,
    find_protocol,
    protocol_digest,
)
from idn_gym.scenarios.contexts import draw_scenario

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_is_frozen(name):
    """Whoever changes a number of it, or the file of its context, needs another id."""
    asked = PROTOCOLS[name]
    assert asked.id == name and protocol_digest(asked) == DIGESTS[name][0]
    assert DIGESTS[name][0] in (ROOT / "docs" / "transfer.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_it_draws_is_frozen(name):
    pytest.importorskip("topohub")
    assert draws_digest(PROTOCOLS[name]) == DIGESTS[name][1]
    assert DIGESTS[name][1] in (ROOT / "docs" / "transfer.md").read_text(encoding="utf-8")


def test_every_number_counts():
    asked = PROTOCOLS["transfer-1"]
    changes = {
        "seeds": 25,
        "bracket": 9.0,
        "held_out": ("all",),
        "overrides": {"horizon": 35},
        "split": "train",
    }
    found = {protocol_digest(dataclasses.replace(asked, **{key: value})) for key, value in changes.items()}
    assert len(found | {protocol_digest(asked)}) == len(changes) + 1


def test_every_network_of_the_test_is_met():
    pytest.importorskip("topohub")
    asked = PROTOCOLS["transfer-1"]
    context = asked.load()
    names = [
        draw_scenario(context, asked.split, seed, "topology").topology.name for seed in range(asked.seeds)
    ]
    assert sorted(names) == sorted(context.graphs.test) and len(set(names)) >= 20


def test_what_is_drawn_says_all_axes():
    context = PROTOCOLS["transfer-1"].load()
    pytest.importorskip("topohub")
    one, same = (drawn(context, draw_scenario(context, "test", 3, "all")) for _ in range(2))
    assert one == same and set(one["models"]) == {"detect"} and len(one["links"]) == len(one["nodes"]) - 1
    for axis in ("topology", "catalogue", "workload"):
        assert drawn(context, draw_scenario(context, "test", 3, axis)) != one


def test_unknown_protocols_are_named():
    with pytest.raises(ConfigError, match=r"protocol: 'transfer-2' is unknown; .*transfer-1"):
        find_protocol("transfer-2")
