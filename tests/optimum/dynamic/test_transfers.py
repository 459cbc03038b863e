"""Sequences under loads that take time, against all sequences of few placements."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.sequences import steady_costs, switch_costs
from idn_gym.optimum.dynamic.transfers import ExpectedMoves, best_held_sequence, load_slots
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.optimum.dynamic.test_sequences import few_placements

OFF = 0.02
"""How far the program may be from the best of all sequences that hold wishes until their loads end, or
from what that sequence is expected to cost: the program never plays a move whose estimate is too dear."""


def held_to_the_end(player, placements, path):
    """Whether no wish of a sequence changes while it loads."""
    t, i = 0, 0
    while t < len(path):
        j = path[t]
        taken = len(player.move_costs(placements[i], placements[j], t))
        if any(other != j for other in path[t : t + taken]):
            return False
        t, i = t + taken, j
    return True


def expected_cost(moves, path):
    """What the program expects of a path before it plays any move; infinite if it would not consider it."""
    total, t, i = 0.0, 0, 0
    while t < len(path):
        cost, length = moves(t)
        j = path[t]
        if any(other != j for other in path[t : t + length[i, j]]):
            return np.inf
        total, t, i = total + cost[i, j], t + length[i, j], j
    return total


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_programme_is_about_the_best_that_holds_wishes(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    world["overrides"] |= {"dynamics.memory": None, "serving.capacity": "shared", "horizon": 5}
    world["overrides"] |= {"serving.loading": "transfer"}
    compiled = compile_scenario(make_scenario(**world))
    instance = build_instance(compiled.scenario, [seed])
    placements = few_placements(compiled, 3, np.random.default_rng(seed))
    player = SequencePlayer(compiled, instance)
    steady = steady_costs(player, placements)
    switch = switch_costs(compiled, placements, instance.draw.weights[0])
    path = best_held_sequence(player, placements, steady, switch)
    reached = player.play(placements[path]).sum()
    everything = [list(p) for p in product(range(len(placements)), repeat=5)]
    held = [p for p in everything if held_to_the_end(player, placements, p)]
    moves = ExpectedMoves(steady, switch, load_slots(player.row.tables, placements))
    # A slot in which a load ends may cost less than either placement: the estimate does not know that.
    best = min(max(player.play(placements[p]).sum(), expected_cost(moves, p)) for p in held)
    assert reached <= best * (1.0 + OFF) + 1e-12


def test_loads_take_bytes_over_the_slowest_link_and_then_start(make_scenario):
    """8 bytes through half of 4 bytes/s take 4 s and 6 s to start: of slots of 4 s two and a half."""
    nodes = {
        "board": {"memory": 12.0, "demand": 1.0, "device": "slow to load"},
        "hub": {"memory": 12.0},
        "cloud": {"pins": ["all"], "servers": float("inf")},
    }
    links = [("board", "hub", {"rate": 16.0}), ("hub", "cloud", {"rate": 4.0})]
    models = {"m": {"blocks": [(0.01, 8, 0.0)], "task": "t"}}
    overrides = {"serving.loading": "transfer", "serving.loading_share": 0.5, "slot_seconds": 4.0}
    compiled = compile_scenario(make_scenario(nodes, links, models, overrides))
    tables = compiled.tables
    loaded = tables.pinned.copy()
    loaded[0, 0] = tables.pinned[2, 0]
    slots = load_slots(tables, np.stack([tables.pinned, loaded]))
    np.testing.assert_allclose(slots, [[0.0, 2.5], [0.0, 0.0]])


def test_the_old_placement_serves_until_the_loads_end():
    steady = np.array([[4.0, 1.0], [5.0, 1.0], [8.0, 2.0], [9.0, 1.0]])
    switch, slots = np.array([[0.0, 0.5], [0.0, 0.0]]), np.array([[0.0, 2.5], [0.0, 0.0]])
    moves = ExpectedMoves(steady, switch, slots)
    cost, length = moves(0)
    assert length.tolist() == [[1, 3], [1, 1]]
    np.testing.assert_allclose(cost, [[4.0, 0.5 + 4.0 + 5.0 + 0.5 * 8.0 + 0.5 * 2.0], [4.0, 1.0]])
    cost, length = moves(2)  # ends with the row
    np.testing.assert_allclose(cost, [[8.0, 0.5 + 8.0 + 0.5 * 9.0 + 0.5 * 1.0], [8.0, 2.0]])
    moves.note(2, 0, 1, np.array([6.0, 1.0]))
    assert moves(2)[0][0, 1] == 7.0 and moves(2)[1][0, 1] == 2 and moves(1)[1][0, 1] == 3


def test_stays_are_no_moves():
    slots = np.array([[0.0, 1.5], [0.0, 0.0]])
    moves, path = ExpectedMoves(np.zeros((6, 2)), np.zeros((2, 2)), slots), np.array([0, 1, 1, 1, 0, 0])
    assert moves.unknown(path) == [(1, 0, 1), (4, 1, 0)]
    moves.note(1, 0, 1, np.zeros(3))
    assert moves.unknown(path) == [(4, 1, 0)]
