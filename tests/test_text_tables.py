"""Tables as text: what is in the cells is shown as it is, and quantities end below each other."""

import io

from rich.console import Console

from idn_gym.text_tables import aligned, make_table

HEAD = ["agent [x]", "delay [ms]", "with bounds", "where", "loads"]
ROWS = [
    ["ppo [bold]", 9.5, "0.1 [0.05, 0.15]", "board", "-"],
    ["cloud-only", "10.25", "+0.25 [-]", "3 of [them], or [/none]", "3 %"],
]


def test_cells_are_shown_as_they_are_and_quantities_end_below_each_other():
    assert aligned(HEAD, ROWS) == [
        "agent [x]   delay [ms]       with bounds  where                    loads",
        "ppo [bold]         9.5  0.1 [0.05, 0.15]  board                        -",
        "cloud-only       10.25         +0.25 [-]  3 of [them], or [/none]    3 %",
    ]


def test_a_row_is_a_line_however_wide_it_is():
    name = "a long name " * 100
    assert aligned(["agent", "cost"], [[name, 1]]) == [
        "agent" + " " * (len(name) - 5) + "  cost",
        name + "     1",
    ]
    assert aligned(["agent", "cost"], []) == ["agent  cost"]


def test_wide_characters_take_two_columns():
    assert aligned(["node", "load"], [["边缘", "1"], ["edge", "2"]]) == [
        "node  load",
        "边缘     1",
        "edge     2",
    ]


def test_a_terminal_is_not_passed():
    console = Console(file=io.StringIO(), width=40)
    console.print(make_table(HEAD, ROWS))
    lines = console.file.getvalue().splitlines()
    assert len(lines) > 3 and all(len(line) <= 40 for line in lines)
