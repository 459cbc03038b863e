"""What an accelerator draws while it holds a model: a step, however large the model."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

MODEL = {"m": {"blocks": [(2.0, 40.0, 5.0), (1.0, 10.0, 0.0)], "input": 20.0}}
NODES = {
    "a": {"demand": 1.0, "device": "holding", "servers": 2.0},
    "c": {"device": "holding", "pins": ["all"], "servers": 3.0},
}
LINKS = [("a", "c", {})]
COUNTED = {"idle_energy": True, "serving.tariff": {"traffic": 1.0}}


@pytest.fixture
def slot(make_scenario, play):
    def run(placement, overrides=COUNTED, nodes=NODES, demand=0.0):
        return play(make_scenario(nodes, LINKS, MODEL, overrides), placement, demand=[demand])

    return run


def test_holding_a_model_is_a_step(slot):
    """Idle 1 W a worker, 4 W more with a model: five workers for 10 s, of which three always hold one."""
    empty = slot({}).idle_energy
    assert empty == 10.0 * (2 * 1 + 3 * (1 + 4))
    assert slot({"a": ["m[0:1]"]}).idle_energy == slot({"a": ["m"]}).idle_energy == empty + 10.0 * 2 * 4


def test_computing_costs_what_it_draws_above_idling_with_a_model(slot):
    assert slot({"a": ["m"]}, demand=1.0).energy == pytest.approx([(8 - 1 - 4) * 3.0])
    free = {**COUNTED, "idle_energy": False}
    assert slot({"a": ["m"]}, free, demand=1.0).energy == pytest.approx([8 * 3.0])
    assert slot({"a": ["m"]}, free).idle_energy == 0.0


def test_a_cohort_draws_as_often_as_it_has_devices(slot):
    nodes = {**NODES, "a": {**NODES["a"], "count": 5}}
    step = slot({"a": ["m"]}, nodes=nodes).idle_energy - slot({}, nodes=nodes).idle_energy
    assert step == 5 * 10.0 * 2 * 4


def test_nobody_stands_by_where_workers_are_without_end(slot):
    nodes = {**NODES, "a": {**NODES["a"], "servers": float("inf")}}
    assert slot({"a": ["m"]}, nodes=nodes).idle_energy == slot({}, nodes=nodes).idle_energy


def test_price_counts_accelerators_as_if_they_held_a_model(make_scenario):
    priced = {"idle_energy": True, "objectives": ("price",), "dynamics.energy_price": {"mean": 3.6e6}}
    instance = build_instance(make_scenario(NODES, LINKS, MODEL, priced), 0)
    np.testing.assert_allclose(instance.draw.charge_slot[0, :, 0], 10.0 * 5 * (1 + 4))


def test_batteries_do_not_pay_for_it(make_scenario):
    nodes = {**NODES, "a": {**NODES["a"], "battery": {"capacity": 10.0}}}
    with pytest.raises(ConfigError, match=r"nodes\.a\.battery: is not allowed on device 'holding'"):
        compile_scenario(make_scenario(nodes, LINKS, MODEL, COUNTED))
