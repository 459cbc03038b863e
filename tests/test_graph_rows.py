"""What the graph observation keeps from slot to slot is what it would compute from nothing, to the bit."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.metrics import COLUMN
from idn_gym.observations import OBSERVERS
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.simulation import Simulation
from tests.plain_forecast import plain_forecast
from tests.test_forecast import SEEDS, start
from tests.test_graph_observation import MOVING

pytestmark = pytest.mark.filterwarnings("ignore:.*has finite compute")

WORLDS = ("transfer", "moving", "private")
TRANSFER = {"serving.capacity": "shared", "serving.loading": "transfer"}
PRIVATE = {"serving.capacity": "exogenous", "serving.loading": "instant"}


@pytest.mark.parametrize("resources", ["visible", "hidden"])
@pytest.mark.parametrize("changes", [TRANSFER, TRANSFER | MOVING, PRIVATE | MOVING], ids=WORLDS)
@pytest.mark.parametrize("name", ["tiny", "edge-small"])
def test_rows_are_those_of_an_observer_that_has_seen_nothing(name, changes, resources):
    see_rows("graph", name, changes, resources)


@pytest.mark.parametrize("changes", [TRANSFER | MOVING, PRIVATE | MOVING], ids=WORLDS[1:])
def test_so_are_those_with_columns_of_moves(changes):
    see_rows("graph-moves", "edge-small", changes, "visible")


def see_rows(codec, name, changes, resources):
    """Actions are held, so that lists are; rows restart in between, with other preferences."""
    scenario, rows = load_scenario(name, {**changes, "resources": resources}), 3
    simulation = Simulation(scenario, None, codec, "random", "train", rows)
    simulation.reset(range(rows), range(rows))
    simulation.codec.space.seed(0)
    observer = OBSERVERS[codec](simulation.compiled, preference=False)  # `encode` keeps nothing
    rng, actions = np.random.default_rng(0), None
    for t in range(20):
        if t % 4 == 0:
            actions = np.stack([simulation.codec.space.sample() for _ in range(rows)])
        if rng.random() < 0.2:
            simulation.reset([t % rows], [int(rng.integers(100))])
        if rng.random() < 0.1:
            simulation.rewind([t % rows])
        slot = simulation.step(actions)
        for observation, metrics in ((slot.observation, slot.metrics), simulation.observe()):
            expected, clipped = observer.encode(simulation.instance, simulation.now, simulation.last)
            np.testing.assert_array_equal(metrics[:, COLUMN.clipped], clipped)
            for table in expected:
                np.testing.assert_array_equal(observation[table], expected[table], err_msg=f"{table}, {t}")


def test_what_observers_give_is_their_callers():
    """`encode` shares nothing with what an environment keeps, nor with its next call."""
    simulation = Simulation(load_scenario("tiny", {}), None, "graph", "balanced", "train", 2)
    simulation.reset(range(2), range(2))
    simulation.observe()
    arguments = simulation.instance, simulation.now, simulation.last
    first, second = (simulation.observer.encode(*arguments)[0] for _ in range(2))
    for name, table in first.items():
        others = (second[name], simulation.observe()[0][name])
        assert not any(np.shares_memory(table, other) for other in others)


@pytest.mark.parametrize("capacity", ["shared", "exogenous"])
@settings(max_examples=25)
@given(data=st.data(), seed=SEEDS)
def test_forecasts_are_those_of_the_definition(make_scenario, worlds, capacity, data, seed):
    world = data.draw(worlds)
    world["overrides"]["serving.capacity"] = capacity
    if capacity == "exogenous":
        world["overrides"]["serving.loading"] = "instant"
    scenario = make_scenario(**world)
    assume(compile_scenario(scenario).placeable.any())
    simulation = start(scenario, seed)
    forecast = simulation.observer._forecast
    for found, expected in zip(
        (forecast.saving, forecast.load, forecast.base), plain_forecast(simulation), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
