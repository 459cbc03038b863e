"""Demand from next to nothing to far too much: finite and conserved, and no number runs over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.scenarios.episodes import build_instance
from tests.random_worlds import seeded_world, with_stores, world_of_loads
from tests.test_properties import FINITE, play

EXTREMES = 0.0, 5e-324, 1e-308, 1e-300, 1e-150, 1e-20, 1.0, 1e6, 1e12


def world_with_stores(seed):
    rng = np.random.default_rng([78, seed])
    return with_stores(seeded_world(seed), rng, lambda *choices: choices[rng.integers(len(choices))])


@FINITE
@pytest.mark.parametrize("world", [seeded_world, world_of_loads, world_with_stores])
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_what_comes_of_it_is_finite_and_conserved(make_scenario, world, data, seed):
    instance = build_instance(make_scenario(**world(seed)), seed)
    demand = instance.draw.demand
    drawn = data.draw(st.lists(st.sampled_from(EXTREMES), min_size=demand[0].size, max_size=demand[0].size))
    demand[0] = np.reshape(drawn, demand[0].shape)
    for t, _, outcome in play(instance, np.random.default_rng(seed), len(demand[0])):
        for name, values in outcome._asdict().items():
            assert np.isfinite(values).all(), name
        arrived = demand[0, t]
        assert (outcome.served[0] >= 0.0).all() and (outcome.served[0] <= arrived * (1.0 + 1e-9)).all()
        dropped = arrived - outcome.served[0]
        np.testing.assert_allclose(outcome.started[0, :, -1], dropped, rtol=1e-9, atol=1e-9 * arrived.max())
