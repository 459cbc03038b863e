"""Files that can be played but hardly are what was meant are named when the scenario is compiled."""

import pytest

from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

LOG = {"task": {"column": "what"}, "clock": "absolute", "rate": "kept"}
LINK = {"kind": "file", "series": "rate"}


def play(tmp_path, log=None, link=None, stretches=None, rate="kept", **changes):
    """Compile `tiny` with 10 slots of 10 s, with a log or a file of rates."""
    if log is not None:
        path = tmp_path / "log.csv"
        path.write_text("TIMESTAMP,what\n" + "".join(f"{t},{what}\n" for t, what in log))
        changes["workload.replay"] = LOG | {"path": str(path), "stretches": stretches, "rate": rate}
    if link is not None:
        path = tmp_path / "rates.csv"
        path.write_text("time,rate\n" + "".join(f"{t},{rate}\n" for t, rate in link))
        changes["dynamics.link"] = LINK | {"path": str(path)}
    short = {"horizon": 10, "slot_seconds": 10.0, "workload.rate": 1.0}
    return compile_scenario(load_scenario("tiny", short | changes))


@pytest.fixture(scope="module")
def task():
    return load_scenario("tiny").tasks[0].name


def test_what_fits_is_not_talked_about(tmp_path, task, recwarn):
    apart = {"stretches": {"validation": 0.6, "test": 0.8}}
    play(tmp_path, [(t, task) for t in range(501)], [(t, 1e6) for t in range(0, 110, 10)], **apart)
    assert not [str(found.message) for found in recwarn if "WARN" in str(found.message)]


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (
            lambda task: [(t, task if t % 2 else f"{task}s") for t in range(200)],
            r"replay\.path: 100 of 200 rows are left out, where what is '(\w+)s' \(100\): no .*mean '\1'\?",
        ),
        (lambda task: [(t, task) for t in range(50)], r"stretches: the log lasts 50 s and an episode"),
        (lambda task: [(1000 * t, task) for t in range(200)], r"replay\.time: .* has 0\.01"),
        (lambda task: [(t / 9, task) for t in range(2000)], r"workload\.rate: 1 is far from the 9 "),
    ],
)
def test_a_log_is_looked_at(tmp_path, task, log, message):
    with pytest.warns(UserWarning, match=message):
        play(tmp_path, log(task))


def test_rows_that_stand_for_many_requests_are_named(tmp_path, task, recwarn):
    log, apart = [(t, task) for t in range(501)], {"stretches": {"validation": 0.6, "test": 0.8}}
    play(tmp_path, log, **apart, rate="scaled", **{"workload.rate": 9.0})
    many = [(t / 100, task) for t in range(50_100)]
    play(tmp_path, many, **apart, rate="scaled", **{"workload.rate": 5000.0})
    assert not [found for found in recwarn if "stands for" in str(found.message)]
    with pytest.warns(UserWarning, match=r"replay\.path: each row of .* stands for 50 requests"):
        play(tmp_path, log, **apart, rate="scaled", **{"workload.rate": 50.0})


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (600, "each split has a stretch of its own(?!,)"),
        (250, "of its own, with room for 5 of the 10 slots of a test episode;"),
    ],
)
def test_splits_that_share_a_log_are_named(tmp_path, task, length, said):
    with pytest.warns(UserWarning, match=rf"replay\.stretches: null plays all of .*log\.csv.*{said}"):
        play(tmp_path, [(t, task) for t in range(length + 1)])


@pytest.mark.parametrize(
    ("rates", "changes", "message"),
    [
        ([(0, 1e6), (30, 2e6)], {}, r"link\.path: .* lasts 60 s and an episode 100 s"),
        ([(0, 1e6), (99, 8e6)], {"dynamics.link.factor": 1e-6}, r"factor: 1e-06 gives link '.*->.*' 1\.07 b"),
    ],
)
def test_rates_are_looked_at(tmp_path, rates, changes, message):
    with pytest.warns(UserWarning, match=message):
        play(tmp_path, link=rates, **changes)


def test_a_repository_that_is_said_to_fail_is_named():
    outages = {"kind": "scheduled", "failures": [{"node": "cloud", "first": 1, "last": 2}]}
    with pytest.warns(UserWarning, match=r"failures\.0\.node: 'cloud' has no effect, since repositories"):
        compile_scenario(load_scenario("tiny", {"dynamics.outages": outages}))
