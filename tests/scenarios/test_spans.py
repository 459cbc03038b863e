"""Episodes are drawn span by span: the spans fit together, and an environment keeps no more than two."""

import copy
import csv
import math
import pickle

import numpy as np
import pytest

from idn_gym.core.slots import MOVING, one_slot
from idn_gym.rendering.scene import look
from idn_gym.scenarios import span_ring, spans
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Ar1, Bursts, GilbertElliott, ShotNoise
from idn_gym.scenarios.episodes import (
    allocate_episodes,
    build_instance,
    draw_span,
    episode_seed,
    episode_streams,
    start_episode,
)
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.demand import draw_bursts
from idn_gym.scenarios.processes.popularity import draw_shots
from idn_gym.scenarios.processes.resources import draw_good_and_bad, draw_swings
from idn_gym.scenarios.spans import SPAN_SLOTS, span_numbers
from idn_gym.simulation import Simulation
from tests.end_to_end import by_law

HORIZON = 3 * SPAN_SLOTS + 17
ALL_ON = {
    "horizon": HORIZON,
    "tasks.0.copies": 3,
    "workload.popularity.kind": "shot",
    "workload.popularity.shots": 60.0,
    "workload.diurnal": {"spread": 0.5, "random_start": True},
    "workload.bursts": True,
    "workload.flash": True,
    "workload.arrivals": "poisson",
    "dynamics.link.kind": "ar1",
    "dynamics.background": True,
    "dynamics.outages": {"mean_up": 20, "mean_down": 5},
    "dynamics.link_outages": {"mean_up": 20, "mean_down": 5},
    "dynamics.memory": {"mean_full": 20, "mean_shrunk": 5},
    "dynamics.device_error": 0.1,
    "objectives": ["accuracy", "latency", "energy", "price", "carbon"],
    "dynamics.energy_price": {"kind": "daily"},
    "dynamics.carbon": {"kind": "daily"},
}
OTHERS = {
    "gilbert_elliott": {"dynamics.link.kind": "gilbert_elliott"},
    "sessions": {"workload.popularity": {"kind": "sessions", "move": 0.3}},
    "crowds": {"workload.flash": {"kind": "crowds", "crowds": [{"decay": 300.0}]}},
    **{
        kind: {"workload.popularity": {"kind": kind}}
        for kind in ("fixed", "sliding", "alternating", "round_robin", "lfu_killer", "uniform")
    },
}


@pytest.fixture(params=["everything", "replay", *OTHERS])
def scenario(request, tmp_path):
    if request.param == "replay":
        path, rng = tmp_path / "log.csv", np.random.default_rng(0)
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows([["TIMESTAMP"], *([t] for t in np.sort(rng.uniform(0, 50, 900)))])
        return load_scenario("tiny", {**ALL_ON, "workload.replay.path": str(path)})
    if request.param == "everything":
        return load_scenario("tiny", ALL_ON)
    return load_scenario("tiny", {"horizon": HORIZON, "tasks.0.copies": 3, **OTHERS[request.param]})


def play(scenario, seeds=(5,), action="fractional"):
    """A simulation after its reset."""
    simulation = Simulation(scenario, action, "flat", "balanced", "train", batch=len(seeds))
    simulation.reset(range(len(seeds)), seeds)
    return simulation


def some_actions(simulation, slots, seed=0):
    shape = (slots, len(simulation.state.slot), *simulation.codec.space.shape)
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def fields_of(draw, moving):
    return {name: field for name, field in draw._asdict().items() if (name in MOVING) == moving}


