"""What adapting changes is that of the table, also for mixtures of kinds of samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.adapting.rules import mixed_change
from idn_gym.catalog import read_adaptation
from idn_gym.catalog.reader import SHIPPED_TABLES
from tests.adapting.test_book import BASELINE, BOARD, make_env, pair_of


def test_changes_are_those_of_the_table():
    env = make_env()
    plan = env.simulation.compiled.adaptations
    names = env.simulation.compiled.scenario.quality.conditions.names
    table = read_adaptation(SHIPPED_TABLES / "adaptation" / "digits.npz")
    v = pair_of(env, BOARD)
    for i, name in enumerate(names):
        row = table.row(BASELINE, "everything", name)
        for part, read in (("conditions", plan.known), ("playing", plan.played)):
            change = table.curve(row, part=part).change.mean(axis=1)
            np.testing.assert_allclose(read[plan.pair_kind[v], i, i, table.samples], change)
            lost = table.curve(row, part=part, clean=True).change.mean(axis=1)
            if name != "clean":
                np.testing.assert_allclose(read[plan.pair_kind[v], i, 0, table.samples], lost)
        assert plan.macs[v, 30] == table.macs(row, 30)
        assert plan.memory[v, 30] == pytest.approx(table.memory[row, 2])
        assert plan.changed[v] == table.changed_bytes(row)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.0, 150.0), min_size=3, max_size=3), st.integers(0, 2))
def test_a_mixture_of_one_kind_is_pure_and_others_never_help(counts, seen):
    env = make_env()
    curves = env.simulation.compiled.adaptations.known[:1]
    most = curves.shape[3] - 1
    pure = np.zeros((1, 1, 3))
    pure[0, 0, seen] = counts[seen]
    alone = mixed_change(curves, pure)[0, 0, seen]
    assert alone == curves[0, seen, seen, min(most, round(counts[seen]))]
    mixed = mixed_change(curves, np.array(counts).reshape(1, 1, 3))[0, 0, seen]
    if seen:  # not clean, which was measured: nothing else helps
        assert mixed <= alone + 1e-12
