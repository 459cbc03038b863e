"""How far a job is: a bar on terminals; in files a line now and then, and none of short jobs."""

import io
import sys

import pytest

from idn_gym.commands import progress
from idn_gym.commands.progress import SECONDS_BETWEEN, SECONDS_SILENT, ProgressBar, steps


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    found = Clock()
    monkeypatch.setattr(progress, "monotonic", found)
    return found


def count(clock, seconds, **options):
    """Count four things, each of which takes so many seconds."""
    with ProgressBar("things", 4, **options) as bar:
        for number in range(4):
            clock.now += seconds
            bar.advance(cost=number / 3)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ((SECONDS_SILENT - 1) / 4, []),
        (6.0, ["2 of 4 things, 0.2 min, cost 0.3333", "4 of 4 things, 0.4 min, cost 1.0000"]),
        (SECONDS_BETWEEN / 2, ["1 of 4", "3 of 4", "4 of 4"]),
        (SECONDS_BETWEEN, ["1 of 4", "2 of 4", "3 of 4", "4 of 4 things, 4.0 min, cost 1.0000"]),
    ],
)
def test_lines_come_late_at_most_once_a_minute_and_at_the_end(clock, capsys, seconds, said):
    count(clock, seconds)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(said)
    assert all(line.startswith(begin) for line, begin in zip(lines, said, strict=True))


def test_who_always_speaks_begins_and_ends_with_a_line(clock, capsys):
    count(clock, 0.0, always=True)
    assert capsys.readouterr().err.splitlines() == ["0 of 4 things", "4 of 4 things, 0.0 min, cost 1.0000"]


def test_nothing_more_is_said_once_all_is_done(clock, capsys):
    with ProgressBar("steps", 2) as bar:
        for done in (1, 1, 0, 0):  # a training goes on to the end of its rollout
            clock.now += 2 * SECONDS_SILENT
            bar.advance(done)
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "1 of 2 steps",
        "2 of 2 steps",
    ]


def test_what_was_done_before_counts(clock, capsys):
    with ProgressBar("things", 2_000, 1_000) as bar:
        clock.now += SECONDS_SILENT
        bar.advance(500)
    assert capsys.readouterr().err == "1,500 of 2,000 things, 0.2 min\n"


def test_a_job_that_fails_does_not_claim_to_be_done(clock, capsys):
    with pytest.raises(ValueError, match="broken"), ProgressBar("things", 2) as bar:
        clock.now += SECONDS_SILENT
        bar.advance()
        raise ValueError("broken")
    assert capsys.readouterr().err == "1 of 2 things, 0.2 min\n"


def test_it_can_be_silenced_except_where_it_always_speaks(clock, capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    count(clock, SECONDS_BETWEEN)
    assert capsys.readouterr().err == ""
    count(clock, SECONDS_BETWEEN, always=True)
    assert capsys.readouterr().err != ""


def test_worker_processes_leave_it_to_the_process_that_started_them(clock, capsys, monkeypatch):
    monkeypatch.setattr(progress, "parent_process", object)
    count(clock, SECONDS_BETWEEN, always=True)
    assert capsys.readouterr().err == ""


def test_steps_hands_over_what_it_counts(clock, capsys):
    for item in steps("letters", "ab"):
        clock.now += SECONDS_SILENT
        assert item in "ab"
    assert capsys.readouterr().err.splitlines() == ["1 of 2 letters, 0.2 min", "2 of 2 letters, 0.3 min"]


def test_a_terminal_has_a_bar_that_disappears_and_no_lines(clock, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressBar("things [all]", 4, 1) as bar:
        clock.now += SECONDS_BETWEEN
        bar.advance(2, cost=0.5)
        assert bar._screen.tasks[0].completed == 3
    assert "things [all], cost 0.5000" in screen.getvalue()
    assert "3 of 4" not in screen.getvalue() and screen.getvalue().rstrip("\n").endswith("\x1b[2K")
