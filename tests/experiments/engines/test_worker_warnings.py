"""What workers warn of is said once, by whichever process comes first."""

import warnings

from experiments.engines.workers import pool_of
from idn_gym.commands.endings import WarningLines, ending, shared_warnings


def warn(text):
    warnings.warn(text, stacklevel=2)


def test_a_warning_is_said_once_by_all_processes_together(capfd):
    with ending():
        warn("the parent knows")
        with pool_of(2) as pool:
            list(pool.map(warn, ["the parent knows", "a worker finds out"] * 4))
        warn("a worker finds out")
        warn("the end")
    said = ["the parent knows", "a worker finds out", "the end"]
    assert capfd.readouterr().err.splitlines() == [f"warning: {text}" for text in said]


def test_processes_side_by_side_share_what_they_have_said(capsys):
    with ending(), shared_warnings() as told:
        for workers in (WarningLines(*told), WarningLines(*told)):
            workers("late news")
    assert capsys.readouterr().err == "warning: late news\n"
