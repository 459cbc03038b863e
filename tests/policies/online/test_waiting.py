"""FTPL that waits: until when, what that costs in regret, what it saves in loads, and what a load costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.load_prices import full_load_price, load_cost, price_per_byte
from idn_gym.optimum.lp_oracle import LpOracle
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

pytest.importorskip("highspy")


def loads(placements):
    """Number of models that are newly asked for, slot 0 included."""
    before = np.concatenate([np.full_like(placements[:1], EMPTY), placements[:-1]])
    return int(((placements != before) & (placements != EMPTY))[:, :, 0].sum())


def first_load(placements):
    """First slot in which the edge node asks for anything."""
    return int(np.flatnonzero((placements[:, 0, 0] != EMPTY).any(axis=1))[0])


@pytest.mark.parametrize(("wait", "slots"), [(1.0, 2), (2.0, 5), (4.0, 17)])
def test_steady_demand_waits_for_about_the_square_of_wait_and_goes_on_as_ftpl(
    wait, slots, cells, play_learner
):
    scenario = cells(tasks=4, hold=2.0, horizon=30, **{"workload.popularity": {"kind": "fixed"}})
    instance = build_instance(scenario, (0,))
    instance.draw.demand[:] = instance.tables.class_requests
    options = {"scale": 0.1, "load_price": 0.0}
    _, waited, _, _ = play_learner("wait-then-ftpl", scenario, 1, instance, wait=wait, **options)
    _, plain, _, _ = play_learner("ftpl", scenario, 1, instance, **options)
    assert first_load(waited) == slots  # gain t against wait sqrt(t): the first t above wait^2
    np.testing.assert_array_equal(waited[slots:], plain[slots:])


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), wait=st.floats(0.5, 4.0), price=st.sampled_from([0.0, 0.1, 10.0]))
def test_waiting_alone_costs_no_more_regret_than_it_asks_for(seed, wait, price, cells, make_learner, drive):
    scenario = cells(tasks=4, hold=2.0, horizon=25)
    instance = build_instance(scenario, (0,))
    rng = np.random.default_rng(seed)
    drift = rng.normal(0.0, 0.5, (25, 4)).cumsum(axis=0)
    instance.draw.demand[0] = instance.tables.class_requests * rng.choice([0.0, 1.0], (25, 4)) * np.exp(drift)
    learner = make_learner("wait-then-ftpl", scenario, wait=wait, load_price=price)
    placements = drive(learner, instance)[0]
    waited = first_load(placements) if not learner.waiting[0] else 25
    oracle, tables = LpOracle(learner.compiled), instance.tables
    oracle(tables.class_requests)
    usual, total = oracle.bound, instance.draw.demand[0, : waited - 1].sum(axis=0)
    held = oracle(total, max(1.0, waited - 1.0))
    load = load_cost(tables, held, price_per_byte(tables, price))
    most = wait * usual * np.sqrt((waited - 1) * max(1.0, np.log1p(load / usual)))
    assert oracle.bound <= most * (1 + 1e-9)  # the slot before it stopped waiting
    assert (placements[:waited, 0, 0] == EMPTY).all()


def test_dear_loads_are_waited_for_longer_and_fewer_are_made(cells, play_learner):
    """One task at a time at random: whoever follows early, follows noise."""
    noise = {"workload.popularity": {"kind": "uniform"}}
    scenario = cells(tasks=8, hold=4.0, horizon=60, **noise)
    cheap = play_learner("wait-then-ftpl", scenario, load_price=0.0)[1]
    dear = play_learner("wait-then-ftpl", scenario, load_price=1e3)[1]
    plain = play_learner("ftpl", scenario)[1]
    assert 0 < first_load(cheap) < first_load(dear)
    assert loads(dear) <= loads(cheap) < loads(plain)


def test_a_load_costs_what_the_score_says(make_scenario):
    """One byte of 40 of two devices each, in a scenario whose score charges loads by weight and scale."""
    scenario = make_scenario(
        nodes={"edge": {"memory": 20.0, "count": 2, "demand": 1.0}, "cloud": {"pins": ["all"]}},
        links=[("edge", "cloud", {})],
        models={"m": {"blocks": [(0.1, 4.0, 0.1), (0.1, 6.0, 0.0)]}},
        overrides={"serving.max_parts": 2, "serving.loading": "instant", "scales.update": 0.5},
    )
    compiled = compile_scenario(scenario)
    tables = compiled.tables
    assert tables.nominal_memory == 40.0
    weights = np.zeros(len(compiled.objectives))
    weights[[objective.name for objective in compiled.objectives].index("update")] = 0.2
    assert full_load_price(compiled, weights) == pytest.approx(0.2 / 0.5)
    byte = price_per_byte(tables, 0.4)
    assert byte == pytest.approx(0.4 * tables.nominal_requests / 40.0)
    whole, head = tables.pinned.copy(), tables.pinned.copy()
    whole[0, 0] = np.flatnonzero((tables.segment_first == 0) & (tables.segment_last == 2))[0]
    head[0, 0] = np.flatnonzero((tables.segment_first == 0) & (tables.segment_last == 1))[0]
    assert load_cost(tables, whole, byte) == pytest.approx(2 * 10.0 * byte)
    assert load_cost(tables, whole, byte, head) == pytest.approx(2 * 6.0 * byte)
    assert load_cost(tables, tables.pinned, byte) == 0.0


@pytest.mark.parametrize("options", [{"wait": -1.0}, {"load_price": -0.1}, {"wait": "long"}])
def test_its_options_are_checked(options, cells, make_learner):
    with pytest.raises(ConfigError, match=next(iter(options))):
        make_learner("wait-then-ftpl", cells(tasks=2, hold=1.0), **options)
