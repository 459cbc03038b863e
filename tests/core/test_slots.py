import numpy as np

from idn_gym.core.costs import serving_cost
from idn_gym.core.slots import MOVING, one_slot
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

INSTANCE = build_instance(load_scenario("tiny", {"dynamics.link.kind": "ar1"}), [0, 1, 2], uniforms=2)


def test_a_slot_is_what_was_drawn_for_it():
    slots = np.array([4, 0, 9])
    cut = one_slot(INSTANCE, slots)
    for name, field in INSTANCE.draw._asdict().items():
        found = getattr(cut.draw, name)
        if name in MOVING:
            assert found.shape == (3, 1, *field.shape[2:])
            for b, t in enumerate(slots):
                np.testing.assert_array_equal(found[b, 0], field[b, t])
        else:
            assert found is field
    for b, t in enumerate(slots):
        pinned = INSTANCE.tables.pinned
        assert serving_cost(cut, 0, pinned, b) == serving_cost(INSTANCE, int(t), pinned, b)


def test_later_changes_do_not_reach_a_slot_that_was_cut_out():
    cut = one_slot(INSTANCE, np.array([1, 1, 1]))
    before = cut.draw.demand.copy()
    INSTANCE.draw.demand[:, 1] += 1.0
    np.testing.assert_array_equal(cut.draw.demand, before)
    INSTANCE.draw.demand[:, 1] -= 1.0
