"""Users who move between ingress nodes: the total stays, and nodes have what their weights say on average."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.config import Commuting, Diurnal, Roaming, Workload
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.replay import ClassLabels
from tests.end_to_end import whole

draw_demand = whole(demands.draw_demand)
WEIGHTS, SHARES = np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])
BASE = 100.0 * np.outer(WEIGHTS, SHARES).ravel()
PLACES = (("a", "town"), ("b", "town"), ("c", "port"))
LABELS = ClassLabels(np.tile(np.arange(2), 3), np.repeat(np.arange(3), 2), (), (), PLACES)


def draw(process, horizon=300, seed=0, **others):
    """Demand of the nodes (horizon, 3)."""
    workload = Workload(1.0, mobility=process, **others)
    demand = draw_demand(workload, BASE, LABELS, horizon, np.random.default_rng(seed))
    split = demand.reshape(horizon, 3, 2)
    assert split / split.sum(axis=2, keepdims=True) == pytest.approx(
        np.tile(SHARES, (horizon, 3, 1)), nan_ok=True
    )
    return split.sum(axis=2)


def test_users_roam_with_their_demand():
    nodes = draw(Roaming(users=50, move=0.2), horizon=5000)
    assert nodes.sum(axis=1) == pytest.approx(np.full(5000, 100.0))
    assert nodes.mean(axis=0) / 100 == pytest.approx(WEIGHTS, abs=0.02)
    assert nodes / 2 == pytest.approx(np.round(nodes / 2))  # each user asks for 2 requests
    spread = 100 * np.sqrt(WEIGHTS * (1 - WEIGHTS) / 50)
    assert nodes.std(axis=0) == pytest.approx(spread, rel=0.15)
    x = nodes - nodes.mean(axis=0)
    assert (x[1:] * x[:-1]).mean() / x.var() == pytest.approx(0.8, abs=0.05)


def test_nobody_moves_unless_asked_to():
    nodes = draw(Roaming(move=0.0), horizon=600)
    assert (nodes == nodes[0]).all()


def test_people_commute_by_day():
    process = Commuting(homes=("town",), works=("c",), share=0.5, leave=0.25, back=0.75, period=8.0)
    nodes = draw(process, horizon=16)
    assert nodes.sum(axis=1) == pytest.approx(np.full(16, 100.0))
    assert nodes[[0, 1, 2, 6, 7]] == pytest.approx(np.tile(100 * WEIGHTS, (5, 1)))
    assert nodes[4] == pytest.approx([25, 15, 60])  # at noon half of the homes' demand is at work
    assert nodes[3] == pytest.approx([50 - 25 * 0.5**0.5, 30 - 15 * 0.5**0.5, 20 + 40 * 0.5**0.5])
    np.testing.assert_allclose(nodes[:8], nodes[8:])


def test_the_day_multiplies_what_mobility_gives():
    process = Commuting(homes=("a",), works=("c",), period=8.0)
    day = Diurnal(period=8.0)
    wave = draw(None, horizon=8, diurnal=day) / draw(None, horizon=8)
    assert draw(process, horizon=8, diurnal=day) == pytest.approx(draw(process, horizon=8) * wave)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"homes": ("d",), "works": ("a",)},
            r"homes: 'd' is no ingress node, nor a tier with one; allowed: a, b, c",
        ),
        ({"homes": ("a",), "works": ("town",)}, r"works: 'a' is also among the homes"),
        ({"homes": (), "works": ("a",)}, r"homes: \(\) is not allowed; needs at least one ingress node"),
    ],
)
def test_places_that_do_not_fit_get_one_sentence(fields, message):
    with pytest.raises(ConfigError, match=r"^workload\.mobility\." + message):
        draw(Commuting(**fields))
    with pytest.raises(ConfigError, match=r"^back: 0\.2 is not allowed; must be above leave, 0\.3"):
        Commuting(homes=("a",), works=("b",), back=0.2)


def test_presets_take_them():
    changed = {
        "workload.mobility": {"kind": "commute", "homes": ["board-0"], "works": ["board-1", "board-2"]}
    }
    scenario = load_scenario("edge-small", changed | {"workload.bursts": None, "workload.diurnal": None})
    demand = build_instance(scenario, 0).draw.demand[0]
    assert demand.sum(axis=1) == pytest.approx(np.full(len(demand), demand[0].sum()))
    assert np.ptp(demand[:, 0]) > 0.0
