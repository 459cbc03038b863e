"""Small fields whose associations are all judged."""

import pytest

from experiments.presets.field_games import (
    FIELD_DEVICES,
    FIELD_GAMES_HEAD,
    field_line,
    field_rows,
    nominal_game,
    small_field,
)


def test_what_is_reached_lies_between_the_optimum_and_the_worst_stable_one():
    line = field_line(32, 0)
    assert line["devices"] == 32 * FIELD_DEVICES
    assert 1.0 <= line["stability"] <= line["reached, own"] <= line["anarchy"] * (1.0 + 1e-12)
    assert line["nash, own"] and line["nash, marginal"]
    assert line["anarchy"] < line["nearest"]  # crowds do better apart
    (row,) = field_rows([line, {**line, "instance": 1}])
    assert len(row) == len(FIELD_GAMES_HEAD) and row[0] == "192" and row[-1] == "4 of 4"


def test_fields_are_drawn_from_their_number():
    one, again, other = (small_field(number, 8) for number in (3, 3, 4))
    assert one == again and one.topology != other.topology
    assert one.workload.rate == pytest.approx(8 * FIELD_DEVICES / 30)
    assert nominal_game(one).players == FIELD_DEVICES
