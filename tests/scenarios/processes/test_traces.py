import os
from dataclasses import replace

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.processes.traces import draw_trace, play_trace
from idn_gym.scenarios.spans import Span
from tests.end_to_end import by_law

KEY = "dynamics.carbon"
HOURS = "time,a,b\n0,10,1\n3600,20,2\n7200,40,3\n"


@pytest.fixture
def write(tmp_path):
    def put(text, **fields):
        path = tmp_path / f"trace{len(list(tmp_path.iterdir()))}.csv"
        path.write_text(text, encoding="utf-8")
        return Trace(str(path), **fields)

    return put


def draw(trace, things=(("a",),), slot=3600.0, horizon=3, seed=0, **options):
    def law(process, moved, span):
        return draw_trace(trace, KEY, replace(span, names=things, slot_seconds=slot), **options)

    return by_law(law)(trace, things, horizon, np.random.default_rng(seed))


def test_rows_are_held_for_their_time_and_begin_again(write):
    trace = write(HOURS)
    assert draw(trace, horizon=8)[:, 0].tolist() == [10, 20, 40, 10, 20, 40, 10, 20]
    assert draw(trace, slot=1800.0, horizon=7)[:, 0].tolist() == [10, 10, 20, 20, 40, 40, 10]
    assert draw(trace, slot=5400.0, horizon=2)[:, 0] == pytest.approx([(10 + 10) / 1.5, (10 + 40) / 1.5])
    stays = write(HOURS, repeat=False)
    assert draw(stays, horizon=5)[:, 0].tolist() == [10, 20, 40, 40, 40]


def test_straight_lines_are_averaged_over_the_slot(write):
    trace = write(HOURS, between="interpolated")
    assert draw(trace)[:, 0].tolist() == [15, 30, 25]  # and back to the first value at the end of the round
    assert draw(trace, slot=1800.0, horizon=2)[:, 0].tolist() == [12.5, 17.5]
    assert draw(trace, slot=7200.0, horizon=1)[0, 0] == pytest.approx(22.5)
    stays = write(HOURS, between="interpolated", repeat=False)
    assert draw(stays, horizon=5)[:, 0].tolist() == [15, 30, 40, 40, 40]


