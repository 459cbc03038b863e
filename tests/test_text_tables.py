"""Tables as text: what is in the cells is shown as it is, and quantities end below each other."""

import io
import math

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from idn_gym.text_tables import aligned, column_groups, make_table, rounded, significant

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


def test_numbers_have_no_exponent_where_people_need_none():
    shown = {1558.3: "1560", 2000.0: "2000", 32177.4: "32200", 0.0: "0", 0.03513: "0.0351", -999.6: "-1000"}
    assert {value: significant(value) for value in shown} == shown
    assert significant(2_336_645.0, 4) == "2.337e+06" and significant(float("nan")) == "nan"


def test_what_rounds_to_nothing_has_no_sign():
    shown = {("+.4f", -1e-6): "0.0000", ("+.1%", 4e-4): "0.0%", (".1f", -0.04): "0.0", ("g", -0.0): "0"}
    shown |= {("+.1f", -0.05001): "-0.1", ("+.4f", 1e-4): "+0.0001", (".3g", -1e-9): "-1e-09"}
    shown |= {("+.0e", -0.0): "0e+00", ("+g", -math.inf): "-inf", ("+.1f", 10.0): "+10.0"}
    assert {(form, value): rounded(value, form) for form, value in shown} == shown
    assert significant(-0.0) == "0"


@given(st.lists(st.text("ab", min_size=1, max_size=12), min_size=1, max_size=9), st.integers(1, 60))
def test_columns_that_do_not_fit_go_into_parts_with_names(head, width):
    rows = [[name * 2 for name in head]]
    groups = column_groups(head, rows, width)
    assert [i for group in groups for i in group[1:]] == list(range(1, len(head)))
    for group in groups:
        assert group[0] == 0
        lines = aligned([head[i] for i in group], [[row[i] for i in group] for row in rows])
        assert len(group) <= 2 or max(map(len, lines)) <= width
