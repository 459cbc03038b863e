"""Logs whose columns say tasks and nodes, clocks, stretches of splits, and files that are packed."""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.config import (
    Alias,
    ByHash,
    ByName,
    ByRank,
    LogColumn,
    Only,
    Replay,
    Stretches,
    Workload,
)
from idn_gym.scenarios.processes.demand import draw_demand
from idn_gym.scenarios.processes.log_values import number_values
from idn_gym.scenarios.processes.random_streams import SPLITS, Streams
from idn_gym.scenarios.processes.replay import ClassLabels, most_replayed, read_log
from idn_gym.scenarios.spans import walk_spans

TASKS, NODES = ("cat", "dog", "owl"), ("north", "south")
LABELS = ClassLabels(np.tile(np.arange(3), 2), np.repeat(np.arange(2), 3), TASKS, NODES)
BASE = np.outer([0.5, 0.5], [0.5, 0.3, 0.2]).ravel() * 12.0
ROWS = """TIMESTAMP,kind,cell,state
0,cat,north,ok
10,dog,south,ok
20,dog,north,bad
30,owl,south,ok
40,,north,ok
50,cat,,ok
60,fox,south,ok
70,cat,south,ok
"""


def draw(replay, split="train", seed=0, horizon=6, slot_seconds=10.0):
    """Demand (horizon, nodes, tasks) of one episode."""
    streams = Streams(np.random.default_rng(seed), split)
    spans = walk_spans(horizon, slot_seconds, streams)
    drawn = [draw_demand(Workload(1.0, replay=replay), BASE, LABELS, span) for span in spans]
    return np.concatenate(drawn).reshape(horizon, 2, 3)


@pytest.fixture
def path(tmp_path):
    def write(text=ROWS, name="log.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


KIND, CELL = LogColumn("kind"), LogColumn("cell")


def whole(path, **fields):
    return Replay(path, stretches=None, **fields)


def test_columns_say_task_and_node_and_what_is_left_out_is_told(path):
    replay = whole(path(), task=KIND, node=CELL, only=(Only("state", "ok"),), rate="kept")
    log = read_log(replay, TASKS, NODES, "train")
    assert [(TASKS[k], NODES[g]) for k, g in zip(log.task, log.node, strict=True)] == [
        ("cat", "north"),
        ("dog", "south"),
        ("owl", "south"),
        ("cat", "south"),
    ]
    assert [(found.rows, found.why) for found in log.left_out] == [
        (1, "state is not 'ok'"),
        (1, "kind is empty"),
        (1, "cell is empty"),
        (1, "kind is 'fox' (1): no task of the scenario"),
    ]
    assert draw(replay, horizon=3).sum(axis=0).tolist() == [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


def test_counts_are_scaled_to_the_rate_unless_kept(path):
    scaled = draw(whole(path(), task=KIND, node=CELL, only=(Only("state", "ok"),)), horizon=3)
    assert scaled.sum() == pytest.approx(3 * 12.0)
    assert scaled.sum(axis=0) / scaled.sum() == pytest.approx(np.array([[1, 0, 0], [1, 1, 1]]) / 4)


def test_a_second_is_a_second_on_the_absolute_clock(path):
    """Slots of 4 s in a log of one request a second: each slot has the four requests of its seconds."""
    rows = "".join(f"{t},{TASKS[t % 3]},{NODES[t % 2]}\n" for t in range(60))
    replay = whole(path("TIMESTAMP,kind,cell\n" + rows), task=KIND, node=CELL, clock="absolute", rate="kept")
    demand = draw(replay, horizon=40, slot_seconds=4.0)
    assert demand.sum(axis=(1, 2)).tolist() == [4.0] * 40
    assert (demand[:, 0].sum(axis=1) == 2.0).all()
    np.testing.assert_array_equal(demand[:15], demand[15:30])  # the ring takes a minute
    scaled = draw(whole(replay.path, task=KIND, node=CELL, clock="absolute"), horizon=40, slot_seconds=4.0)
    np.testing.assert_allclose(scaled, demand * 3.0)


def test_each_split_plays_a_stretch_of_its_own(path):
    """Cats up to 60 % of the log, then dogs, owls from 80 %: no split ever meets another's."""
    rows = "".join(f"{t},{TASKS[(t >= 60) + (t >= 80)]}\n" for t in range(100))
    for clock in ("stretched", "absolute"):
        replay = Replay(path("TIMESTAMP,kind\n" + rows), task=KIND, clock=clock)
        for k, split in enumerate(SPLITS):
            for seed in range(5):
                demand = draw(replay, split, seed, horizon=30)
                assert demand[:, :, k].sum() == pytest.approx(demand.sum())
    early = Replay(replay.path, task=KIND, stretches=Stretches(validation=0.1, test=0.2))
    assert draw(early, "test")[:, :, 0].sum() > 0.0


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ByName(), [0, 1, 1, 2, -1, 0]),
        (ByName((Alias("fox", "owl"), Alias("cat", "dog"))), [1, 1, 1, 2, 2, 1]),
        (ByRank(), [0, 1, 1, -1, 2, 0]),
        (ByRank(other=True), [0, 1, 1, 2, 2, 0]),
    ],
)
def test_values_mean_tasks_by_name_or_rank(rule, expected):
    """Cats and dogs are as frequent, as are owls and foxes: then the alphabet decides."""
    values = ["cat", "dog", "dog", "owl", "fox", "cat"]
    assert number_values(values, rule, TASKS, "key").tolist() == expected


