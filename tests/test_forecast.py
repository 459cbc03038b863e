"""What the graph observation forecasts, against the costs of the slot to expect."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, Instance
from idn_gym.core.costs import serving_cost
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS
from idn_gym.simulation import Simulation
from tests.plain_forecast import slot_to_expect
from tests.test_invariance import match, permute

SEEDS = st.integers(0, 2**32 - 1)

pytestmark = pytest.mark.filterwarnings("ignore:.*has finite compute")


def start(scenario, seed):
    """A simulation in which slot 0 is over, with random residents."""
    simulation = Simulation(scenario, "segments", "graph", "random", "train", batch=1)
    simulation.reset([0], [seed])
    tables = simulation.compiled.tables
    rng = np.random.default_rng(seed)
    wanted = rng.integers(EMPTY, len(tables.segment_model), (1, *tables.pinned.shape))
    simulation.step(wanted.astype(np.int32))
    return simulation


def differences(simulation):
    """What each pair saves in the slot to expect, served in full (C,), and what is at stake."""
    tables = simulation.compiled.tables
    expected = Instance(tables, slot_to_expect(simulation))
    saved, most = [], 0.0
    for v, s in zip(*simulation.compiled.pairs, strict=True):
        bare = simulation.state.resident[0].copy()
        of_task = tables.model_task == tables.model_task[tables.segment_model[s]]
        bare[v, of_task & (tables.pinned[v] == EMPTY)] = EMPTY
        held = bare.copy()
        held[v, tables.segment_model[s]] = s
        before, after = (serving_cost(expected, 0, placement) for placement in (bare, held))
        saved.append(max(0.0, before - after))
        most = max(most, before)
    return np.array(saved), most


@given(data=st.data(), seed=SEEDS)
def test_savings_are_differences_of_cost_with_private_capacity(make_scenario, worlds, data, seed):
    """Whatever is scarce: outages, bursts and errors of devices included."""
    world = data.draw(worlds)
    world["overrides"] |= {"serving.capacity": "exogenous", "serving.loading": "instant"}
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    simulation = start(scenario, seed)
    saved, most = differences(simulation)
    np.testing.assert_allclose(simulation.observer._forecast.saving, saved, rtol=1e-9, atol=1e-9 * most)


@given(data=st.data(), seed=SEEDS)
def test_savings_are_differences_of_cost_where_one_class_has_all(make_scenario, worlds, data, seed):
    """With shared capacity the forecast leaves out waiting and what classes leave each other."""
    world = data.draw(worlds)
    for node in world["nodes"].values():
        node.pop("demand", None)
    world["nodes"]["trunk-0"]["demand"] = 1.0
    world["models"] = {name: model for name, model in world["models"].items() if model["task"] == "t0"}
    world["overrides"]["serving.capacity"] = "shared"
    world["overrides"]["serving.queueing"] = "none"
    world["overrides"]["serving.last_resort"] = world["overrides"]["serving.load_limit"]
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    simulation = start(scenario, seed)
    saved, most = differences(simulation)
    np.testing.assert_allclose(simulation.observer._forecast.saving, saved, rtol=1e-9, atol=1e-9 * most)


@pytest.mark.parametrize(("preset", "off"), [("tiny", 0.034), ("edge-small", 0.006), ("fashion-edge", 0.001)])
def test_with_shared_capacity_segments_are_in_nearly_the_order_of_what_they_save(preset, off):
    """Ten slots after random placements, against serving all classes again, waiting included."""
    stats = pytest.importorskip("scipy.stats")
    far, alike = [], []
    for seed in range(10):
        simulation = start(PRESETS[preset], seed)
        saved, most = differences(simulation)
        forecast = simulation.observer._forecast.saving
        far.append(np.abs(forecast - saved).mean() / most)
        alike.append(stats.spearmanr(forecast, saved).statistic)
    assert np.mean(far) == pytest.approx(off, abs=0.0006)
    assert np.mean(alike) > 0.94 and np.min(alike) > 0.75


@given(data=st.data(), seed=SEEDS)
def test_forecasts_are_possible(make_scenario, worlds, data, seed):
    """Nothing saves more than all that passes costs, or runs longer than the node can."""
    world = data.draw(worlds)
    world["overrides"]["serving.capacity"] = "shared"
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    simulation = start(scenario, seed)
    observation, _ = simulation.observe()
    assert {name: table[0] for name, table in observation.items()} in simulation.observer.space
    forecast = simulation.observer._forecast
    seconds = slot_to_expect(simulation).seconds[0, 0]
    assert (forecast.saving >= 0.0).all()
    assert (forecast.saving <= forecast.base[forecast.pair_node] * (1.0 + 1e-9)).all()
    assert (forecast.load <= seconds[forecast.pair_node] * (1.0 + 1e-9)).all()


@given(data=st.data(), seed=SEEDS)
def test_relabelling_permutes_the_observation(make_scenario, worlds, data, seed):
    """No order of nodes, links, models or classes decides what is forecast."""
    world = data.draw(worlds)
    for key in ("tasks.0.timeout", "tasks.0.deadline"):  # tasks are numbered by the models
        world["overrides"].pop(key)
    scenarios = make_scenario(**world), make_scenario(**permute(world, np.random.default_rng(seed)))
    assume(compile_scenario(scenarios[0]).placeable.any())
    one, other = (Simulation(s, "segments", "graph", "balanced", "train", batch=1) for s in scenarios)
    for simulation in (one, other):
        simulation.reset([0], [seed])
    names = [simulation.compiled.names for simulation in (one, other)]
    node, link, rho = (match(*(getattr(n, of) for n in names)) for of in ("nodes", "links", "classes"))
    segment, model = (match(*(getattr(n, of) for n in names)) for of in ("segments", "models"))
    for name, index in (("demand", rho), ("seconds", node), ("memory", node), ("rate", link)):
        getattr(other.instance.draw, name)[:] = getattr(one.instance.draw, name)[:, :, index]
    for draw in (one.instance.draw, other.instance.draw):
        draw.slowdown[:] = 1.0
    assume(not one.compiled.scenario.dynamics.device_error)
    rng = np.random.default_rng(seed)
    shape = one.compiled.tables.pinned.shape
    wanted = rng.integers(EMPTY, len(segment), (1, *shape)).astype(np.int32)
    numbers = np.append(np.argsort(segment), EMPTY)
    one.step(wanted)
    other.step(numbers[wanted[:, node][:, :, model]].astype(np.int32))
    rows = [simulation.observer.describe()["pairs"]["rows"] for simulation in (one, other)]
    pairs = [simulation.observe()[0]["pairs"][0] for simulation in (one, other)]
    np.testing.assert_allclose(pairs[1], pairs[0][match(*rows)], rtol=1e-5, atol=1e-6)


def test_prices_follow_the_tariff_of_each_row(make_scenario):
    """Rows with tariffs of their own are forecast as if each were alone, episode after episode."""
    nodes = {
        "a": {"demand": 1.0, "memory": 30.0},
        "c": {"device": "fast", "pins": ["all"], "servers": float("inf")},
    }
    models = {"m": {"blocks": [(0.5, 10.0, 4.0), (1.0, 20.0, 0.0)]}}
    scenario = make_scenario(nodes, [("a", "c", {})], models, {"serving.tariff": None})
    together, alone = (Simulation(scenario, "segments", "graph", "random", "train", batch=b) for b in (2, 1))
    for seeds in ([0, 1], [2, 1], [2, 2], [3, 0]):
        together.reset([0, 1], seeds)
        observation, _ = together.observe()
        for row, seed in enumerate(seeds):
            alone.reset([0], [seed])
            np.testing.assert_array_equal(alone.observe()[0]["pairs"][0], observation["pairs"][row])
