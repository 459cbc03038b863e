"""Placements that a scenario names."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.core.arrays import EMPTY
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.placements import name_placement
from idn_gym.scenarios.presets import load_scenario

BOARD = {"node": "board", "segments": ["mobilenetv3_small_100", "resnet152_bottlefit[0:1]"]}


def compiled(placements, name="tiny"):
    return compile_scenario(load_scenario(name, {"placements": placements}))


def test_names_become_segments_beside_the_pins():
    found = compiled([{"nodes": [BOARD]}, {}])
    names, tables = found.names, found.tables
    own = np.where(found.placements == tables.pinned, EMPTY, found.placements)
    assert {names.segments[s] for s in own[own != EMPTY]} == set(BOARD["segments"])
    assert (own[0, 1:] == EMPTY).all() and (own[1] == EMPTY).all()
    assert (found.placements[1] == tables.pinned).all()


def test_naming_is_the_inverse():
    found = compiled([{"nodes": [BOARD]}, {}])
    names = [name_placement(placement, found.names, found.tables) for placement in found.placements]
    assert tuple(names) == found.scenario.placements
    again = load_scenario("tiny", {"placements": to_plain(tuple(names))})
    assert again == found.scenario and hash(again) == hash(found.scenario)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([{"node": "bord", "segments": []}], r"^placements\.0\.nodes\.0\.node: 'bord' is unknown; .*board"),
        ([BOARD, BOARD], r"^placements\.0\.nodes: 'board' is given twice"),
        (
            [{"node": "board", "segments": ["resnet"]}],
            r"^placements\.0\.nodes\.0\.segments\.0: 'resnet' is unknown",
        ),
        (
            [{"node": "cloud", "segments": ["yolov5n_640"]}],
            r"'yolov5n_640' is not allowed; cloud may not hold",
        ),
        (
            [{"node": "board", "segments": ["mobilenetv3_small_100", "mobilenetv3_small_100[0:2]"]}],
            r"segments\.1: 'mobilenetv3_small_100\[0:2\]' is not allowed; .* or not beside the others$",
        ),
        ([{"node": "board", "segments": "yolov5n_640"}], r"'yolov5n_640' is not allowed; must be a list"),
    ],
)
def test_what_is_wrong_is_said_by_its_key(nodes, message):
    with pytest.raises(ConfigError, match=message):
        compiled([{"nodes": nodes}])


def test_what_does_not_fit_is_refused():
    """Each of the two by itself does, where the board has just the memory of the larger one."""
    found = compiled([{"nodes": [BOARD]}])
    size = max(found.tables.segment_bytes[found.names.segments.index(name)] for name in BOARD["segments"])
    scale = 1.001 * size / found.tables.node_memory[found.names.nodes.index("board")]
    for segments in (*([name] for name in BOARD["segments"]), BOARD["segments"]):
        changes = {
            "topology.memory_scale": float(scale),
            "placements": [{"nodes": [{"node": "board", "segments": segments}]}],
        }
        scenario = load_scenario("tiny", changes)
        if len(segments) == 1:
            compile_scenario(scenario)
            continue
        with pytest.raises(ConfigError, match=r"^placements\.0\.nodes\.0\.segments: .* too many; board has"):
            compile_scenario(scenario)
