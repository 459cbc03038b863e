import csv
import math
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.config import Bursts, Replay, Sliding, Workload
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.replay import ClassLabels, read_log
from tests.end_to_end import whole

draw_demand = whole(demands.draw_demand)

TASKS, INGRESSES, SLOTS = 2, 2, 10
TASK = np.tile(np.arange(TASKS), INGRESSES)
INGRESS = np.repeat(np.arange(INGRESSES), TASKS)
LABELS = ClassLabels(TASK, INGRESS, ("a", "b"), ("x", "y"))
BASE = 20 * np.outer([0.75, 0.25], [0.6, 0.4]).ravel()


def read(replay, split="train"):
    return read_log(replay, LABELS.tasks, LABELS.nodes, split)


def draw(replay, seed=0, horizon=SLOTS, **processes):
    workload = Workload(1.0, replay=replay, **processes)
    demand = draw_demand(workload, BASE, LABELS, horizon, np.random.default_rng(seed))
    return demand.reshape(horizon, INGRESSES, TASKS)


@pytest.fixture
def log(tmp_path):
    """Ten rows: at seconds 0, 1, ..., 8 one each, at 9 another; sizes fall from 10 to 1."""

    def write(times=range(10), sizes=range(10, 0, -1), header="TIMESTAMP,Tokens"):
        path = tmp_path / f"log{len(list(tmp_path.iterdir()))}.csv"
        rows = [f"{t},{s}" for t, s in zip(times, sizes, strict=True)]
        path.write_text("\n".join([header, *rows]) + "\n")
        return Replay(str(path), size="Tokens", stretches=None)

    return write


def test_totals_follow_the_log_and_the_rate(log):
    demand = draw(log(times=[0, 0.1, 0.2, 0.3, 0.4, 0.5, 5, 6, 7, 9]), seed=2)
    assert demand.sum() == pytest.approx(20 * SLOTS)
    per_slot = np.sort(demand.sum(axis=(1, 2)) / 20)
    assert per_slot.tolist() == pytest.approx(sorted([6, 0, 0, 0, 0, 1, 1, 1, 0, 1]))


def test_each_episode_starts_at_its_own_place(log):
    replay = log(times=[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 9])
    peaks = [draw(replay, seed).sum(axis=(1, 2)).argmax() for seed in range(2000)]
    share = np.bincount(peaks, minlength=SLOTS) / 2000
    assert share == pytest.approx([0.1] * SLOTS, abs=5 * math.sqrt(0.1 * 0.9 / 2000))


def test_sizes_choose_the_task_by_their_quantiles(log):
    demand = draw(log(times=[0, 0.01, 0.02, 0.03, 4, 5, 6, 7, 8, 9]), seed=3).sum(axis=1) / 20
    # the 6 smallest requests, which come last, belong to the first task, as its share is 0.6
    assert np.sort(demand[:, 0]).tolist() == pytest.approx([0] * 4 + [1] * 6)
    assert np.sort(demand[:, 1]).tolist() == pytest.approx([0] * 9 + [4])


def test_popularity_sets_the_widths_of_the_quantiles(log):
    turned = draw(log(), popularity=Sliding(shift=1, every=1)).sum(axis=1) / 20
    fixed = draw(log()).sum(axis=1) / 20
    assert turned.sum(axis=1).tolist() == pytest.approx(fixed.sum(axis=1).tolist())
    assert not np.allclose(turned, fixed)


def test_without_sizes_and_by_ingress_rows_are_dealt_by_weight(log):
    n = 40_000
    replay = Replay(log(times=range(n), sizes=[1] * n).path, stretches=None)
    shares = draw(replay).sum(axis=0).ravel() / (20 * SLOTS)
    assert shares == pytest.approx(BASE / 20, abs=5 * math.sqrt(0.25 / n))


def test_factors_multiply_what_the_log_gives(log):
    replay = log()
    bursts = draw_demand(Workload(1.0, bursts=Bursts()), BASE, LABELS, SLOTS, np.random.default_rng(0))
    factor = (bursts / BASE).reshape(SLOTS, INGRESSES, TASKS)
    np.testing.assert_allclose(draw(replay, bursts=Bursts()), draw(replay) * factor)


def test_dates_are_times_too(log):
    seconds = [0.0, 1.5, 86400.25, 90000.0]
    dates = [
        "2024-03-30 23:00:00+00:00",
        "2024-03-30T23:00:01.5000000Z",
        "2024-03-31 23:00:00.25Z",
        "2024-04-01T01:00:00+01:00",
    ]
    from_dates = read(log(times=dates, sizes=[1] * 4)).time
    np.testing.assert_allclose(from_dates, read(log(times=seconds, sizes=[1] * 4)).time, atol=1e-9)


