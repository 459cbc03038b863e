"""Seconds of parts."""

import dataclasses

import pytest

from idn_gym.catalog import (
    Block,
    Device,
    Exit,
    Measured,
    Model,
    OperatingPoint,
    SimpleLaw,
    block_seconds,
    fixed_seconds,
)
from idn_gym.config_reader import ConfigError

COUNTED = Model(
    name="counted",
    task="t",
    family="f",
    kind="split",
    input=100.0,
    blocks=(Block("a", macs=2e6, layers=3, output=10.0), Block("b", macs=6e6, layers=1)),
    points=(OperatingPoint("full", (Exit(2, 1.0, 0.9),)),),
    outcome="published",
)
UNCOUNTED = dataclasses.replace(
    COUNTED, name="uncounted", blocks=(Block("a", macs=2e6, output=10.0), Block("b", macs=6e6))
)
BOARD = Device(
    name="board",
    tier="sbc",
    memory=1e9,
    macs_per_second=1e9,
    active_watts=4.0,
    idle_watts=1.0,
    fixed_seconds=0.5,
    layer_seconds=0.01,
)


def test_layers_and_operations_add_up():
    assert block_seconds(COUNTED, BOARD) == pytest.approx((0.03 + 0.002, 0.01 + 0.006))
    assert fixed_seconds(COUNTED, BOARD) == 0.5


def test_uncounted_layers_take_the_simple_law():
    board = dataclasses.replace(BOARD, simple=SimpleLaw(0.2, 2e9))
    assert block_seconds(UNCOUNTED, board) == pytest.approx((0.001, 0.003))
    assert fixed_seconds(UNCOUNTED, board) == 0.2
    assert fixed_seconds(COUNTED, board) == 0.5


def test_a_law_without_layer_term_is_simple_already():
    board = dataclasses.replace(BOARD, layer_seconds=0.0)
    assert block_seconds(UNCOUNTED, board) == pytest.approx((0.002, 0.006))
    assert fixed_seconds(UNCOUNTED, board) == 0.5


def test_no_law_for_uncounted_layers_is_an_error():
    with pytest.raises(ConfigError, match=r"devices\[board\].simple: missing; model 'uncounted'"):
        block_seconds(UNCOUNTED, BOARD)


def test_measured_seconds_beat_the_law_and_hold_the_fixed_cost():
    model = dataclasses.replace(
        COUNTED, seconds=(Measured("other", (9.0, 9.0)), Measured("board", (0.1, 0.2)))
    )
    assert block_seconds(model, BOARD) == (0.1, 0.2)
    assert fixed_seconds(model, BOARD) == 0.0
