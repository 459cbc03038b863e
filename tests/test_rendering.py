"""The pictures of an episode: complete, of constant size, and without traces."""

import subprocess
import sys
from io import BytesIO
from itertools import combinations

import gymnasium as gym
import matplotlib.image as plt_image
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from hypothesis import given
from hypothesis import strategies as st

import idn_gym
from idn_gym.core.arrays import EMPTY
from idn_gym.rendering.card import LEAST_BLOCK, Frame, block_widths
from idn_gym.rendering.labels import FIGURES, si
from idn_gym.rendering.layout import lay_out
from idn_gym.rendering.picture import free_gap, place_cards, side_lanes
from idn_gym.rendering.scene import look
from idn_gym.rendering.sheet import Sheet
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Explicit, Link, Node
from idn_gym.scenarios.presets import PRESETS, load_scenario
from tests.conftest import QUICK_PRESETS

AREA = Frame(0, 0, 1310, 864)


ONE_ROW_PER_LEVEL = [
    name
    for name in QUICK_PRESETS
    if PRESETS[name].topology.routes == 1
    and PRESETS[name].action != "association"
    and name != "tinyml-village"
]
"""Trees with one way up; in the village three tiers of sensors hang below the same gateways."""


def make(scenario, mode, steps=0, **more):
    """An environment after some random slots."""
    env = gym.make("IDN-v0", scenario=scenario, render_mode=mode, **more).unwrapped
    env.reset(seed=5)
    env.action_space.seed(5)
    for _ in range(steps):
        env.step(env.action_space.sample())
    return env


def star(leaves, chain=1):
    """A repository with many boards around it, or with fewer in long chains."""
    boards = [
        Node(f"board-{i}", device="sbc_rpi4", tier="device", memory=4e7, demand=1.0) for i in range(leaves)
    ]
    cloud = Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",))
    ends = [boards[i - 1].name if i % chain else "cloud" for i in range(leaves)]
    links = [Link(board.name, end, link="lte_uplink") for board, end in zip(boards, ends, strict=True)]
    return load_scenario(
        {"preset": "edge-small", "action": "scores", "dynamics": {}}
        | {"topology": idn_gym.scenarios.presets.to_plain(Explicit((*boards, cloud), tuple(links)))}
    )


@pytest.mark.parametrize("name", QUICK_PRESETS)
def test_every_preset_is_written_down(name):
    env = make(name, "ansi", 10)
    text, compiled = env.render(), env.simulation.compiled
    assert f"slot 10/{compiled.scenario.horizon}" in text
    assert all(node in text for node in compiled.names.nodes)
    assert all(tier in text for tier in compiled.names.tiers)
    metrics = dict(zip(idn_gym.metrics.METRICS, env._slot.metrics[0].tolist(), strict=True))
    for figure in FIGURES:
        assert f"{figure.label} {figure.shown(metrics[figure.key])}" in text
    assert max(map(len, text.splitlines())) <= 120
    nodes, links = len(compiled.names.nodes), len(compiled.tables.link_rate)  # a line for each uplink
    assert len(text.splitlines()) <= max(nodes, links) + 40


@pytest.mark.parametrize("name", ["tiny", "edge-small"])
def test_text_names_every_segment_of_a_small_network(name):
    env = make(name, "ansi", 3)
    text = env.render()
    movable = env.simulation.compiled.tables.node_movable
    placed = [held for held, moves in zip(env.describe_placement().values(), movable, strict=True) if moves]
    assert sum(map(len, placed)) > 0
    assert all(segment in text for held in placed for segment in held)


def test_text_counts_what_it_has_no_room_to_name():
    env = make("isp-hierarchy", "ansi", 1)
    resident = env.simulation.now.resident[0]
    resident[-1, :] = [s if m < 30 else EMPTY for m, s in enumerate(env.simulation.compiled.tables.pinned[0])]
    last = env.simulation.compiled.names.nodes[-1]
    (line,) = [line for line in env.render().splitlines() if line.startswith(last)]
    assert "3x yolov4x_mish_640" in line and line.rstrip()[-2:].strip("+").isdigit()


