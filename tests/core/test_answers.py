"""What comes down over LoRaWAN: answers without a limit, within the gateway's duty cycle, or none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

MODEL = {"m": {"blocks": [(0.001, 40.0, 0.0)], "input": 12.0}}
NODES = {
    "d": {"demand": 1.0, "servers": 1.0},
    "e": {"demand": 1.0, "servers": 1.0},
    "g": {},
    "c": {"pins": ["all"], "device": "fast", "servers": float("inf")},
}
LINKS = [
    ("d", "g", {"link": "lora_sf12_eu868"}),
    ("e", "g", {"link": "lora_sf7_eu868"}),
    ("g", "c", {"rate": 1e9, "delay": 0.0}),
]
AIRTIME = np.array([1.48275, 0.056576])
"""[s] of an answer to d and to e, of 10 bytes and 13 of headers, without a checksum."""
BUDGET = 36.0


@pytest.fixture(scope="module")
def field(make_scenario):
    def make(answers, **overrides):
        radio = {"topology.radio.answers": answers, "topology.radio.demodulators": 0, "slot_seconds": 60.0}
        return make_scenario(NODES, LINKS, MODEL, {**radio, **overrides}, rate=0.1)

    return make


def play(scenario, demand):
    """The outcomes of slots with these batches (T, 2), and the level of the last store."""
    instance = build_instance(scenario, 0)
    state, outcomes = initial_state(instance), []
    placement = compile_scenario(scenario).tables.pinned[None]
    for t, batch in enumerate(demand):
        instance.draw.demand[0, t] = batch
        state, outcome = step(instance, state, Action(placement))
        outcomes.append(outcome)
    return outcomes, state.level[0, -1]


def sent(outcome):
    """[requests] of d and of e that went on air."""
    return outcome.served[0] + outcome.lost[0]


def test_a_gateway_has_a_store_for_its_answers_where_they_are_limited(field):
    names = [compile_scenario(field(answers)).names.stores for answers in ("unlimited", "none", "duty_cycle")]
    assert names[0] == names[1] == ("d->g airtime", "e->g airtime")
    assert names[2] == (*names[0], "g answers")


def test_the_gateway_answers_no_longer_than_it_may_send(field):
    """A few messages go as they are; of many, whose airtime the radios have, only what can be answered."""
    free, _ = play(field("unlimited"), [[20.0, 40.0]])
    assert sent(free[0]) == pytest.approx([20.0, 40.0])
    bound, left = play(field("duty_cycle"), [[20.0, 400.0]])
    asked = np.array([20.0, 400.0]) @ AIRTIME
    assert asked > BUDGET + 0.6 and left == pytest.approx(0.0, abs=1e-9)
    assert sent(bound[0]) @ AIRTIME == pytest.approx(BUDGET + 0.6, rel=1e-9)


@given(demand=st.lists(st.tuples(*[st.floats(0.0, 500.0)] * 2), min_size=1, max_size=4))
def test_its_airtime_is_never_exceeded(field, demand):
    outcomes, left = play(field("duty_cycle"), demand)
    spent = sum(sent(outcome) @ AIRTIME for outcome in outcomes)
    spilled = sum(outcome.spilled[0, -1] for outcome in outcomes)
    assert spent <= BUDGET + 0.6 * len(demand) + 1e-9
    assert spent + spilled + left == pytest.approx(BUDGET + 0.6 * len(demand))


def test_nobody_waits_for_answers_that_do_not_come(field):
    waited, alone = (play(field(answers), [[1.0, 1.0]])[0][0] for answers in ("unlimited", "none"))
    per_request = (waited.latency[0] - alone.latency[0]) / sent(waited)
    heard = waited.served[0] / sent(waited)  # who is lost waits until the timeout
    assert per_request == pytest.approx(heard * (1.0 + AIRTIME), rel=1e-6)


def test_a_delay_that_a_link_sets_stays(make_scenario):
    links = [("d", "g", {"link": "lora_sf12_eu868", "delay": 0.3}), *LINKS[1:]]
    scenario = make_scenario(NODES, links, MODEL, {"topology.radio.answers": "none"}, rate=0.1)
    assert compile_scenario(scenario).tables.link_delay[0] == 0.3
