"""Links, compute, memory and outages that come from files, and failures that are scheduled."""

import os
from pathlib import Path

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Instance
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import (
    BackgroundFile,
    Failure,
    LinkFile,
    MemoryFile,
    OutageFile,
    ScheduledOutages,
)
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.scenarios.processes.resources import draw_memory, draw_rates, draw_seconds
from idn_gym.scenarios.spans import draw_end_to_end

NODES = (("edge-0", "edge"), ("edge-1", "edge"), ("cloud", "cloud"))
LINKS = (("edge-0->cloud", "edge-0", "edge"), ("edge-1->cloud", "edge-1", "edge"))
NOMINAL = np.array([100.0, 200.0])
COMPUTE = np.array([10.0, 20.0, np.inf])
MOVABLE = np.array([True, True, False])


@pytest.fixture
def write(tmp_path):
    def put(text):
        path = tmp_path / f"trace{len(list(tmp_path.iterdir()))}.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return put


def play(draw, *arguments, names, horizon=4, seed=0, split="train", slot_seconds=10.0):
    def law(*moved):
        return draw(*moved, names)

    options = {"horizon": horizon, "rng": np.random.default_rng(seed)}
    return draw_end_to_end(law, *arguments, **options, slot_seconds=slot_seconds, split=split)


def rates(process, moving=(True, True), **options):
    return play(draw_rates, process, NOMINAL, np.array(moving), names=LINKS, **options)


def seconds(background=None, outages=None, **options):
    return play(draw_seconds, background, outages, COMPUTE, MOVABLE, names=NODES, **options)


def test_rates_come_by_link_by_source_or_by_tier(write):
    text = "time,{}\n0,10\n10,20\n20,30\n30,40\n"
    first = rates(LinkFile(write(text.format("edge-0->cloud"))))
    assert first.tolist() == [[10, 200], [20, 200], [30, 200], [40, 200]]
    assert rates(LinkFile(write(text.format("edge-1"))))[:, 1].tolist() == [10, 20, 30, 40]
    both = rates(LinkFile(write(text.format("edge")), factor=0.01, values="shares"))
    assert both == pytest.approx(np.outer([0.1, 0.2, 0.3, 0.4], NOMINAL))
    assert rates(LinkFile(write(text.format("edge"))), moving=(False, True))[:, 0].tolist() == [100] * 4
    assert rates(LinkFile(write(text.format("UL")), series="UL")).tolist() == [
        [v, v] for v in (10, 20, 30, 40)
    ]


def test_other_work_memory_and_outages_come_by_node_or_tier(write):
    path = write(
        "time,what,which,value\n0,background,edge,0.5\n10,background,edge,0.25\n"
        "0,outages,edge-1,0\n10,outages,edge-1,1\n20,outages,edge-1,0\n30,outages,edge-1,0\n"
        "0,memory,edge-0,0.5\n"
    )
    found = seconds(BackgroundFile(path), OutageFile(path))
    assert found.tolist() == [[5, 10, np.inf], [7.5, 0, np.inf], [5, 10, np.inf], [7.5, 15, np.inf]]
    memory = play(draw_memory, MemoryFile(path), np.array([8.0, 8.0, 8.0]), MOVABLE, names=NODES)
    assert memory.tolist() == [[4, 8, 8]] * 4


def test_failures_are_scheduled_by_slot():
    process = ScheduledOutages((Failure("edge-1", 1, 2), Failure("edge", 3, 3)))
    down = seconds(outages=process, horizon=5) == 0.0
    assert down.tolist() == [
        [False] * 3,
        [False, True, False],
        [False, True, False],
        [True, True, False],
        [False] * 3,
    ]
    with pytest.raises(
        ConfigError, match=r"^dynamics\.outages\.failures\.0\.node: 'edge-2' is no node or tier; .*"
    ):
        seconds(outages=ScheduledOutages((Failure("edge-2", 0, 1),)))
    with pytest.raises(ConfigError, match=r"^last: 3 is not allowed; must be at least first, 4"):
        Failure("edge", 4, 3)


@pytest.mark.parametrize("text", ["time,edge,egde\n0,1,1\n", "time,which,value\n0,edge,1\n0,egde,1\n"])
def test_a_series_of_nothing_here_is_refused(write, text):
    path = write(text)
    for draw in (
        lambda: rates(LinkFile(path)),
        lambda: seconds(BackgroundFile(path)),
        lambda: seconds(outages=OutageFile(path)),
        lambda: play(draw_memory, MemoryFile(path), np.ones(3), MOVABLE, names=NODES),
    ):
        with pytest.raises(
            ConfigError, match=r"^dynamics\.\w+\.path: .* has a series 'egde', which is not one of them; "
        ):
            draw()


