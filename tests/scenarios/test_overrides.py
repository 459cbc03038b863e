"""Dotted keys and paths, on the scenarios that ship."""

from pathlib import Path

import pytest

from idn_gym.config_reader import to_plain
from idn_gym.scenarios.presets import PRESETS, load_scenario
from tests.conftest import QUICK_PRESETS


def test_what_a_link_is_can_be_changed_by_its_dotted_key():
    changed = load_scenario("tiny", {"topology.links.0.link": "wifi_iot"})
    links = [link.link for link in changed.topology.links]
    assert links == ["wifi_iot", "wan_cloud"] and changed.topology.nodes == PRESETS["tiny"].topology.nodes


FEW = 8
"""Entries of a list that are looked at: a village lists hundreds of nodes alike."""


def leaves(plain, path=()):
    """Dotted key and value of everything in a configuration that is neither a mapping nor a list."""
    items = (
        plain.items()
        if isinstance(plain, dict)
        else enumerate(plain[:FEW])
        if isinstance(plain, list)
        else None
    )
    if items is None:
        yield ".".join(map(str, path)), plain
        return
    for key, value in items:
        yield from leaves(value, (*path, key))


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_every_leaf_can_be_set_by_its_dotted_key_and_nothing_else_moves(preset):
    plain = to_plain(PRESETS[preset])
    for key, value in leaves(plain):
        assert load_scenario(preset, {key: value}) == PRESETS[preset], key
        if isinstance(value, float) and 0.0 < value < 1e12:
            moved = dict(leaves(to_plain(load_scenario(preset, {key: value * 0.96875}))))
            assert {k for k, v in leaves(plain) if moved[k] != v} == {key}


def test_paths_in_a_file_start_at_its_folder(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.yaml").write_text(
        "preset: tiny\ncatalog: [nets]\nworkload.replay: {path: log.csv}\n"
    )
    monkeypatch.chdir(tmp_path)
    read = load_scenario("sub/mine.yaml")
    assert read.catalog == (str(Path("sub/nets")),) and read.workload.replay.path == str(Path("sub/log.csv"))
