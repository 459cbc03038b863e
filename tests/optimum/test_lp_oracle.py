"""The oracle's programs of few columns against the program of all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.optimum import lp_oracle
from idn_gym.optimum.lp_oracle import LpOracle
from idn_gym.optimum.solver import solve_relaxed
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.optimum.test_hindsight import build

pytest.importorskip("scipy")

PRIVATE = {"serving.capacity": "exogenous", "serving.loading": "instant"}


def full_bound(oracle, demand, slots):
    return solve_relaxed(oracle.program(np.maximum(0.0, demand), slots), 60.0).bound


@settings(max_examples=12)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_few_columns_gain_as_much_as_all(data, seed, worlds, make_scenario):
    """Chains and pins included, from whichever columns it begins."""
    compiled, instance = build(data.draw(worlds), make_scenario, seed, 2, **PRIVATE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lp_oracle, "FEW_COLUMNS", 0)
        rng, oracle, near = np.random.default_rng(seed), LpOracle(compiled), None
    for _ in range(3):
        factor = rng.choice([0.0, 1.0, 10.0], instance.draw.demand[0, 0].shape) * rng.uniform(0.5, 2.0)
        slots = float(rng.integers(1, 9))
        demand = instance.draw.demand[0, 0] * factor
        best = full_bound(oracle, demand, slots)
        for begin in (near, np.zeros(len(oracle.items.node), bool)):
            oracle(demand, slots, begin)
            assert oracle.bound == pytest.approx(best, rel=1e-9, abs=1e-9)
        near = oracle.near


def test_a_demand_that_drifts_needs_few_columns():
    compiled = compile_scenario(load_scenario("isp-hierarchy"))
    demand = build_instance(compiled.scenario, 0).draw.demand[0]
    noise = np.random.default_rng(0).normal(size=demand.shape[1]) * compiled.tables.class_requests.mean()
    oracle, near = LpOracle(compiled), None
    for slots in (1, 2, 3):
        total = demand[:slots].sum(0) + np.sqrt(slots) * noise
        placement = oracle(total, slots, near)
        near = oracle.near
        assert 0 < near.sum() < 0.1 * len(oracle.items.node)
        assert oracle.bound == pytest.approx(full_bound(oracle, total, slots), rel=1e-9)
        assert (placement != compiled.tables.pinned).any()
