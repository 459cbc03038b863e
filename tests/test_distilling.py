"""A teacher upstream labels in place of users: its work and the way of pictures are charged, nothing else."""

import numpy as np
import pytest

from idn_gym.catalog import read_adaptation
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError
from tests.adapting.test_book import BASELINE, BOARD, adapting_world, all_loaded, fixed, make_env, pair_of

PUPIL = "digits_lab_whole-quarter"
CLOUD, LINKS, BYTES, MACS = 4, 3, 64.0, 594752.0
"""The teacher's node, links to it from the board and from the controller, a picture, the teacher's work."""


def test_every_picture_pays_its_way_and_the_teacher():
    env = make_env(2, world=fixed("clean", "shift-3", rule="distil"))
    env.reset(seed=3)
    simulation = env.simulation
    compiled = simulation.compiled
    plan, tables = compiled.adaptations, compiled.tables
    each = tables.node_watts[CLOUD] * MACS / plan.rate[CLOUD] + BYTES * plan.joules[BOARD, CLOUD]
    own = plan.teach_traffic == 0.0  # what the teacher answered is labelled already
    assert own.sum() == 2 and not plan.teach_joules[own].any()
    idle = 0
    for _ in range(40):
        busy = simulation.quality.adapting._work.any()
        infos = env.step(all_loaded(env))[4]
        pictures = 0.3 * simulation.last.answered[:, ~own].sum(axis=1)
        np.testing.assert_allclose(infos["adaptation_traffic"], pictures * BYTES * LINKS)
        if not busy:
            np.testing.assert_allclose(infos["adaptation_energy"], pictures * each)
            idle += 1
        assert not simulation.last.labelled.any()  # users are asked for nothing
    assert 3 < idle < 40
    book = simulation.quality.adapting
    assert not book.labels.any() and book._true[:, pair_of(env, BOARD, PUPIL)].any()


def test_labels_of_the_teacher_cost_no_wrong_answers():
    """Before anything is adapted, right answers less labels are those where nothing adapts."""
    found = {}
    for rule in ("never", "distil", "always"):
        env = make_env(world=fixed("clean", "shift-3", rule=rule, least=1000))
        env.reset(seed=1)
        found[rule] = [env.step(all_loaded(env))[4]["vector_reward"][0, 0] for _ in range(20)]
    assert found["distil"] == found["never"] and sum(found["always"]) < sum(found["never"])


def test_changes_are_those_that_were_distilled():
    env = make_env(rule="distil")
    plan = env.simulation.compiled.adaptations
    table = read_adaptation(SHIPPED_TABLES / "adaptation" / "digits.npz")
    for i, name in enumerate(env.simulation.compiled.scenario.quality.conditions.names):
        row = table.row(PUPIL, "distil", name)
        change = table.curve(row).change.mean(axis=1)
        np.testing.assert_allclose(plan.played[plan.pair_kind[0], i, i, table.samples], change)
    assert table.upstream_macs[row] == MACS
    models = {env.simulation.compiled.names.models[m] for m in plan.pair_model}
    assert models == {PUPIL}  # the teacher has none


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"method": "distil"},
            "quality.adaptation.teacher: null is not allowed with distil; must be a model",
        ),
        ({"teacher": BASELINE}, "'digits_lab_baseline' is not allowed with everything; must be null"),
        ({"method": "distil", "teacher": "nobody"}, "quality.adaptation.teacher: 'nobody' is not allowed"),
        ({"method": "distil", "teacher": PUPIL}, "it has 38096 MAC and must be the network that the table"),
    ],
)
def test_a_teacher_that_cannot_be_is_refused(keys, message):
    with pytest.raises(ConfigError) as raised:
        make_env(
            world=adapting_world(**{f"quality.adaptation.{name}": value for name, value in keys.items()})
        )
    assert message in str(raised.value)
