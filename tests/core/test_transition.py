import numpy as np
import pytest

from idn_gym.core.arrays import Action, State
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

MOVING = {"dynamics.link": {"kind": "ar1"}, "dynamics.memory": {"mean_full": 2, "mean_shrunk": 2}}


@pytest.mark.parametrize("slots", [[0, 3], [3, 0], [5, 2]])
def test_each_row_plays_its_own_slot(slots):
    scenario = load_scenario("tiny", MOVING)
    seeds = [1, 2]
    batch = build_instance(scenario, seeds)
    start = initial_state(batch)
    wanted = np.zeros_like(start.resident)
    after, outcome = step(batch, start._replace(slot=np.array(slots)), Action(wanted))
    assert after.slot.tolist() == [slot + 1 for slot in slots]
    for row, (seed, slot) in enumerate(zip(seeds, slots, strict=True)):
        single = build_instance(scenario, seed)
        alone = State(np.array([slot]), *initial_state(single)[1:])
        state, result = step(single, alone, Action(wanted[row : row + 1]))
        np.testing.assert_array_equal(outcome.arrived[row], single.draw.demand[0, slot])
        for field, same in zip((*after, *outcome), (*state, *result), strict=True):
            np.testing.assert_array_equal(field[row], same[0])