@pytest.mark.parametrize("name", QUICK_PRESETS)
def test_every_preset_is_drawn_at_one_size(name):
    env = make(name, "rgb_array")
    frames = [env.render()]
    for _ in range(3):
        env.step(env.action_space.sample())
        frames.append(env.render())
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert frames[0].shape[2] == 3 and not any(side % 2 for side in frames[0].shape[:2])
    assert all(frame.dtype == np.uint8 and frame.flags.c_contiguous for frame in frames)
    assert all((a != b).any() for a, b in combinations(frames, 2))


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_pictures_show_the_placement_and_nothing_else_moves(mode):
    env = make("tiny", mode, 1)
    tables, resident = env.simulation.compiled.tables, env.simulation.now.resident[0]
    whole = tables.pinned[2, 0]
    head = whole - 1
    assert tables.segment_model[head] == 0 and tables.segment_first[head] == 0
    frames = []
    for board, edge in [(EMPTY, EMPTY), (whole, EMPTY), (head, EMPTY), (EMPTY, whole), (EMPTY, EMPTY)]:
        resident[0], resident[1] = EMPTY, EMPTY
        resident[0, 0], resident[1, 0] = board, edge
        frames.append(env.render())
    same = [np.array_equal(a, b) for a, b in combinations(frames, 2)]
    assert same == [False, False, False, True, False, False, False, False, False, False]


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_looking_changes_nothing(mode):
    watched, other = make("edge-small", mode), make("edge-small", None)
    for _ in range(3):
        watched.render()
        action = other.action_space.sample()
        seen, unseen = watched.step(action), other.step(action)
        assert np.array_equal(seen[0], unseen[0]) and np.array_equal(seen[1], unseen[1])


def test_each_row_of_a_batch_has_its_picture():
    envs = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", render_mode="ansi", autoreset_mode="SAME_STEP")
    envs.reset(seed=5)
    envs.step(np.array([[1, 0, 0, 0], [0, 0, 0, 0]]))
    first, second = envs.unwrapped.render()
    assert "mobilenetv3_small_100[0:1]" in first and "mobilenetv3_small_100[0:1]" not in second


def test_what_is_to_come_is_not_shown():
    env = make("edge-small", "rgb_array", 3)
    before = env.render()
    env.simulation.instance.draw.demand[0, 3:] *= 2
    env.simulation.instance.draw.rate[0, 3:] *= 2
    assert np.array_equal(before, env.render())


def test_lost_capacity_and_drops_are_shown():
    env = make("tiny", "ansi", 1)
    draw, outcome = env.simulation.instance.draw, env.simulation.last
    draw.seconds[0, 0, 0] *= 0.5
    draw.memory[0, 0, 0] *= 0.5
    outcome.served[0] = 0.25 * outcome.arrived[0]
    scene = look(env.simulation, 0, env._slot.metrics[0])
    board, edge, cloud = scene.nodes
    assert (board.offered, edge.offered, cloud.offered) == (0.5, 1.0, 1.0)
    assert board.memory == board.nominal_memory / 2
    assert board.dropped == pytest.approx(0.75) and edge.dropped == 0.0
    assert (cloud.load, edge.arrivals) == (None, None)
    assert "/ compute not available" in env.render()


@pytest.mark.parametrize("name", [*QUICK_PRESETS, "star", "chains"])
def test_nodes_do_not_overlap(name):
    scenarios = {"star": lambda: star(49), "chains": lambda: star(48, chain=8)}
    env = make(scenarios.get(name, lambda: load_scenario(name))(), "rgb_array")
    scene = look(env.simulation, 0, None)
    area = AREA._replace(height=max(AREA.height, 100 * scene.plan.rows))
    cards = place_cards(scene, area)
    for card in cards:
        assert card.x >= area.x and card.x + card.width <= area.x + area.width
        assert card.y >= area.y + 15 and card.y + card.height <= area.y + area.height
        assert card.width >= 60 and card.height >= 50
    for a, b in combinations(cards, 2):
        aside = a.x + a.width <= b.x - 5 or b.x + b.width <= a.x - 5
        assert aside or a.y + a.height <= b.y - 15 or b.y + b.height <= a.y - 15
    assert env.render().shape[0] >= 720