def test_a_log_is_read_once_unless_it_changes(log):
    replay = log()
    first = read(replay)
    assert read(replay) is first
    path = Path(replay.path)
    path.write_text(path.read_text())
    os.utime(path, ns=(0, 1))
    assert read(replay) is not first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"workload\.replay\.path: .*cannot be read \(No such file or directory\)"),
        ("", r"workload\.replay\.path: .* is empty; its first line must name the columns"),
        ("TIMESTAMP;Tokens\n1;2\n2;3\n", r"no column 'TIMESTAMP'; .*separated by commas, not by ';'"),
        ("1\n2\n3\n", r"no column 'TIMESTAMP'; allowed: 1; the first line must name the columns, and has"),
        ("timestamp,Tokens\n1,2\n2,3\n", r"no column 'TIMESTAMP'; allowed: timestamp, Tokens"),
        ("TIMESTAMP,Token\n1,2\n2,3\n", r"\.size: no column 'Tokens'; .*did you mean 'Token'"),
        ("TIMESTAMP,Tokens\n1,2\n", r"\.path: .* has 1 requests that count; at least 2 are needed"),
        ("TIMESTAMP,Tokens\n1,2\n1,3\n", r"\.path: .* needs two requests at different times"),
        (
            "TIMESTAMP,Tokens\n1,2\nlater,3\n",
            r"\.time: line 3: 'later' is not allowed; must be a number .*or an ISO",
        ),
        ("TIMESTAMP,Tokens\n1,2\nnan,3\n", r"\.time: line 3: 'nan' is not allowed"),
        ("TIMESTAMP,Tokens\n1,big\n2,3\n", r"\.size: line 2: 'big' is not allowed; must be a number$"),
        ("TIMESTAMP,Tokens\n1,2024-01-01\n2,3\n", r"\.size: line 2: '2024-01-01' is not allowed"),
        ("TIMESTAMP,Tokens\n1,2\n2\n", r"\.size: line 3: has fewer cells than the header"),
        (
            "TIMESTAMP,Tokens\n1,2\n-1e300,3\n",
            r"\.time: line 3: '-1e300' is not allowed",
        ),
        ("TIMESTAMP,Tokens,TIMESTAMP\n1,2,3\n2,3,4\n", r"\.time: line 1: 2 columns are called 'TIMESTAMP'"),
        (
            "TIMESTAMP,Tokens\n2024-01-01T00:00,2\n2024-01-01T01:00Z,3\n",
            r"\.time: line 3: '2024-01-01T01:00Z' is a time with a UTC offset, but line 2 has a time without",
        ),
        ("TIMESTAMP,Tokens\n1,2\n2024-01-01,3\n", r"line 3: '2024-01-01' is a time .* line 2 has a number"),
        (
            'TIMESTAMP,Tokens\n1,"2"\n\n3,4\n2,5\n',
            r"\.time: line 5: 1 s before a request above it, 50% of the log; sort the file by time",
        ),
        ("TIMESTAMP,Tokens\n1,2,\n2,5,3,0\n", r"\.path: .*, line 3: 4 cells are not allowed; must be 2$"),
        (b"TIMESTAMP,Tokens\n\xff\xfe,2\n", r"\.path: .* is not a CSV file"),
    ],
)
def test_a_bad_log_gets_one_sentence(tmp_path, content, message):
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message):
        draw(Replay(str(path), size="Tokens"))


def test_a_little_disorder_is_no_fault(log):
    swapped = [0, 1, 2, 4, 3, *range(5, 200)]
    np.testing.assert_array_equal(
        np.sort(read(log(times=swapped, sizes=[1] * 200)).time),
        read(log(times=range(200), sizes=[1] * 200)).time,
    )


def test_a_request_far_from_all_others_is_warned_about(log, recwarn):
    with pytest.warns(UserWarning, match=r"line 2: 1 of 101 requests .* less than half of the log"):
        read(log(times=[0, *range(1000, 1100)], sizes=[1] * 101))
    with pytest.warns(UserWarning, match=r"line 2: 2 of 102 requests .* less than half of the log"):
        read(log(times=[0, *range(1000, 1100), 2100], sizes=[1] * 102))  # one at each end
    recwarn.clear()
    read(log(times=[*range(50), *range(1000, 1050)], sizes=[1] * 100))  # two days of measurements
    assert not recwarn.list


# ---------------------------------------------------------------- the Azure LLM inference trace of 2023

AZURE = Path(
    os.environ.get("IDN_AZURE_TRACE", Path(__file__).resolve().parents[4] / "shared/data/azure-llm-2023")
)


@pytest.mark.skipif(
    not AZURE.is_dir(),
    reason="IDN_AZURE_TRACE names no folder with the AzureLLMInferenceTrace_*.csv of AzurePublicDataset",
)
@pytest.mark.parametrize(("part", "rows"), [("code", 8819), ("conv", 19366)])
def test_the_azure_trace_replays_with_its_bursts(part, rows):
    replay = Replay(str(AZURE / f"AzureLLMInferenceTrace_{part}.csv"), size="ContextTokens", stretches=None)
    log = read(replay)
    assert log.time.size == rows
    horizon = 57
    demand = draw(replay, seed=1, horizon=horizon)
    assert demand.sum() == pytest.approx(20 * horizon)
    assert demand.sum(axis=(0, 1)) / demand.sum() == pytest.approx([0.6, 0.4], abs=1 / rows)
    weight = demand.sum(axis=(0, 2)) / demand.sum()
    assert weight == pytest.approx([0.75, 0.25], abs=5 * math.sqrt(0.75 * 0.25 / rows))

    # as bursty as the file itself, counted here in another way
    with open(replay.path, newline="") as file:
        moments = [datetime.fromisoformat(row["TIMESTAMP"]) for row in csv.DictReader(file)]
    seconds = np.array([(moment - moments[0]).total_seconds() for moment in moments])
    counts, _ = np.histogram(seconds, bins=horizon)
    per_slot = demand.sum(axis=(1, 2))
    expected = counts.std() / counts.mean()
    assert per_slot.std() / per_slot.mean() == pytest.approx(expected, rel=0.15)
    assert expected > 3 / math.sqrt(counts.mean())  # three times the spread of a Poisson stream
