"""The oracle's kept program against the program of all columns, solved from nothing by SciPy."""

import copy
import pickle
import sys

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.core.row_starts import owners
from idn_gym.optimum import lp_oracle
from idn_gym.optimum.lp_oracle import LpOracle
from idn_gym.optimum.prefix_program import placement_rows
from idn_gym.optimum.prefixes import PINNED
from idn_gym.optimum.solver import Program, solve_relaxed, sparse_rows
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.optimum.test_hindsight import build

pytest.importorskip("scipy")
highspy = pytest.importorskip("highspy")

PRIVATE = {"serving.capacity": "exogenous", "serving.loading": "instant"}


def full_bound(compiled, oracle, demand, slots):
    """By W_k <= W_{k-1} + room_k (z_k - zbar_k), W_k <= 1, with all columns, in SciPy."""
    items, layers = oracle.items, oracle._layers
    asked = np.repeat(np.maximum(0.0, demand), np.diff(layers.start))
    entry = np.flatnonzero(asked > 0.0)
    asked, owner = asked[entry], owners(layers.start)[entry]
    item, shorter = layers.item[entry], layers.shorter[entry]
    room, saved = np.minimum(1.0, layers.capacity[entry] * slots / asked), layers.saved[entry]
    columns, later = len(items.node), np.flatnonzero(owner[1:] == owner[:-1]) + 1
    step = saved.copy()
    step[later - 1] -= saved[later]
    free, chained = np.flatnonzero(item != PINNED), np.flatnonzero(shorter != EMPTY)
    triples, limit = placement_rows(compiled.tables, items, False)
    row, w = len(limit) + np.arange(len(entry)), columns + np.arange(len(entry))
    triples += [
        (row, w, np.ones(len(entry))),
        (row[later], w[later] - 1, -np.ones(len(later))),
        (row[free], item[free], -room[free]),
        (row[chained], shorter[chained], room[chained]),
    ]
    program = Program(
        gain=np.concatenate([np.zeros(columns), step * asked]),
        rows=sparse_rows(triples, len(limit) + len(entry), columns + len(entry)),
        limit=np.concatenate([limit, np.where(item == PINNED, room, 0.0)]),
        upper=np.ones(columns + len(entry)),
        integers=columns,
    )
    return solve_relaxed(program, 60.0).bound


def drifting(compiled, slots):
    """(slots, R) what FTPL asks for: sums of batches and noise that grows as the root of time."""
    demand = build_instance(compiled.scenario, 0).draw.demand[0]
    noise = np.random.default_rng(0).normal(size=demand.shape[1]) * compiled.tables.class_requests.mean()
    return [demand[:t].sum(0) + np.sqrt(t + 1.0) * noise for t in range(1, slots + 1)]


