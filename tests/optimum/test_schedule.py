"""Best sequences of placements by enumeration, with and without a price on loading."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Action
from idn_gym.core.costs import serving_cost
from idn_gym.core.transition import initial_state, step
from idn_gym.optimum.schedule import all_placements, best_schedule, loads, slot_gains
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.optimum.test_hindsight import build

pytest.importorskip("scipy")


@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_best_sequences_without_and_with_a_price_on_loading(data, seed, worlds, make_scenario):
    compiled, instance = build(data.draw(worlds), make_scenario, seed)
    try:
        placements = all_placements(compiled, 60)
    except ConfigError:
        assume(False)
    gains = slot_gains(instance, placements)
    free = best_schedule(instance, placements)
    assert free.gain == pytest.approx(gains.max(1).sum(), rel=1e-9, abs=1e-9)
    price = 0.5 * (1.0 + free.gain) / (1.0 + free.loaded)
    paid = best_schedule(instance, placements, price)
    served = sum(
        serving_cost(instance, t, compiled.tables.pinned) - serving_cost(instance, t, placement)
        for t, placement in enumerate(paid.placements)
    )
    close = 1e-9 * (1 + abs(free.gain))
    assert paid.gain == pytest.approx(served - price * paid.loaded, rel=1e-9, abs=1e-9)
    assert max(0.0, free.gain - price * free.loaded) - close <= paid.gain <= free.gain + close
    dear = best_schedule(instance, placements, 1e12)
    assert dear.gain == pytest.approx(0.0, abs=1e-6) and dear.loaded == 0.0


def test_sequences_price_loads_as_the_core_counts_them(make_scenario):
    """From a head to the whole only the tail is loaded; memory holds one model at a time."""
    nodes = {"a": {"demand": 1.0, "memory": 30.0, "device": "fast"}}
    nodes["c"] = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
    models = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)]}}
    compiled = compile_scenario(make_scenario(nodes, [("a", "c", {})], models))
    instance, placements = build_instance(compiled.scenario, 0), all_placements(compiled)
    table, state = loads(instance, placements), initial_state(instance)
    for i, first in enumerate(placements):
        held, _ = step(instance, state, Action(first[None]))
        for j, second in enumerate(placements):
            _, outcome = step(instance, held, Action(second[None]))
            assert outcome.loaded.sum() == pytest.approx(table[i, j])
    with pytest.raises(ConfigError, match="too many"):
        all_placements(compile_scenario(load_scenario("isp-hierarchy")))
