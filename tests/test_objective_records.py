"""Records of objectives and their charges: what is not complete or makes no sense is refused."""

import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers the ids)
from idn_gym.config_reader import ConfigError
from idn_gym.core.slots import one_slot
from idn_gym.env import IDNEnv
from idn_gym.objective_records import OBJECTIVE_RECORDS, Objective, register_objective
from idn_gym.simulation import Simulation
from tests.test_plug_in_objective import drawn
from tests.water import REFUSALS, WATER

pytestmark = pytest.mark.usefixtures("registered")

BAD = [
    ({"name": "latency"}, "is taken"),
    ({"name": "latency"}, "is taken"),
    ({"name": "random"}, "is taken"),
    ({"name": "two words"}, "must be a word"),
    ({"charges": None}, 'per="request" and charges'),
    ({"per": "slot"}, 'per="slot" and measure'),
    ({"measure": REFUSALS.measure}, "one of them"),
    ({"total": 0}, 'per="request" and charges'),
    ({"sense": "maximise"}, "must be minimise"),
    ({"share": -1.0}, "at least 0"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[message for _, message in BAD])
def test_a_record_that_is_not_complete_is_refused(changes, message):
    record = {name: getattr(WATER, name) for name in Objective.__dataclass_fields__}
    with pytest.raises(ConfigError, match=message):
        register_objective(Objective(**{**record, "name": "other", **changes}))
    assert "other" not in OBJECTIVE_RECORDS


@pytest.mark.parametrize(
    ("charges", "message"),
    [
        (lambda compiled, span: ((np.ones(span.shape(2)), None), None), r"shape \(48, 2\)"),
        (lambda compiled, span: ((np.ones(span.shape(3)), None, np.ones(2)), None), r"shape \(2,\)"),
        (
            lambda compiled, span: ((np.ones(span.shape(3)), None, np.full(span.length, 1e43)), None),
            "a slot that adds up to",
        ),
        (lambda compiled, span: ((-np.ones(span.shape(3)), None), None), "negative"),
        (lambda compiled, span: ((np.full(span.shape(3), np.nan), None), None), "not finite"),
        (lambda compiled, span: ((np.full(span.shape(3), 1e38), None), None), "largest float32"),
        (lambda compiled, span: np.ones(span.shape(3)), "returned 'ndarray'; must be a pair"),
    ],
)
def test_charges_that_make_no_sense_are_refused(charges, message):
    record = {name: getattr(WATER, name) for name in Objective.__dataclass_fields__}
    register_objective(Objective(**{**record, "name": "odd", "charges": charges}))
    with pytest.raises(ConfigError, match=rf"objective\.odd\.charges: .*{message}"):
        IDNEnv("tiny", objectives=("accuracy", "odd"))


def test_charges_go_on_from_span_to_span():
    compiled, instance = drawn("shared", seeds=(0,), horizon=700)
    second = instance.draw.charge_second[0, :, 0, 0] / instance.draw.charge_second[0, 0, 0, 0]
    wave = 0.6 * np.sin(np.arange(700) * 2.0 * np.pi / 700)
    level = (second[300] - 1.0) / wave[300]  # any slot tells it, and it holds for the episode
    np.testing.assert_allclose(second, 1.0 + level * wave, rtol=1e-9)
    simulation = Simulation(compiled.scenario, "segments", "flat", "balanced", "train", batch=1)
    simulation.reset([0], [0])
    for t in range(700):
        simulation._ring.draw_ahead(np.array([t - 1]))
        now, whole = (one_slot(i, np.array([t])).draw for i in (simulation.instance, instance))
        assert np.array_equal(now.charge_drop, whole.charge_drop)
        assert np.array_equal(now.charge_byte, whole.charge_byte)


def test_a_cell_that_runs_again_replaces_its_objective():
    record = {name: getattr(WATER, name) for name in Objective.__dataclass_fields__}
    again = register_objective(Objective(**{**record, "share": 0.25}))
    assert OBJECTIVE_RECORDS["water"] is again
    with pytest.raises(ConfigError, match="'water' is taken"):
        register_objective(Objective(**{**record, "charges": lambda compiled, span: None}))
