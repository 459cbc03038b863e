"""Exit thresholds played on outcomes."""

import numpy as np
import pytest

from idn_gym.catalog.exit_rules import draw_answers, exits_taken, leave, point_of_rule
from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, ENTROPY_STEPS, SAMPLE_PARTS, Outcomes
from idn_gym.config_reader import ConfigError

ROWS = ("early", "middle", "last")


@pytest.fixture
def outcomes():
    """Four samples; under drift the early exit grows unsure and everything wrong but the last exit."""
    confidence = np.array([[0.9, 0.8, 0.5, 0.3], [0.4, 0.4, 0.95, 0.6], [0.2, 0.2, 0.2, 0.2]])
    drifted = np.array([[0.3, 0.8, 0.5, 0.3], [0.4, 0.4, 0.7, 0.6], [0.2, 0.2, 0.2, 0.2]])
    correct = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 1]], dtype=bool)
    worse = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 1]], dtype=bool)
    scores = np.stack([confidence, drifted], axis=1)
    return Outcomes(
        ROWS,
        ("clean", "drift"),
        SAMPLE_PARTS,
        np.ones(4, np.uint8),
        np.array([0, 1, 2, 2], np.uint8),
        np.stack([correct, worse], axis=1).astype(np.uint8),
        np.rint(scores / 2 * CONFIDENCE_STEPS).astype(np.uint16),
        np.rint(scores * CONFIDENCE_STEPS).astype(np.uint16),
        np.rint((1.0 - scores) * ENTROPY_STEPS).astype(np.uint8),
        {},
    )


def test_inputs_leave_at_the_first_exit_that_is_sure():
    doubts = np.array([[0.1, 0.5, 0.5, 0.1], [0.9, 0.2, 0.9, 0.2], [0.0, 0.0, 0.0, 0.0]])
    assert leave(doubts, (0.1, 0.3)).tolist() == [0, 1, 2, 0]
    assert leave(doubts, (-1, -1)).tolist() == [2] * 4
    assert leave(doubts[:1], ()).tolist() == [0] * 4


def test_shares_and_accuracies_by_hand(outcomes):
    clean = point_of_rule(outcomes, ROWS, [0.75, 0.9], "clean")
    np.testing.assert_allclose(clean.shares, [0.5, 0.25, 0.25])
    np.testing.assert_allclose(clean.accuracies, [0.5, 1.0, 1.0])


def test_drift_moves_shares_and_accuracies_under_the_same_thresholds(outcomes):
    drifted = point_of_rule(outcomes, ROWS, [0.75, 0.9], "drift")
    np.testing.assert_allclose(drifted.shares, [0.25, 0.0, 0.75])
    np.testing.assert_allclose(drifted.accuracies, [0.0, 0.0, 2 / 3])


def test_entropy_exits_where_it_is_low(outcomes):
    by_entropy = point_of_rule(outcomes, ROWS, [0.25, 0.1], "clean", "entropy")
    np.testing.assert_allclose(by_entropy.shares, [0.5, 0.25, 0.25])


def test_a_network_without_early_exits_answers_everything(outcomes):
    whole = point_of_rule(outcomes, ["middle"], [], "clean")
    np.testing.assert_allclose(whole.shares, [1.0])
    np.testing.assert_allclose(whole.accuracies, [0.5])


@pytest.mark.parametrize(("threshold", "exit_"), [(0.0, 0), (1.1, 2)])
def test_extreme_thresholds_send_everything_one_way(outcomes, threshold, exit_):
    shares = point_of_rule(outcomes, ROWS, [threshold] * 2, "clean").shares
    assert shares[exit_] == 1.0


def test_drawn_requests_are_rows_of_the_table_and_their_exits_agree_with_the_shares(outcomes):
    answers = draw_answers(outcomes, np.random.default_rng(0), 4_000, "clean")
    np.testing.assert_array_equal(answers.correct, outcomes.correct[:, 0, answers.sample])
    np.testing.assert_array_equal(answers.predicted, outcomes.predicted[:, 0, answers.sample])
    np.testing.assert_allclose(answers.raw, answers.confidence / 2, atol=1 / CONFIDENCE_STEPS)
    taken = exits_taken(outcomes, answers, ROWS, [0.75, 0.9])
    np.testing.assert_array_equal(taken, np.array([0, 0, 1, 2])[answers.sample])
    np.testing.assert_allclose(np.bincount(taken) / 4_000, [0.5, 0.25, 0.25], atol=0.03)


def test_requests_can_be_drawn_from_one_part(outcomes):
    playing = outcomes.select("playing")
    answers = draw_answers(playing, np.random.default_rng(0), 50, "clean")
    assert set(answers.sample) == {0, 1}
    np.testing.assert_array_equal(answers.correct, outcomes.correct[:, 0, 2 + answers.sample])
    np.testing.assert_allclose(point_of_rule(playing, ROWS, [0.75, 0.9], "clean").shares, [0, 0.5, 0.5])


def test_draws_repeat_under_a_seed(outcomes):
    first, again, other = (
        draw_answers(outcomes, np.random.default_rng(s), 50, "drift").sample for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(draw_answers(outcomes, np.random.default_rng(0), 0, "clean").sample) == 0


@pytest.mark.parametrize(
    ("rows", "thresholds", "condition", "criterion", "key"),
    [
        (ROWS, [0.5], "clean", "confidence", "thresholds"),
        (["early", "nowhere"], [0.5], "clean", "confidence", "rows"),
        (ROWS, [0.5, 0.5], "fog", "confidence", "condition"),
        (ROWS, [0.5, 0.5], "clean", "margin", "criterion"),
    ],
)
def test_bad_input_is_named(outcomes, rows, thresholds, condition, criterion, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        point_of_rule(outcomes, rows, thresholds, condition, criterion)