@pytest.mark.parametrize("name", ONE_ROW_PER_LEVEL)
def test_links_of_a_tree_go_up_and_do_not_cross(name):
    plan = lay_out(compile_scenario(load_scenario(name)))
    assert all(plan.row[target] < plan.row[source] for source, target in plan.ends)
    for (a, up), (b, over) in combinations(plan.ends, 2):
        if plan.row[up] == plan.row[over]:
            assert (plan.x[a] - plan.x[b]) * (plan.x[up] - plan.x[over]) >= 0


def test_tiers_run_from_the_repositories_down():
    plan = lay_out(compile_scenario(load_scenario("isp-hierarchy")))
    assert plan.tiers == ("cloud", "isp", "main-office", "office", "station")


@given(st.lists(st.floats(0.0, 1.0), max_size=200), st.floats(0.0, 1.0), st.floats(20.0, 400.0))
def test_blocks_of_memory_are_seen_and_do_not_run_over(shares, used, room):
    widths = [share / (sum(shares) or 1.0) * used * room for share in shares]
    wide = block_widths(widths, room)
    assert sum(wide) <= room + 1e-6
    if 2 * LEAST_BLOCK * len(wide) < room:
        assert all(width >= LEAST_BLOCK - 1e-9 for width in wide)
    else:
        assert wide == widths


def test_text_is_fitted():
    sheet = Sheet(200, 50)
    free = sheet.text(0, 10, "Kaiserslautern", 10, "black")
    assert sheet.text(0, 10, "Kaiserslautern", 10, "black", 0.9 * free, least=8) == pytest.approx(0.9 * free)
    assert 0.3 * free < sheet.text(0, 10, "Kaiserslautern", 10, "black", 0.5 * free) <= 0.5 * free
    assert sheet.text(0, 10, "$a_1$ \\x", 10, "black") > 0  # no mathematics
    assert sheet.text(0, 10, "", 10, "black") == 0


@pytest.mark.parametrize(
    "value, shown",
    [
        (48e6, "48 MB"),
        (0.0, "0 B"),
        (999.9, "1 kB"),
        (1234.0, "1.23 kB"),
        (42949672960.0, "42.9 GB"),
        (0.0125, "12.5 mB"),
    ],
)
def test_si_prefixes(value, shown):
    assert si(value, "B") == shown


def test_drawing_leaves_no_traces():
    code = """
import sys, gymnasium as gym, idn_gym
for mode in ("ansi", "rgb_array"):
    env = gym.make("IDN-v0", scenario="tiny", render_mode=mode)
    env.reset(seed=1)
    if mode == "rgb_array":
        import matplotlib
        before = {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}
    env.render()
    assert ("matplotlib" in sys.modules) == (mode == "rgb_array"), mode
assert "matplotlib.pyplot" not in sys.modules
assert all(matplotlib.rcParams[key] == value for key, value in before.items())
import gc
from matplotlib.figure import Figure
gc.collect()
assert not [thing for thing in gc.get_objects() if isinstance(thing, Figure)]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_matplotlib_is_explained(monkeypatch):
    env = make("tiny", "rgb_array")
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "idn-gym\[render\]"'):
        env.render()


def test_notebooks_show_the_picture_and_fall_back_to_text(monkeypatch):
    env = make("tiny", None, steps=2)
    png = env._repr_png_()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    shown = (255 * plt_image.imread(BytesIO(png))).round().astype(np.uint8)[..., :3]
    env.render_mode = "rgb_array"
    np.testing.assert_array_equal(shown, env.render())
    assert gym.make("IDN-v0", scenario="tiny").unwrapped._repr_png_() is None  # nothing to show yet
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert env._repr_png_() is None


def test_links_within_a_row_have_lanes_and_those_over_rows_gaps():
    cards = [Frame(x, 0, 50, 20) for x in (0, 100, 200)]

    def ends(*pairs):
        return type("Scene", (), {"links": [type("Link", (), {"source": a, "target": b}) for a, b in pairs]})

    depths = side_lanes(ends((0, 1), (1, 2), (0, 2), (2, 0)), cards)
    assert depths[0] == depths[1] and depths[2] == depths[3] and depths[0] != depths[2]
    assert side_lanes(ends((0, 1)), [cards[0], Frame(0, 90, 50, 20)]) == {}
    assert [free_gap(cards, x) for x in (-90, 60, 120, 180, 400)] == [-6, 75, 75, 175, 256]
