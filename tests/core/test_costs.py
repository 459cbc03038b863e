import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.costs import costs, gain, serving_cost
from idn_gym.core.flows import option_flows
from idn_gym.evaluation.latencies import latency_quantiles
from idn_gym.optimum.static import static_gain
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

TWO_BLOCKS = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)], "points": {"all": [(2, 1.0, 0.75)]}}}
NODES = {
    "a": {"demand": 3.0},
    "b": {"demand": 1.0},
    "e": {"device": "fast"},
    "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
}
LINKS = [("a", "e", {}), ("b", "e", {}), ("e", "c", {"delay": 2.0})]
# Per request: on the repository 1 + 2.5 + 0.3 s, at the edge 1 + 0.3 s, on the ingress 3 s.
AWAY, EDGE, LOCAL = 3.8, 1.3, 3.0


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, LINKS, TWO_BLOCKS, rate=0.4)


def test_costs_lists_every_option_and_the_drop(scenario):
    instance = build_instance(scenario, 0)
    tables = instance.tables
    option, drop = costs(instance, 0)
    assert len(option) == tables.option_start[-1]
    mine = option[: tables.option_start[1]]
    whole = [AWAY, EDGE, LOCAL]
    split = [2.0 + 0.75 + 0.1, 2.0 + 0.75 + 2.25 + 0.1, 1.0 + 0.2 + 2.25 + 0.1]
    np.testing.assert_allclose(sorted(mine), sorted(whole + split))
    np.testing.assert_allclose(drop, 100.0)


def test_costs_are_infinite_beyond_the_timeout(make_scenario):
    tasks = [{"name": "t", "models": ["m"], "timeout": 3.2}]
    instance = build_instance(make_scenario(NODES, LINKS, TWO_BLOCKS, tasks=tasks), 0)
    option, _ = costs(instance, 0)
    assert np.isinf(option[: instance.tables.option_start[1]]).sum() == 3


def test_costs_move_with_the_rates_of_the_slot(scenario):
    instance = build_instance(scenario, 0)
    instance.draw.rate[0, 1] /= 2
    before, now = costs(instance, 0)[0], costs(instance, 1)[0]
    # 8 bytes at 16 bytes/s over one or two links, 4 at the cut, and nothing for who computes locally
    allowed = [0.0, 0.25, 0.5, 0.75, 1.0]
    assert all(any(abs(d - a) < 1e-9 for a in allowed) for d in now - before)
    assert (now - before).max() == pytest.approx(1.0)


def test_gain_is_the_tariff_saved(scenario):
    instance = build_instance(scenario, 0)
    names = compile_scenario(scenario).names
    placement = instance.tables.pinned.copy()
    assert serving_cost(instance, 0, placement) == pytest.approx(4 * AWAY)
    assert gain(instance, 0, placement) == 0.0
    placement[names.nodes.index("e"), 0] = names.segments.index("m")
    assert serving_cost(instance, 0, placement) == pytest.approx(4 * EDGE)
    assert gain(instance, 0, placement) == pytest.approx(4 * (AWAY - EDGE))


def test_gain_of_a_later_row_and_slot(scenario):
    instance = build_instance(scenario, [0, 1])
    instance.draw.demand[1, 2] = [1.0, 0.0]
    placement = instance.tables.pinned
    assert serving_cost(instance, 2, placement, b=1) == pytest.approx(AWAY)
    assert serving_cost(instance, 2, placement, b=0) == pytest.approx(4 * AWAY)


@pytest.mark.parametrize("ask", [gain, serving_cost, option_flows, latency_quantiles])
def test_slots_and_placements_that_do_not_fit_are_refused(ask, scenario):
    """Kernels do not check indices: they would read whatever is there."""
    instance = build_instance(scenario, 0)
    pinned, slots = instance.tables.pinned, instance.draw.demand.shape[1]
    ask(instance, slots - 1, pinned)
    for t in (-1, slots, 0.5, None):
        with pytest.raises(ConfigError, match=f"t: .* must be a whole number from 0 to {slots - 1}"):
            ask(instance, t, pinned)
    for placement in (pinned[:2], pinned.astype(float), pinned.tolist()):
        with pytest.raises(ConfigError, match="placement: must be an array of whole numbers of the shape"):
            ask(instance, 0, placement)
    with pytest.raises(ConfigError, match="placement: holds numbers that are not segments"):
        ask(instance, 0, pinned + 100)


def test_rows_and_wishes_that_do_not_fit_are_refused(scenario):
    instance = build_instance(scenario, 0)
    with pytest.raises(ConfigError, match="b: 1 is not allowed; must be a whole number from 0 to 0"):
        costs(instance, 0, 1)
    with pytest.raises(ConfigError, match="placement: holds numbers that are not segments"):
        static_gain(instance, instance.tables.pinned + 100)