def same(one, other):
    """Whether two optima are the same bits."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16), few=st.sampled_from([1, 8]))
def test_the_kept_program_gains_as_much_as_all_columns(data, seed, few, worlds, make_scenario):
    """Chains, pins and binding capacities included, warm and cold."""
    compiled, instance = build(data.draw(worlds), make_scenario, seed, 2, **PRIVATE)
    rng, oracle = np.random.default_rng(seed), LpOracle(compiled)
    kept = oracle.begin()
    for _ in range(5):
        factor = rng.choice([0.0, 1.0, 10.0], instance.draw.demand[0, 0].shape) * rng.uniform(0.5, 2.0)
        slots = float(rng.integers(1, 9))
        demand = instance.draw.demand[0, 0] * factor
        best = full_bound(compiled, oracle, demand, slots)
        for program in (None, kept):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(lp_oracle, "MOST_JOINING", few)
                oracle(demand, slots, program)
            assert oracle.bound == pytest.approx(best, rel=1e-9, abs=1e-9)
        _, twin = pickle.loads(pickle.dumps((oracle, kept)))
        found = kept.solve()
        assert found.gain == pytest.approx(best, rel=1e-9, abs=1e-9)
        used = np.bincount(oracle.items.node, oracle.items.size * found.z, len(oracle.items.budget))
        assert (used <= oracle.items.budget * (1.0 + 1e-6)).all()
        assert same(twin.solve(), found)


def test_a_demand_that_drifts_needs_few_columns_and_plays_again_to_the_same_placements():
    compiled = compile_scenario(load_scenario("isp-hierarchy"))
    oracle, other = LpOracle(compiled), LpOracle(compiled)
    kept, again = oracle.begin(), other.begin()
    other(drifting(compiled, 1)[0] * 0.3, 1.0)  # what somebody else asks for changes nothing
    for slots, demand in enumerate(drifting(compiled, 8), 1):
        placement = oracle(demand, slots, kept)
        np.testing.assert_array_equal(placement, other(demand, slots, again))
        assert oracle.bound == pytest.approx(full_bound(compiled, oracle, demand, slots), rel=1e-9)
        assert 0 < kept.joined.sum() < 0.1 * len(oracle.items.node)
        assert (placement != compiled.tables.pinned).any()


def test_capacities_that_bind_and_no_longer_do():
    """Rooms of the same columns fall and rise: full, of few layers, of most, and back."""
    compiled = compile_scenario(load_scenario("edge-small", PRIVATE))
    oracle = LpOracle(compiled)
    kept, asked, binding = oracle.begin(), compiled.tables.class_requests, []
    kept.join(np.ones(len(oracle.items.node), np.bool_))
    for factor in (0.01, 3.0, 100.0, 1.0, 0.01):
        oracle(asked * factor, 1.0, kept)
        best = full_bound(compiled, oracle, asked * factor, 1.0)
        assert (kept.solve().gain, oracle.bound) == pytest.approx((best, best), rel=1e-9)
        binding.append(int((oracle._layers.room < 1.0).sum()))
    assert binding[0] == binding[4] == 0 < binding[3] < binding[1] < binding[2]
    assert kept.joined.all()  # nothing was rebuilt


def test_where_nothing_may_be_placed_pins_serve(make_scenario):
    compiled = compile_scenario(
        make_scenario(
            nodes={"cloud": {"pins": ["all"], "demand": 1.0}},
            links=[],
            models={"m": {"blocks": [(0.1, 10.0, 0.0)]}},
            overrides=PRIVATE,
        )
    )
    oracle = LpOracle(compiled)
    kept = oracle.begin()
    for asked in (np.zeros(1), np.ones(1), 1e6 * np.ones(1)):
        np.testing.assert_array_equal(oracle(asked, 1.0, kept), compiled.tables.pinned)
        assert oracle.bound == pytest.approx(full_bound(compiled, oracle, asked, 1.0))
    assert len(oracle.items.node) == 0 < oracle.bound


@pytest.mark.parametrize(
    ("scenario", "slots", "clone"),
    [("edge-small", 8, copy.deepcopy), ("isp-hierarchy", 4, lambda both: pickle.loads(pickle.dumps(both)))],
    ids=["copy", "pickle"],
)
def test_copies_go_on_to_the_same_bits(scenario, slots, clone):
    """From another basis, scaling or factorisation, HiGHS finds other optima or other bits here."""
    compiled = compile_scenario(load_scenario(scenario, PRIVATE))
    oracle = LpOracle(compiled)
    kept = oracle.begin()
    for demand in build_instance(compiled.scenario, 0).draw.demand[0, :slots]:
        other, twin = clone((oracle, kept))
        np.testing.assert_array_equal(other.bound, oracle.bound)
        np.testing.assert_array_equal(other(demand, 1.0, twin), oracle(demand, 1.0, kept))
        assert other.bound == oracle.bound


@pytest.mark.parametrize(
    ("demand", "slots", "key"),
    [
        ([1.0], 1.0, "demand"),
        (np.nan, 1.0, "demand"),
        (np.inf, 1.0, "demand"),
        (1.0, 0.0, "slots"),
        (1.0, np.inf, "slots"),
    ],
)
def test_what_is_no_demand_of_the_scenario_is_refused(demand, slots, key):
    compiled = compile_scenario(load_scenario("tiny", PRIVATE))
    asked = np.full(len(compiled.tables.class_task), demand) if np.isscalar(demand) else np.array(demand)
    with pytest.raises(ConfigError, match=f"{key}: .* is not allowed; must be"):
        LpOracle(compiled)(asked, slots)


def test_another_user_of_highs_may_have_set_the_threads_of_the_process():
    users = highspy._Highs()
    users.setOptionValue("output_flag", False)
    users.setOptionValue("threads", 2)
    highspy.Highs.resetGlobalScheduler(True)
    try:
        assert users.run() == highspy.HighsStatus.kOk
        compiled = compile_scenario(load_scenario("tiny", PRIVATE))
        oracle = LpOracle(compiled)
        oracle(compiled.tables.class_requests)
        assert oracle.bound > 0.0
    finally:
        highspy.Highs.resetGlobalScheduler(True)


def test_without_highspy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "highspy", None)
    oracle = LpOracle(compile_scenario(load_scenario("tiny", PRIVATE)))
    with pytest.raises(gym.error.DependencyNotInstalled, match=r"highspy is missing.*idn-gym\[solve\]"):
        oracle.begin()


def test_nothing_is_printed(capfd):
    LpOracle(compile_scenario(load_scenario("tiny", PRIVATE))).begin().solve()
    assert capfd.readouterr() == ("", "")
