"""The line that says what is being set up: late, on terminals only, and gone at the end."""

import io
import sys
import time

import pytest

from idn_gym.scenarios.compile import compile_scenario, progress_line
from idn_gym.scenarios.compile.progress_line import ProgressLine
from idn_gym.scenarios.presets import load_scenario


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(progress_line, "SILENT", 0.05)
    monkeypatch.setattr(progress_line, "REFRESH", 0.01)


def wait_for(screen, text):
    end = time.monotonic() + 30.0
    while text not in screen.getvalue():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_terminal_is_told_what_is_being_done_and_cleared(monkeypatch, impatient):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressLine("3 nodes") as line:
        for item in line.steps("counting", ["a", "b"]):
            wait_for(screen, f"setting up 3 nodes: counting ({'ab'.index(item)} of 2)")
        line.tell("thinking")
        wait_for(screen, "thinking, 0 s")
    assert screen.getvalue().endswith("\r\x1b[K") and "\n" not in screen.getvalue()


def test_what_fails_takes_its_line_down(monkeypatch, impatient):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(ValueError, match="broken"), ProgressLine("3 nodes") as line:
        line.tell("breaking")
        wait_for(screen, "breaking")
        raise ValueError("broken")
    assert screen.getvalue().endswith("\r\x1b[K")


def test_files_and_short_work_get_no_line(monkeypatch, impatient):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with ProgressLine("3 nodes"):
        time.sleep(0.1)
    assert log.getvalue() == ""
    monkeypatch.setattr(progress_line, "SILENT", 30.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    begin = time.monotonic()
    compile_scenario(load_scenario("tiny", {"horizon": 23}))
    assert sys.stderr.getvalue() == "" and time.monotonic() - begin < 25.0
