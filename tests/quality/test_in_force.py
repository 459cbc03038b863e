"""Beliefs on streams whose truth is known."""

import numpy as np
import pytest

from idn_gym.quality.in_force import (
    AgreementBelief,
    AlarmBelief,
    ConditionBelief,
    ConfidenceBelief,
    FadingMeans,
    Heard,
    LabelBelief,
)

ONE = np.array([0])
"""All streams belong to one ingress node."""

VALUES = np.array([[0.2, 0.6, 1.0]])


def heard(cells, labelled=0.0, right=0.0):
    cells = np.array([cells], float)
    shape = (1, 1)
    return Heard(np.array([0]), np.array([0]), cells, np.full(shape, labelled), np.full(shape, right))


def test_means_by_hand():
    means = FadingMeans(1, np.array([0.9]), ONE, half_life=2.0, prior=10.0)
    means.total[:], means.count[:] = 3.0, 10.0
    usual = 0.9 + (3.0 - 9.0) / 20.0
    assert means.means() == pytest.approx((10.0 * usual + 3.0) / 20.0)
    for _ in range(2):
        means.fade()
    usual = 0.9 + (1.5 - 4.5) / 15.0
    assert means.means() == pytest.approx((10.0 * usual + 1.5) / 15.0)
    for _ in range(100):
        means.fade()
    assert means.means() == pytest.approx(0.9)


def test_confidences_move_an_estimate_to_what_they_are_worth():
    belief = ConfidenceBelief(FadingMeans(1, np.array([0.9]), ONE, 1e9, 1e-9), VALUES)
    belief.note(heard([1, 1, 2]))
    assert belief.accuracy() == pytest.approx((0.2 + 0.6 + 2.0) / 4)
    shifted = ConfidenceBelief(FadingMeans(1, np.array([0.9]), ONE, 1e9, 1e-9), VALUES, shift=np.array([0.1]))
    shifted.note(heard([1, 1, 2]))
    assert shifted.accuracy() == pytest.approx(0.7 + 0.1)
    belief.reset(np.array([True]))
    assert belief.accuracy() == pytest.approx(0.9)


def test_labels_alone_move_an_estimate_by_labels():
    belief = LabelBelief(FadingMeans(1, np.array([0.9]), ONE, 1e9, 10.0))
    belief.note(heard([50, 0, 0]))
    assert belief.accuracy() == pytest.approx(0.9)
    belief.note(heard([50, 0, 0], labelled=10.0, right=2.0))
    assert belief.accuracy() == pytest.approx((10.0 * (0.9 - 7.0 / 20.0) + 2.0) / 20.0)


def test_agreement_moves_an_estimate_as_it_moved_itself():
    """From 90 % where accuracy is 80 %: at 50 % of agreement accuracy is 40 %."""
    belief = AgreementBelief(FadingMeans(1, np.array([0.8]), ONE, 1e9, 1e-9), np.array([0.8 - 0.9]))
    belief.note(
        heard([50, 0, 0])._replace(row_compared=np.full((1, 1), 10.0), row_agreed=np.full((1, 1), 5.0))
    )
    assert belief.accuracy() == pytest.approx(0.4)
    belief.reset(np.array([True]))
    assert belief.accuracy() == pytest.approx(0.8)


def test_an_alarm_probes_for_a_while_and_listens_again():
    means = FadingMeans(1, np.array([0.9]), ONE, 1e9, 10.0)
    belief = AlarmBelief(means, VALUES, np.array([[100.0, 700.0, 3200.0]]), alpha=0.05, hold=3)
    for _ in range(200):
        belief.note(heard([0, 1, 4]))
        assert not belief.probed().any()
    slots = 0
    while not belief.probed().any():
        belief.note(heard([4, 1, 0]))
        slots += 1
    assert slots <= 10
    probing = []
    for _ in range(4):
        probing.append(bool(belief.probed()[0, 0]))
        belief.note(heard([0, 1, 4]))
    assert probing == [True, True, True, False]


@pytest.mark.parametrize("samples", [60, 10**6])
def test_the_alarm_keeps_its_level(samples):
    """Streams at the edge, the source known by many samples or by few: at most alpha of 200 fire."""
    rng = np.random.default_rng(0)
    count, alpha = 200, 0.05
    values = np.repeat(np.array([[0.0, 1.0]]), count, axis=0)
    right = rng.binomial(samples, 0.85, count).astype(float)
    source = np.stack([samples - right, right], axis=1)
    means = FadingMeans(1, np.full(count, 0.85), np.zeros(count, int), 1e9, 10.0)
    belief = AlarmBelief(means, values, source, alpha, 10**6)
    for _ in range(300):
        good = rng.binomial(4, 0.80, count)
        cells = np.stack([4 - good, good], axis=1).astype(float)
        nothing = np.zeros((1, count))
        belief.note(Heard(np.zeros(count, int), np.arange(count), cells, nothing, nothing))
    assert belief.probed().mean() <= alpha + 2.5 * np.sqrt(alpha / count)


def test_bayes_rule_by_hand_and_what_it_says_of_models_that_say_nothing():
    known = np.array(
        [
            [[[10.0, 40.0], [0.0, 50.0]], [[60.0, 20.0], [10.0, 10.0]]],
            [[[5.0, 5.0], [0.0, 90.0]], [[50.0, 0.0], [0.0, 50.0]]],
        ]
    )
    belief = ConditionBelief(1, np.array([0, 0]), np.array([0, 1]), known, stay=10.0)
    nothing = np.zeros((1, 2))
    belief.note(Heard(np.array([0]), np.array([0]), np.array([[1.0, 0.0]]), nothing, nothing))
    usual = (130.0 + 1.0) / 202.0  # the share of the first cell in all samples
    known_by = 100.0 / (100.0 + 1.0 * 10.0)  # samples, and the answers of a stay beside them
    low = [((samples + 2.0 * usual) / 102.0) ** known_by for samples in (50.0, 80.0)]
    weight = np.array(low) / sum(low)
    weight = 0.9 * weight + 0.1 * (1.0 - weight)
    np.testing.assert_allclose(belief.weight[0, 0], weight)
    np.testing.assert_allclose(belief.accuracy()[0], [weight @ [0.9, 0.3], weight @ [0.95, 0.5]])


def test_what_harms_one_model_is_expected_of_the_others_at_the_same_node():
    site, nominal = np.array([0, 0, 1]), np.array([0.9, 0.8, 0.9])
    means = FadingMeans(1, nominal, site, half_life=1e9, prior=10.0)
    means.total[0, 0], means.count[0, 0] = 60.0, 100.0
    found = means.means()[0]
    off = (60.0 - 90.0) / 110.0
    assert found == pytest.approx([(10.0 * (0.9 + off) + 60.0) / 110.0, 0.8 + off, 0.9])