def test_a_hash_is_the_same_on_every_machine_and_even():
    values = [f"user-{i}" for i in range(3000)]
    found = number_values(values, ByHash(), NODES, "key")
    assert found[:8].tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
    assert np.bincount(found) / 3000 == pytest.approx([0.5, 0.5], abs=0.05)


@pytest.mark.parametrize("suffix", [".csv.gz", ".zip", ".tar.gz", ".tgz"])
def test_packed_logs_are_read_as_they_are(tmp_path, path, suffix):
    plain = read_log(whole(path(), task=KIND), TASKS, NODES, "train")
    packed = tmp_path / f"log{suffix}"
    if suffix == ".csv.gz":
        packed.write_bytes(gzip.compress(ROWS.encode()))
    elif suffix == ".zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("inside/log.csv", ROWS)
    else:
        pack(packed, {"inside/log.csv": ROWS})
    for found, expected in zip(
        read_log(whole(str(packed), task=KIND), TASKS, NODES, "train"), plain, strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def pack(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"task": LogColumn("Kind")}, r"\.task\.column: no column 'Kind'; .*did you mean 'kind'"),
        ({"node": LogColumn("where")}, r"\.node\.column: no column 'where'"),
        ({"only": (Only("status", "ok"),)}, r"\.only\.0\.column: no column 'status'"),
        ({"only": (Only("state", "fine"),)}, r"\.path: .* has 0 requests that count; at least 2 are needed"),
        (
            {"member": "log.csv"},
            r"\.member: 'log.csv' is not allowed; must be null, as the file is no archive",
        ),
        (
            {"task": LogColumn("cell")},
            r"\.task\.values: 'north' is none of them, nor any other row; allowed: cat",
        ),
        (
            {"task": LogColumn("kind", ByName((Alias("fox", "wolf"),)))},
            r"\.task\.values\.aliases\.0\.name: 'wolf' is unknown; allowed: cat, dog, owl",
        ),
        (
            {"task": LogColumn("kind", ByName((Alias("fox", "dog"), Alias("fox", "cat"))))},
            r"\.task\.values\.aliases\.1\.value: 'fox' already has an alias above",
        ),
        (
            {"stretches": Stretches(validation=0.98, test=0.99)},
            r"\.stretches: no request of .* is in the stretch of split validation",
        ),
    ],
)
def test_bad_columns_get_one_sentence(path, fields, message):
    split = "validation" if "stretches" in fields else "train"
    with pytest.raises(ConfigError, match=r"^workload\.replay" + message):
        draw(Replay(path(), **({"stretches": None} | fields)), split)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.tar.gz", b"nonsense", r"cannot be unpacked"),
        ("log.zip", b"nonsense", r"cannot be unpacked"),
        ("log.csv.gz", b"nonsense", r"cannot be unpacked"),
        ("none.tar.gz", None, r"cannot be read \(No such file"),
    ],
)
def test_what_is_no_archive_gets_one_sentence(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=r"^workload\.replay\.path: .*" + message):
        draw(whole(str(tmp_path / name)))


