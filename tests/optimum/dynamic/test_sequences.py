"""The program over candidates against all sequences, and its parts against what is played."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.dynamic.played import SequencePlayer, sequence_costs
from idn_gym.optimum.dynamic.sequences import best_path, best_sequence, steady_costs, switch_costs
from idn_gym.optimum.schedule import all_placements
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

INSTANT = {"dynamics.memory": None, "serving.loading": "instant"}


def few_placements(compiled, most, rng):
    """All placements, the pins first, or some of them."""
    try:
        found = all_placements(compiled, 2000)
    except ConfigError:
        assume(False)
    assume(len(found) > 1)
    return found[np.append(0, 1 + rng.permutation(len(found) - 1)[: most - 1])]


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_instant_loading_costs_what_it_is_priced_at(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    world["overrides"] |= INSTANT
    compiled = compile_scenario(make_scenario(**world))
    instance = build_instance(compiled.scenario, [seed])
    rng = np.random.default_rng(seed)
    placements = few_placements(compiled, 6, rng)
    steady = steady_costs(SequencePlayer(compiled, instance), placements)
    switch = switch_costs(compiled, placements, instance.draw.weights[0])
    path = rng.integers(0, len(placements), len(steady))
    priced = steady[np.arange(len(path)), path] + switch[np.append(0, path[:-1]), path]
    np.testing.assert_allclose(sequence_costs(compiled, instance, placements[path]), priced, rtol=1e-9)


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_programme_is_the_best_of_all_sequences(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    world["overrides"] |= {**INSTANT, "horizon": 4}
    compiled = compile_scenario(make_scenario(**world))
    instance = build_instance(compiled.scenario, [seed])
    placements = few_placements(compiled, 4, np.random.default_rng(seed))
    steady = steady_costs(SequencePlayer(compiled, instance), placements)
    switch = switch_costs(compiled, placements, instance.draw.weights[0])
    path = best_sequence(steady, switch)
    player = SequencePlayer(compiled, instance)
    reached = player.play(placements[path]).sum()
    everything = product(range(len(placements)), repeat=4)
    best = min(player.play(placements[list(other)]).sum() for other in everything)
    assert reached == pytest.approx(best, rel=1e-9, abs=1e-12)


def test_moves_that_take_several_slots_are_paid_in_whole():
    """From 0 to 1 takes 2 slots at 10 in all, or at 20; staying costs 6 at 0, 1 at 1."""
    cheap, dear = np.array([[6.0, 10.0], [100.0, 1.0]]), np.array([[6.0, 20.0], [100.0, 1.0]])
    length = np.array([[1, 2], [1, 1]])

    def best(slots, first, then, start=0):
        path, cost = best_path(slots, 2, lambda t: (then if t else first, length), start)
        return path.tolist(), cost

    assert best(5, cheap, cheap) == ([1, 1, 1, 1, 1], 10.0 + 3 * 1.0)
    assert best(5, dear, cheap) == ([0, 1, 1, 1, 1], 6.0 + 10.0 + 2 * 1.0)
    assert best(3, dear, cheap) == ([0, 1, 1], 6.0 + 10.0)
    assert best(2, dear, cheap) == ([0, 0], 12.0)  # what is left of a move is not cheaper
    assert best(2, dear, dear, start=1) == ([1, 1], 2.0)


def test_a_byte_costs_what_the_score_charges(make_scenario):
    """10 bytes over a link of 0.25 J/byte; all weight on energy, or on loading."""
    nodes = {"board": {"memory": 10.0, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    models = {"m": {"blocks": [(0.01, 10, 0.0)], "task": "t"}}
    world = nodes, [("board", "cloud", {"rate": 16.0})], models
    compiled = compile_scenario(make_scenario(*world, {"serving.loading": "transfer"}))
    tables, names = compiled.tables, [objective.name for objective in compiled.objectives]
    loaded = tables.pinned.copy()
    loaded[0, 0] = np.flatnonzero(compiled.placeable[0])[0]
    assert loaded[0, 0] != EMPTY
    both = np.stack([tables.pinned, loaded])
    for name, expected in (
        ("update", 10.0 / tables.nominal_memory),
        ("energy", 2.5 / tables.nominal_requests),
        ("traffic", 10.0 / tables.nominal_requests),
        ("latency", 0.0),
    ):
        weights = np.eye(len(names))[names.index(name)]
        moving = switch_costs(compiled, both, weights)
        scale = compiled.scales[names.index(name)]
        np.testing.assert_allclose(moving, [[0.0, expected / scale], [0.0, 0.0]])
