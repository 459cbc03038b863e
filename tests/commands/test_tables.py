"""Tables for people and for programs."""

import io
import sys

import pytest

from idn_gym.commands.tables import Quantity, print_rows

HEAD = ("name [red]", "memory", "share", "number")
ROWS = [
    ("[bold]a[/bold]", Quantity(48e6, "B"), Quantity(0.125, "share"), 1),
    ("b" * 300, Quantity(float("nan"), "B"), Quantity(1.0, "share"), 20),
]


def test_a_pipe_gets_every_row_on_one_line(capsys):
    print_rows(HEAD, ROWS)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "[red]", "memory", "share", "number"]
    assert first.split() == ["[bold]a[/bold]", "48", "MB", "12.5", "%", "1"]
    assert second.split() == ["b" * 300, "-", "100.0", "%", "20"]
    assert len(head) == len(first) == len(second)


def test_programs_get_numbers_and_units(capsys):
    print_rows(HEAD, ROWS, as_csv=True)
    assert capsys.readouterr().out.splitlines() == [
        "name [red],memory [B],share [share],number",
        "[bold]a[/bold],48000000.0,0.125,1",
        f"{'b' * 300},,1.0,20",
    ]


@pytest.mark.parametrize("as_csv", [True, False])
def test_a_table_may_be_empty(as_csv, capsys):
    print_rows(("a", "b"), [], as_csv)
    assert capsys.readouterr().out.replace(",", " ").split() == ["a", "b"]


def test_a_terminal_gets_what_fits_its_width(monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, and no colours
    print_rows(("name", "what it does"), [("infida", "word " * 40)])
    lines = sys.stdout.getvalue().splitlines()
    assert len(lines) > 3 and max(map(len, lines)) <= 80