def test_one_of_several_files_must_be_named(tmp_path):
    packed = tmp_path / "logs.tar.gz"
    pack(packed, {"a.csv": ROWS, "b.csv": "nothing\n"})
    with pytest.raises(
        ConfigError, match=r"\.member: .* holds several files, of which none is named; allowed: a"
    ):
        draw(whole(str(packed)))
    with pytest.raises(ConfigError, match=r"\.member: .* has no file 'c.csv'"):
        draw(whole(str(packed), member="c.csv"))
    assert draw(whole(str(packed), member="a.csv")).sum() == pytest.approx(6 * 12.0)


def test_fields_that_exclude_each_other_are_refused():
    with pytest.raises(
        ConfigError, match=r"^size: 'n' is not allowed; must be null where task names a column"
    ):
        Replay("log.csv", size="n", task=KIND)
    with pytest.raises(ConfigError, match=r"^test: 0\.3 is not allowed; must be above validation, 0\.6"):
        Stretches(test=0.3)


@settings(max_examples=60)
@given(
    times=st.lists(st.floats(0, 1000), min_size=2, max_size=40).map(sorted),
    clock=st.sampled_from(["stretched", "absolute"]),
    rate=st.sampled_from(["scaled", "kept"]),
    horizon=st.integers(1, 300),
    slot_seconds=st.floats(0.5, 3000),
    seed=st.integers(0, 99),
)
def test_no_slot_has_more_than_the_most(tmp_path_factory, times, clock, rate, horizon, slot_seconds, seed):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    path.write_text("TIMESTAMP\n" + "".join(f"{time!r}\n" for time in times))
    replay = Replay(str(path), clock=clock, rate=rate, stretches=None)
    if times[-1] - times[0] <= 0:
        return
    most = most_replayed(replay, (TASKS, NODES), horizon, slot_seconds, 12.0)
    demand = draw(replay, "test", seed, horizon, slot_seconds).sum(axis=(1, 2))
    assert demand.max() <= most * (1 + 1e-9)
    if clock == "stretched" and rate == "scaled":
        assert demand.sum() == pytest.approx(12.0 * horizon)


# ---------------------------------------------------------------- the requests for models of GenTD26

GENAI = Path(
    os.environ.get("IDN_GENAI_TRACE", Path(__file__).resolve().parents[4] / "shared/data/genai-2026")
)


@pytest.mark.skipif(
    not (GENAI / "lora_request_trace.tar.gz").is_file(),
    reason="IDN_GENAI_TRACE names no folder with lora_request_trace.tar.gz of the cluster-trace-v2026-GenAI",
)
def test_the_genai_trace_is_read_as_it_is():
    models = tuple(f"M{i}" for i in range(86))
    replay = Replay(
        str(GENAI / "lora_request_trace.tar.gz"),
        time="gmt_create",
        task=LogColumn("checkpoint_model_version_id", ByRank()),
        node=LogColumn("groupId", ByHash()),
        only=(Only("predict_status", "SUCCEED"),),
        clock="absolute",
        rate="kept",
        stretches=None,
    )
    log = read_log(replay, models, NODES, "train")
    assert [found.rows for found in log.left_out] == [431, 25]
    assert (log.rows, log.counted, log.time.size) == (26_823, 26_392, 26_392)  # none of the 25 succeeded
    assert np.bincount(log.task)[:2] / log.time.size == pytest.approx([0.31, 0.14], abs=0.02)
    assert log.seconds / 86400 == pytest.approx(23, abs=1)
