"""Laws of accuracy over samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.catalog.learning_laws import LearningCurve, best_law, fit_laws, read_law
from idn_gym.config_reader import ConfigError

SAMPLES = [0, 10, 30, 100, 300]


def law_of(a, b, c, k):
    return [a - b * (1 + n / k) ** -c for n in SAMPLES]


@given(st.floats(0.5, 0.99), st.floats(0.05, 0.4), st.floats(0.2, 2.0), st.floats(5.0, 300.0))
def test_a_curve_of_the_bounded_law_is_found(a, b, c, k):
    curve = law_of(a, b, c, k)
    laws = fit_laws(SAMPLES, curve)
    assert laws["bounded"].residual < 0.01
    assert read_law(laws["bounded"], SAMPLES, curve, 0) == pytest.approx(curve[0])
    assert read_law(laws["bounded"], SAMPLES, curve, 100) == pytest.approx(curve[3], abs=0.02)


@given(st.floats(0.5, 0.9), st.floats(0.1, 1.0), st.floats(0.2, 2.0))
def test_a_curve_of_the_power_law_is_found_above_0(a, b, c):
    curve = [0.5, *(a - b * n**-c for n in SAMPLES[1:])]
    laws = fit_laws(SAMPLES, curve)
    assert laws["power"].residual < 0.005 and laws["power"].left_out < 0.05
    assert read_law(laws["power"], SAMPLES, curve, 0) == 0.5


def test_no_law_fits_a_curve_that_first_falls_and_all_say_so():
    curve = [0.9, 0.6, 0.75, 0.88, 0.93]
    laws = fit_laws(SAMPLES, curve)
    assert laws["bounded"].residual > 0.1
    assert all(law.left_out > 0.005 for law in laws.values())
    assert best_law(laws).form != "bounded"


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.floats(0, 300))
def test_every_reading_is_an_accuracy_and_lines_pass_through_the_points(curve, n):
    laws = fit_laws(SAMPLES, curve)
    assert set(laws) == {"lines", "power", "bounded"}
    for law in laws.values():
        assert 0 <= read_law(law, SAMPLES, curve, n) <= 1
    assert [read_law(laws["lines"], SAMPLES, curve, at) for at in SAMPLES] == pytest.approx(curve)


def test_few_points_have_lines_alone_and_no_error():
    laws = fit_laws(SAMPLES[:4], [0.1, 0.2, 0.3, 0.4])
    assert list(laws) == ["lines"] and np.isnan(laws["lines"].left_out) and best_law(laws).form == "lines"


def test_changes_are_of_trainings_with_themselves():
    runs = np.array([[[0.5, 0.5], [0.7, 0.7]], [[0.6, 0.8], [0.8, 1.0]]])
    curve = LearningCurve(np.array([0, 10]), runs)
    np.testing.assert_allclose(curve.change, [[0, 0], [0.2, 0.2]])
    np.testing.assert_allclose(curve.spread, [0, 0], atol=1e-12)
    np.testing.assert_allclose(curve.run_spread, [0, 0.1])
    np.testing.assert_allclose(curve.accuracy, [0.6, 0.8])
    assert curve.monotone and not curve._replace(runs=runs[::-1]).monotone
    assert np.isnan(curve._replace(runs=runs[:, :1]).spread).all()
    assert curve.at(0) == pytest.approx(0.6) and 0.6 < curve.at(3) < 0.8
    with pytest.raises(ConfigError, match=r"samples: 11 is not allowed; 0 to 10 were measured"):
        curve.at(11)
    with pytest.raises(ConfigError, match=r"^form: 'power'"):
        curve.at(3, "power")
