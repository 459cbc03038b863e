"""Climbing by hand: one node, two models, room for one."""

import numpy as np

from idn_gym.optimum.hill_climbing import Choices, climb
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance


def test_a_better_model_takes_the_place_of_another_in_one_step(make_scenario):
    """Loading the fast one needs the room of the slow one, and to remove that alone saves nothing."""
    nodes = {"board": {"demand": 1.0, "memory": 10.0}, "cloud": {"servers": float("inf"), "pins": ["all"]}}
    models = {"slow": {"blocks": [(0.5, 10.0, 0.0)]}, "fast": {"blocks": [(0.01, 10.0, 0.0)]}}
    overrides = {"serving.capacity": "exogenous", "serving.loading": "instant"}
    compiled = compile_scenario(make_scenario(nodes, [("board", "cloud", {})], models, overrides))
    row, (node, segment) = build_instance(compiled.scenario, 0), compiled.pairs
    choices = Choices(row, node, segment, one_per_task=False)
    slow, fast = (
        choices.change(compiled.tables.pinned, [i])
        for i in np.argsort([compiled.names.segments[s] for s in segment])[::-1]
    )
    assert 0.0 < choices.gain(slow) < choices.gain(fast)
    for together, best in ((1, slow), (2, fast)):
        found, gained = climb(choices, slow, np.zeros(len(node)), together, np.inf, np.inf)
        np.testing.assert_array_equal(found, best)
        assert gained == choices.gain(best)