def test_means_are_those_of_a_fine_sum(write):
    """Any slot length, either law, several rounds: against samples of the same lines."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(1, 50, 30)).round(3)
    values = rng.uniform(0, 9, 30).round(3)
    rows = "".join(f"{t},{v}\n" for t, v in zip(times, values, strict=True))
    length = np.ptp(times) * 30 / 29
    for between in ("held", "interpolated"):
        trace = write("time,a\n" + rows, between=between, random_start=True)
        found = play(trace, np.arange(21))[:, 0]
        fine = (np.arange(20 * 2000) + 0.5) * 71.3 / 2000 + 0.37 * length
        knots, heights = np.append(times - times[0], length), np.append(values, values[0])
        if between == "held":
            at = heights[np.searchsorted(knots, fine % length, "right") - 1]
        else:
            at = np.interp(fine % length, knots, heights)
        assert found == pytest.approx(at.reshape(20, 2000).mean(axis=1), rel=2e-3)
        blocks = [play(trace, np.arange(f, f + 6)) for f in (0, 5, 10, 15)]
        assert np.concatenate(blocks)[:, 0].tolist() == found.tolist()  # a slot is a function of its number


def play(trace, edges):
    span = Span(0, 20, 20, np.random.default_rng(0), slot_seconds=71.3, names=(("a",),))
    return play_trace(trace, KEY, edges, span, np.array([0.37]), None)


def test_a_stretched_file_fills_the_episode(write):
    trace = write(HOURS, clock="stretched")
    assert draw(trace, slot=1.0, horizon=6)[:, 0].tolist() == pytest.approx([10, 10, 20, 20, 40, 40])


def test_each_episode_may_start_at_its_own_place(write):
    trace = write(HOURS, random_start=True, stretches=None)
    first = [draw(trace, seed=seed, horizon=1, slot=1.0)[0, 0] for seed in range(300)]
    assert set(np.round(first)) == {10, 20, 40}
    assert np.mean(first) == pytest.approx(70 / 3, abs=5 * 13 / 300**0.5)
    fixed = write(HOURS)
    assert draw(fixed, seed=1).tolist() == draw(fixed, seed=2).tolist()


def test_long_form_has_series_of_their_own_times_and_several_quantities(write):
    trace = write(
        "time,what,which,value\n0,carbon,a,1\n0,energy_price,a,9\n20,carbon,a,2\n10,carbon,b,5\n30,carbon,b,6\n"
    )
    found = draw(trace, [("b",), ("a",)], slot=10.0, horizon=4)
    assert found.tolist() == [[5, 1], [5, 1], [5, 2], [6, 2]]  # before its first row: its first value
    bare = write("which,value,time\na,1,5\na,2,6\n")
    assert draw(bare, slot=1.0, horizon=2)[:, 0].tolist() == [1, 2]


def test_a_name_counts_before_the_next_and_one_series_may_serve_all(write):
    trace = write(HOURS.replace("a,b", "edge,x"))
    assert draw(trace, [("x", "edge"), ("y", "edge")])[0].tolist() == [1, 10]
    assert draw(write(HOURS, series="b", factor=0.5), [("x",), ("y",)])[1].tolist() == [1, 1]


def test_times_may_be_dates_and_one_row_holds_for_ever(write):
    trace = write("time,a\n2024-01-01T00:00Z,1\n2024-01-01T02:00+01:00,2\n")
    assert draw(trace)[:, 0].tolist() == [1, 2, 1]
    assert draw(write("time,a\n7,3\n"), horizon=2)[:, 0].tolist() == [3, 3]


def test_a_file_that_changes_is_read_again(write):
    trace = write(HOURS)
    assert draw(trace)[0, 0] == 10
    with open(trace.path, "w") as file:
        file.write(HOURS.replace("10", "11"))
    os.utime(trace.path, ns=(1, 1))
    assert draw(trace)[0, 0] == 11


BAD = [
    ("time,a\n0,1\n2,2\n1,3\n", {}, r"carbon\.time: line 4: is earlier than line 3; the times of 'a'"),
    ("time,which,value\n1,a,1\n1,b,1\n0,b,1\n", {}, None),
    ("time,a\n2024-01-01,1\n2024-01-02T00:00Z,2\n", {}, r"carbon\.time: line 3: .* with a UTC offset, but"),
    ("time,a\n0,1\n2024-01-02,2\n", {}, r"carbon\.time: line 3: .* without a UTC offset, but line 2"),
    ("time,a\nsoon,1\n", {}, r"carbon\.time: line 2: 'soon' is not allowed"),
    ("time,a\n0,\n", {}, r"carbon\.path: line 2: '' is not allowed; must be a number"),
    ("time,a\n0\n", {}, r"carbon\.path: line 2: has fewer cells than the header"),
    ("time,a\n0,-1\n", {}, r"carbon\.path: line 2: '-1' is not allowed; must be at least 0"),
    ("time,a\n0,inf\n", {}, r"carbon\.path: line 2: 'inf' is not allowed"),
    ("time,a\n0,1,5\n", {}, r"line 2: 3 cells are not allowed; must be 2"),
    ("time,a,a\n0,1,5\n", {}, r"carbon\.path: line 1: 2 columns are called 'a'"),
    ("time,a\n", {}, r"carbon\.path: .* has no rows"),
    ("", {}, r"carbon\.path: .* is empty; its first line must name the columns"),
    ("when,a\n0,1\n", {}, r"carbon\.time: no column 'time'; .*when"),
    ("time,aa\n0,1\n", {}, r"carbon\.path: .* has no series 'a' nor 'tier'; .*aa"),
    ("time,b\n0,1\n", {"series": "c"}, r"carbon\.series: no series 'c'; .*b"),
    (
        "time,what,which,value\n0,price,a,1\n",
        {},
        r"carbon\.path: .* no row whose column `what` is 'carbon'; .*price",
    ),
]


@pytest.mark.parametrize(("text", "fields", "message"), BAD)
def test_files_that_can_be_read_in_two_ways_are_refused_with_the_line(write, text, fields, message):
    trace = write(text, **fields)
    if message is None:
        with pytest.raises(ConfigError, match="of 'b'"):
            draw(trace, [("b",)])
        assert draw(trace).shape == (3, 1)  # the rows of others do not matter
        return
    with pytest.raises(ConfigError, match=message):
        draw(trace, [("a", "tier")], least=0.0)


def test_a_file_that_is_not_there_is_said():
    with pytest.raises(ConfigError, match=r"dynamics\.carbon\.path: 'gone\.csv' cannot be read"):
        draw(Trace("gone.csv"))
    with pytest.raises(ConfigError, match="random_start"):
        Trace("gone.csv", repeat=False, random_start=True)