def test_an_environment_plays_what_an_instance_holds(scenario):
    simulation = play(scenario)
    whole = build_instance(scenario, 5, uniforms=simulation.codec.uniforms)
    assert len(simulation.instance.draw.demand[0]) == 2 * SPAN_SLOTS < scenario.horizon
    for name, field in fields_of(whole.draw, moving=False).items():
        assert np.array_equal(getattr(simulation.instance.draw, name), field), name
    for t in range(scenario.horizon):
        slot = np.array([t])
        simulation._ring.draw_ahead(slot - 1)  # as before the step that leads here
        seen = one_slot(simulation.instance, slot).draw
        for name, field in fields_of(one_slot(whole, slot).draw, moving=True).items():
            assert np.array_equal(getattr(seen, name), field), (t, name)
    simulation.now.slot[:] = scenario.horizon
    np.testing.assert_array_equal(simulation.sum_demand(0), whole.draw.demand[0].sum(axis=1))


def alike(one, other):
    """Whether states are equal: arrays, numbers, and tuples or mappings of such."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return np.array_equal(one, other)


def test_any_span_is_drawn_again_from_the_states_at_its_start(scenario):
    compiled, streams = compile_scenario(scenario), episode_streams(episode_seed("train", 5))
    weights = np.ones(len(compiled.objectives))
    whole, again = (allocate_episodes(compiled, 1, weights, uniforms=2) for _ in range(2))
    chains = [{}]
    for draw in (whole, again):
        start_episode(compiled, draw, 0, streams, weights)
    for number in span_numbers(scenario.horizon):
        chains.append(draw_span(compiled, whole, 0, streams, number, chains[number]))
    kept = copy.deepcopy(chains)
    for number in (2, 0, 3, 1):
        assert alike(draw_span(compiled, again, 0, streams, number, chains[number]), kept[number + 1])
    assert all(map(alike, chains, kept))  # a law leaves the state that it is given as it is
    for name in whole._fields:
        assert np.array_equal(getattr(whole, name), getattr(again, name)), name


LAWS = {
    "ar1": (draw_swings, Ar1(memory=0.8, sigma=0.1), 0.8),
    "gilbert_elliott": (draw_good_and_bad, GilbertElliott(fail=0.1, heal=0.3), 0.6),
    "bursts": (draw_bursts, Bursts(start=0.1, stop=0.3), 0.6),
    "shots": (draw_shots, ShotNoise(shots=60.0, life=3.0, tail=8.0), math.exp(-1 / 3)),
}


@pytest.mark.parametrize("name", LAWS)
def test_chains_remember_as_much_across_spans_as_within(name, monkeypatch):
    law, process, memory = LAWS[name]
    columns, length = 40_000, 5
    monkeypatch.setattr(spans, "SPAN_SLOTS", length)
    moved = np.ones(columns) if "link" in type(process).__mro__[1].kinds.key else columns
    drawn = by_law(law)(process, moved, 4 * length, np.random.default_rng(1))
    drawn = np.log(drawn) if name == "ar1" else drawn
    error = 6 / math.sqrt(columns)
    for t in (length - 2, length - 1, 3 * length - 1):  # inside a span, and at two borders
        assert np.corrcoef(drawn[t], drawn[t + 1])[0, 1] == pytest.approx(memory, abs=error)
        assert np.corrcoef(drawn[t - 2], drawn[t + 1])[0, 1] == pytest.approx(memory**3, abs=error)
    assert drawn[length].mean() == pytest.approx(drawn[0].mean(), abs=error * drawn.std())
    assert drawn[3 * length].std() == pytest.approx(drawn[0].std(), rel=0.05)


def test_what_has_no_memory_differs_from_span_to_span():
    demand = build_instance(load_scenario("tiny", {**ALL_ON, "workload.replay": None}), 0).draw.demand[0]
    first, second = demand[:SPAN_SLOTS].sum(axis=1), demand[SPAN_SLOTS : 2 * SPAN_SLOTS].sum(axis=1)
    assert not np.array_equal(first, second)
    uniforms = build_instance(load_scenario("tiny", {"horizon": 600}), 0, uniforms=2).draw.uniforms[0, :, 0]
    assert len(np.unique(uniforms)) == 600


def test_an_episode_goes_on_from_any_slot_without_what_came_before(monkeypatch):
    scenario = load_scenario("tiny", ALL_ON)
    simulation, stop = play(scenario), 2 * SPAN_SLOTS + 100
    actions = some_actions(simulation, scenario.horizon)
    for action in actions[:stop]:
        simulation.step(action)
    saved = pickle.loads(pickle.dumps(simulation.get_state()))
    twins = [copy.deepcopy(simulation), pickle.loads(pickle.dumps(simulation)), play(scenario, [99])]
    drawn = []
    draw = span_ring.draw_span
    monkeypatch.setattr(span_ring, "draw_span", lambda *given: drawn.append(given[4]) or draw(*given))
    twins[-1].set_state(saved)
    assert drawn == [1, 2]
    for action in actions[stop:]:
        slot = simulation.step(action)
        for twin in twins:
            for one, other in zip(slot, twin.step(action), strict=True):
                np.testing.assert_array_equal(one, other)
    for twin in twins:
        np.testing.assert_array_equal(twin.sum_demand(0), simulation.sum_demand(0))


def test_rows_out_of_step_play_their_own_episodes():
    scenario = load_scenario("tiny", ALL_ON)
    simulation, late = play(scenario, [1, 2, 3]), SPAN_SLOTS - 40
    actions = some_actions(simulation, scenario.horizon)
    singles = [play(scenario, [seed]) for seed in (1, 2, 3)]
    for t in range(600):
        if t == late:
            simulation.reset([1], [7])
            singles[1].reset([0], [7])
        observed = simulation.step(actions[t]).observation
        for row, single in enumerate(singles):
            np.testing.assert_array_equal(observed[row], single.step(actions[t, [row]]).observation[0])


@pytest.mark.parametrize("slots", [10, SPAN_SLOTS + 10, 2 * SPAN_SLOTS + 10])
def test_rewound_episodes_are_played_again(slots):
    simulation = play(load_scenario("tiny", ALL_ON))
    actions = some_actions(simulation, slots)
    first = [simulation.step(action).vector.copy() for action in actions]
    simulation.rewind([0])
    np.testing.assert_array_equal([simulation.step(action).vector.copy() for action in actions], first)


def test_ten_thousand_slots_of_a_large_network_fit_into_five_mebibytes():
    simulation = Simulation(
        load_scenario("isp-hierarchy", {"horizon": 10_000, "dynamics.link.kind": "ar1"}),
        *("change", "flat", "balanced", "train"),
        batch=1,
    )
    simulation.reset([0], [0])
    for slot in range(10_000):
        simulation._ring.draw_ahead(np.array([slot]))
    assert simulation._ring._drawn == [40]
    kept = sum(field.nbytes for field in simulation.instance.draw)
    assert kept + len(pickle.dumps(simulation.get_state())) < 5 * 2**20


def test_pictures_show_the_last_slot_and_all_that_came_before():
    scenario, slots = load_scenario("tiny", ALL_ON), 2 * SPAN_SLOTS + 10
    simulation, whole = play(scenario), build_instance(scenario, 5).draw
    for action in some_actions(simulation, slots):
        simulation.step(action)
    picture, tau = look(simulation, 0, None), simulation.compiled.tables.slot_seconds
    np.testing.assert_array_equal(picture.demand, whole.demand[0, :slots].sum(axis=1) / tau)
    assert [link.rate for link in picture.links] == whole.rate[0, slots - 1].tolist()


@pytest.mark.parametrize("slot", [SPAN_SLOTS - 1, SPAN_SLOTS, 2 * SPAN_SLOTS])
def test_batches_to_come_are_not_observed_at_the_border_of_a_span(slot):
    simulation = play(load_scenario("tiny", ALL_ON))
    for action in some_actions(simulation, slot):
        simulation.step(action)
    before, _ = simulation.observe()
    draw = simulation.instance.draw
    coming = np.arange(slot, slot + 2) % draw.demand.shape[1]
    draw.demand[:, coming] += 1.0
    np.testing.assert_array_equal(simulation.observe()[0], before)
    draw.rate[:, coming[0]] *= 0.5  # resources of the coming slot are known
    assert not np.array_equal(simulation.observe()[0], before)
