"""What options and drops cost, against the sums written out."""

import numpy as np
import pytest

from idn_gym.core.costs import costs
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.pricing import PRICE_FIELDS, compute_option_costs, price
from idn_gym.core.row_starts import owners
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS

TABLES = compile_scenario(PRESETS["edge-small"]).tables
TARIFF = np.array([2.0, 3.0, 5.0, 7.0])


def test_the_tariff_is_applied_to_each_component():
    for i, unit in enumerate(np.eye(4)):
        assert price(TARIFF, *unit) == TARIFF[i]
    many = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(price(TARIFF, *many), TARIFF @ many)


def test_a_drop_costs_an_error_the_timeout_and_the_worst_energy_and_traffic():
    draw = nominal_draw(TABLES, TARIFF)
    worst = np.maximum.reduceat(draw.option_joules[0], TABLES.option_start[:-1])
    expected = 2.0 + 3.0 * TABLES.class_timeout + 5.0 * worst + 7.0 * TABLES.class_drop_bytes
    np.testing.assert_allclose(draw.drop_cost[0], expected, rtol=1e-12)
    in_time = draw.option_latency[0] <= TABLES.class_timeout[owners(TABLES.option_start)]
    assert (draw.option_cost[0] <= draw.drop_cost[0][owners(TABLES.option_start)])[in_time].all()


@pytest.mark.parametrize("component", range(4))
def test_prices_follow_the_tariff_one_component_at_a_time(component):
    tariff = np.where(np.arange(4) == component, 1.0, 0.0)
    draw = nominal_draw(TABLES, tariff)
    shown = (TABLES.option_error, draw.option_latency[0], draw.option_joules[0], TABLES.option_traffic)
    dropped = (1.0, TABLES.class_timeout, draw.drop_joules[0], TABLES.class_drop_bytes)
    np.testing.assert_array_equal(draw.option_cost[0], shown[component])
    np.testing.assert_array_equal(
        draw.drop_cost[0], np.broadcast_to(dropped[component], len(TABLES.class_task))
    )


def test_only_the_priced_fields_of_the_row_are_written():
    instance = build_instance(PRESETS["tiny"], [0, 1], preference="random")
    draw = instance.draw._replace(
        **{name: np.full_like(getattr(instance.draw, name), -1.0) for name in PRICE_FIELDS}
    )
    compute_option_costs(instance.tables, draw, 1)
    for name in PRICE_FIELDS:
        assert (getattr(draw, name)[0] == -1.0).all()
        np.testing.assert_array_equal(getattr(draw, name)[1], getattr(instance.draw, name)[1])


def test_the_costs_of_a_slot_are_those_of_the_draw_and_the_time_on_links():
    instance = build_instance(PRESETS["tiny"], 0)
    _, drop = costs(instance, 0)
    np.testing.assert_array_equal(drop, instance.draw.drop_cost[0])


def test_owners_of_a_table_in_rows():
    assert owners(np.array([0, 2, 2, 5])).tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize("name", ["edge-small", "isp-hierarchy"])
def test_the_last_choice_is_the_cheapest(name):
    tables, draw = build_instance(PRESETS[name], 0)
    for rho in range(len(tables.class_task)):
        options = np.arange(tables.class_fallback[rho], tables.option_start[rho + 1])
        cost, rank = draw.option_cost[0, options], tables.option_rank[options]
        assert draw.last_choice[0, rho] == (options[np.lexsort((rank, cost))[0]] if len(options) else -1)