def test_shares_in_per_cent_are_refused(write):
    path = write("time,edge\n0,40\n")
    assert seconds(BackgroundFile(path, factor=0.01))[0].tolist() == [6, 12, np.inf]
    for draw in (
        lambda: seconds(BackgroundFile(path)),
        lambda: seconds(outages=OutageFile(path)),
        lambda: play(draw_memory, MemoryFile(path), np.ones(3), MOVABLE, names=NODES),
    ):
        with pytest.raises(
            ConfigError, match=r"^dynamics\.\w+\.factor: 1 is not allowed; .* reaches 40 with it, "
        ):
            draw()


def test_splits_have_stretches_of_their_own_and_things_may_begin_apart(write):
    """A file that counts to 99: training sees up to 59, validation from 60, test from 80."""
    path = write("time,edge\n" + "".join(f"{10 * t},{t}\n" for t in range(100)))
    together = LinkFile(path, random_start=True)
    for split, (first, last) in zip(SPLITS, ((0, 60), (60, 80), (80, 100)), strict=True):
        for seed in range(10):
            found = rates(together, split=split, seed=seed, horizon=40)
            assert found.min() >= first and found.max() < last
            np.testing.assert_array_equal(found[:, 0], found[:, 1])
    starts = {round(rates(together, seed=seed, horizon=1)[0, 0]) for seed in range(300)}
    assert len(starts) > 50
    apart = rates(LinkFile(path, random_start=True, apart=True), horizon=3)
    assert apart[0, 0] != apart[0, 1]
    whole = LinkFile(path, random_start=True, stretches=None)
    assert max(rates(whole, seed=seed, horizon=1).max() for seed in range(100)) > 90
    with pytest.raises(
        ConfigError, match=r"^apart: true is not allowed; must be false, unless random_start is true"
    ):
        LinkFile(path, apart=True)


def test_a_stretch_is_what_the_whole_file_has_there(write):
    rng = np.random.default_rng(3)
    path = write("time,edge\n" + "".join(f"{t},{v}\n" for t, v in enumerate(rng.random(500).round(3))))
    for between in ("held", "interpolated"):
        one = LinkFile(path, random_start=True, between=between)
        plain = rates(LinkFile(path, between=between), slot_seconds=1.0, horizon=500)[:, 0]
        for split, (first, last) in zip(SPLITS, ((0, 300), (300, 400), (400, 500)), strict=True):
            found = rates(one, split=split, slot_seconds=1.0, horizon=last - first, seed=5)[:, 0]
            assert found.mean() == pytest.approx(plain[first:last].mean(), abs=0.01)


def test_rows_of_one_time_count_as_their_mean(write):
    assert rates(LinkFile(write("time,edge\n0,10\n0,30\n10,5\n")), horizon=2)[:, 0].tolist() == [20, 5]


def test_scenarios_take_them(tmp_path):
    (tmp_path / "links.csv").write_text("time,device\n0,0.5\n600,1.0\n")
    (tmp_path / "mine.yaml").write_text(
        "preset: edge-small\nhorizon: 4\n"
        "dynamics.link: {kind: file, path: links.csv, values: shares}\n"
        "dynamics.outages: {kind: scheduled, forwards: false, "
        "failures: [{node: edge-1, first: 1, last: 2}]}\n"
    )
    scenario = load_scenario(str(tmp_path / "mine.yaml"))
    compiled, (tables, draw) = compile_scenario(scenario), build_instance(scenario, 0)
    assert isinstance(build_instance(scenario, 0), Instance)
    v = compiled.names.nodes.index("edge-1")
    assert (draw.seconds[0, :, v] == 0.0).tolist() == [False, True, True, False]
    cut = (compiled.link_ends == v).any(axis=1)
    assert (draw.rate[0, 1:3, cut] == 0.0).all() and (draw.rate[0, 0, cut] > 0.0).all()
    boards = np.array([name.startswith("board-0->") for name in compiled.names.links])
    assert draw.rate[0, [0, 3]][:, boards] == pytest.approx(np.outer([0.5, 1.0], tables.link_rate[boards]))


# ---------------------------------------------------------------- throughput of 5G phones

MOBILE = Path(os.environ.get("IDN_5G_TRACE", Path(__file__).resolve().parents[4] / "shared/data/mobile-5g"))


@pytest.mark.skipif(
    not MOBILE.is_dir(), reason="IDN_5G_TRACE names no folder with logs of the UCC 5G dataset"
)
def test_a_5g_log_moves_the_uplinks():
    path = sorted(MOBILE.glob("*.csv"))[0]
    process = LinkFile(
        str(path), time="Timestamp", series="UL_bitrate", factor=125.0, random_start=True, apart=True
    )
    found = rates(process, horizon=200, slot_seconds=1.0)
    assert (found >= 0.0).all() and found.std() > 0.0
    assert not np.array_equal(found[:, 0], found[:, 1])
