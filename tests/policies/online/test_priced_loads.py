"""Loads with a price: the bracket against all placements, what learners' fractions load, and the command."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.commands.compare import main
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.regret import net_gains, net_regret_bound, regret
from idn_gym.optimum.certificate import certificate
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.load_prices import full_load_price, load_cost, price_per_byte
from idn_gym.optimum.prefixes import list_prefixes, serves_alone
from idn_gym.optimum.schedule import all_placements, slot_gains
from idn_gym.policies.online.hindsight import BestStaticConfig
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

pytest.importorskip("scipy")

PRICES = st.sampled_from([0.0, 0.01, 0.3, 2.0, 50.0])
"""What all memory once costs: nothing, little, about what a slot costs, and more than anything saves."""


def priced_gains(compiled, instance, byte):
    """Placements that fit, and what each gains in the episode if its first load is paid."""
    placements = all_placements(compiled, 3000)
    gains = slot_gains(instance, placements, 0).sum(axis=0)
    return placements, gains - [load_cost(instance.tables, one, byte) for one in placements]


def check_priced_bracket(data, seed, price, shared, worlds, make_scenario):
    world = data.draw(worlds)
    capacity = {"serving.capacity": "shared" if shared else "exogenous", "serving.loading": "instant"}
    world["overrides"] |= {**capacity, "dynamics.memory": None, "horizon": 6}
    scenario = make_scenario(**world)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, seed)
    byte = price_per_byte(compiled.tables, price)
    try:
        placements, gains = priced_gains(compiled, instance, byte)
    except ConfigError:  # too many to list
        assume(False)
    found = best_static(compiled, instance, seconds=2.0, gap=0.0, load_price=byte)
    slack = 1e-6 * max(1.0, found.alone)
    assert gains.max() <= found.upper + slack
    own = (placements == found.placement).all(axis=(1, 2))
    assert gains[own] == pytest.approx(found.lower, abs=slack)
    assert found.lower >= -slack  # nothing at all is a placement too
    if serves_alone(compiled.tables, list_prefixes(compiled)):
        assert gains.max() <= certificate(compiled, instance, iterations=30, load_price=byte).upper + slack


EXAMPLES = given(data=st.data(), seed=st.integers(0, 2**16), price=PRICES, shared=st.booleans())


@settings(max_examples=8)
@EXAMPLES
def test_the_priced_bracket_holds_the_best_of_all_placements(
    data, seed, price, shared, worlds, make_scenario
):
    check_priced_bracket(data, seed, price, shared, worlds, make_scenario)


@pytest.mark.long
@settings(max_examples=60)
@EXAMPLES
def test_the_priced_bracket_holds_the_best_of_all_placements_in_many_worlds(
    data, seed, price, shared, worlds, make_scenario
):
    check_priced_bracket(data, seed, price, shared, worlds, make_scenario)


def test_a_price_that_nothing_is_worth_leaves_everything_empty_and_a_small_one_nothing_out(cells):
    scenario = cells(tasks=4, hold=2.0, horizon=8)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
    free = best_static(compiled, instance, gap=0.0)
    dear = best_static(compiled, instance, gap=0.0, load_price=1e12)
    assert (dear.placement == compiled.tables.pinned).all() and dear.lower == dear.upper == 0.0
    byte = 0.01 * free.lower / 20.0
    some = best_static(compiled, instance, gap=0.0, load_price=byte)
    assert some.lower == pytest.approx(free.lower - byte * 20.0)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**16), price=PRICES, uniform=st.booleans())
def test_net_regret_keeps_its_bound_and_fractions_move_no_further_than_proven(
    seed, price, uniform, cells, play_learner
):
    kind = {"kind": "uniform" if uniform else "alternating"}
    scenario = cells(tasks=5, hold=1.5, horizon=40, **{"workload.popularity": kind})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, seed)
    learner, _, _, fractional = play_learner("oga", scenario, instance=instance)
    byte = price_per_byte(compiled.tables, price)
    moved, most = learner.fractional_loaded[0], learner.movement_bound[0]
    assert 0.0 < moved <= most * (1 + 1e-9)
    best = best_static(compiled, instance, gap=0.0, load_price=byte).lower
    net = fractional.sum() - byte * moved
    bound = net_regret_bound(learner.regret_bound, learner.movement_bound, byte)[0]
    assert best - net <= bound * (1 + 1e-9) + 1e-6


NAMES = (
    "infida-adahedge",
    "infida-adahedge-smoothed",
    "smoothed-ader",
    "ftpl",
    "wait-then-ftpl",
    "ftpl-splits",
)


def test_the_option_has_one_default_and_names_that_say_so_pay_as_the_score_does(cells, make_learner):
    pytest.importorskip("highspy")
    scenario = cells(tasks=2, hold=1.0, horizon=2)
    found = {name: make_learner(name, scenario).config.load_price for name in NAMES}
    paying = {"infida-adahedge-smoothed", "smoothed-ader", "wait-then-ftpl"}
    assert found == {name: None if name in paying else 0.0 for name in NAMES}
    assert BestStaticConfig().load_price == 0.0


def test_null_is_the_price_of_the_score_for_the_best_static_placement_too(cells, make_learner):
    scenario = cells(tasks=4, hold=2.0, horizon=8, **{"scales.update": 0.01})
    weights = build_instance(scenario, 0).draw.weights[0]
    price = full_load_price(compile_scenario(scenario), weights)
    scored, same, free = (
        make_learner("best-static", scenario, load_price=one).notes for one in (None, price, 0.0)
    )
    assert scored["lower"] == same["lower"] < free["lower"]


def test_a_learner_without_a_proof_has_no_bound_on_movement_either(cells, play_learner):
    assert play_learner("infida", cells(tasks=3, hold=1.5, horizon=3))[0].movement_bound is None


def test_net_gains_by_hand():
    gains, loaded = np.array([3.0, 1.0, 2.0]), np.array([10.0, 0.0, 5.0])
    assert net_gains(gains, loaded, 0.1).tolist() == [2.0, 1.0, 1.5]
    static = net_gains(np.full(3, 2.0), np.array([20.0, 0.0, 0.0]), 0.1)
    assert regret(net_gains(gains, loaded, 0.1), static).tolist() == [-2.0, -1.0, -0.5]
    assert net_regret_bound(np.array([4.0]), np.array([10.0]), 0.1).tolist() == [5.0]


def compared(capsys, *words):
    main([*words])
    return capsys.readouterr().out


def test_compare_prints_net_gain_regret_and_what_is_proven(capsys):
    words = ("oga", "infida-optimistic", "lru", "--scenario", "adversary", "--seeds", "2", "--ceiling", "5")
    out = compared(capsys, *words, "--load-price", "0.5", "horizon=30")
    assert (
        "pays its first load; regret is that of the played placements; bounds are proven for fractions" in out
    )
    assert "regret as played, at least" in out and "of fractions, proven at most" in out
    rows = {line.split("  ")[0].strip(): line.split() for line in out[out.index("net gain") :].splitlines()}
    assert min(float(rows[name][-1]) for name in ("oga", "infida-optimistic")) > 0.0
    assert rows["lru"][-1] == "-"
    low, high = (float(rows["best static, reached"][k].replace("+", "")) for k in (-3, -2))
    assert low == 0.0 <= high
    assert float(rows["nothing loaded"][2]) == 0.0


@pytest.mark.parametrize(
    ("policy", "changes", "why"),
    [
        ("lru", (), "capacity or loading is shared; regret is measured only"),
        # Splits: private capacity, and no bound all the same.
        (
            "oga",
            ("serving.capacity=exogenous", "serving.loading=instant"),
            "no bound is proven; regret is measured only",
        ),
    ],
)
def test_compare_says_where_it_only_measures(policy, changes, why, capsys):
    words = (policy, "cloud-only", "--scenario", "tiny", "--seeds", "1", "--ceiling", "1")
    out = compared(capsys, *words, "--load-price", "0.5", "horizon=4", *changes)
    assert why in out and "bounds are proven" not in out


def test_a_load_price_without_a_ceiling_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["lru", "cloud-only", "--scenario", "tiny", "--load-price", "0.5"])
    assert "--load-price" in capsys.readouterr().err
