"""Outcome tables from logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.catalog.outcomes import (
    CONFIDENCE_STEPS,
    ENTROPY_STEPS,
    SAMPLE_PARTS,
    read_outcomes,
    write_outcomes,
)
from idn_gym.config_reader import ConfigError
from idn_gym.lab.calibration.calibrate import RAW, Scaling, class_scores
from idn_gym.lab.calibration.outcomes import deal, join, tabulate

CONDITIONS = ("clean", "noise-0.2")
WARM = Scaling(np.array([0.5]), np.zeros(1))


@pytest.fixture
def logits():
    """Two conditions, two exits, 30 samples, 4 classes."""
    return np.random.default_rng(0).normal(scale=3.0, size=(2, 2, 30, 4)).astype(np.float32)


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(4, size=30)


def test_tables_hold_classes_and_scores_within_half_a_step(logits, labels, tmp_path):
    table = tabulate(logits, labels, [RAW, WARM], ("0", "1"), CONDITIONS, {"seed": 7})
    write_outcomes(tmp_path / "a.npz", table)
    table = read_outcomes(tmp_path / "a.npz")
    for x, scaling in enumerate((RAW, WARM)):
        for k in range(2):
            scores = class_scores(scaling(logits[k, x]))
            np.testing.assert_array_equal(table.predicted[x, k], scores.predicted)
            np.testing.assert_array_equal(table.correct[x, k], scores.predicted == labels)
            np.testing.assert_allclose(
                table.raw[x, k] / CONFIDENCE_STEPS,
                class_scores(RAW(logits[k, x])).confidence,
                atol=0.51 / CONFIDENCE_STEPS,
            )
            np.testing.assert_allclose(
                table.confidence[x, k] / CONFIDENCE_STEPS, scores.confidence, atol=0.51 / CONFIDENCE_STEPS
            )
            np.testing.assert_allclose(
                table.entropy[x, k] / ENTROPY_STEPS, scores.entropy, atol=0.51 / ENTROPY_STEPS
            )
    assert table.about["seed"] == 7
    assert table.about["scalings"]["1"] == {"scale": [0.5], "shift": [0.0]}


def test_raw_confidence_is_that_of_the_answer_where_calibrating_changes_the_answer(labels):
    logits = np.tile([1.0, 0.5, 0.0, 0.0], (1, 1, 30, 1))
    moved = Scaling(np.ones(4), np.array([0.0, 2.0, 0.0, 0.0]))
    table = tabulate(logits, labels, [moved], ("0",), ("clean",), {})
    assert (table.predicted == 1).all()
    np.testing.assert_allclose(table.raw / CONFIDENCE_STEPS, RAW(logits[0, 0])[0, 1], atol=1e-4)


@given(st.integers(1, 5_000))
def test_every_sample_is_dealt_to_one_part_by_turns(samples):
    count = np.bincount(deal(samples), minlength=len(SAMPLE_PARTS))
    assert count.sum() == samples == len(deal(samples))
    assert abs(count - samples / np.array([4, 4, 2])).max() <= 1


def test_a_class_must_fit_into_a_byte(labels):
    wide = np.zeros((1, 1, 30, 257), np.float32)
    with pytest.raises(ConfigError, match=r"^logits: 257 classes are not allowed"):
        tabulate(wide, labels, [RAW], ("0",), ("clean",), {})


def test_networks_are_joined_under_their_names(logits, labels):
    small = tabulate(logits[:, :1], labels, [RAW], ("0",), CONDITIONS, {"seed": 1})
    large = tabulate(logits, labels, [RAW, WARM], ("0", "1"), CONDITIONS, {"seed": 2})
    both = join({"small": small, "large": large})
    assert both.rows == ("small/0", "large/0", "large/1")
    for name in ("predicted", "raw", "confidence", "entropy"):
        np.testing.assert_array_equal(getattr(both, name)[both.row("large/1")], getattr(large, name)[1])
    np.testing.assert_array_equal(both.label, labels)
    assert both.about["networks"]["large"]["seed"] == 2


def test_only_the_same_samples_and_conditions_join(logits, labels):
    table = tabulate(logits, labels, [RAW, WARM], ("0", "1"), CONDITIONS, {})
    other = tabulate(logits, (labels + 1) % 4, [RAW, WARM], ("0", "1"), CONDITIONS, {})
    with pytest.raises(ConfigError, match=r"^tables\.b: "):
        join({"a": table, "b": other})
    with pytest.raises(ConfigError, match=r"^tables\.b: "):
        join({"a": table, "b": table._replace(conditions=("clean", "fog"))})
    with pytest.raises(ConfigError, match=r"^tables\.b: "):
        join({"a": table, "b": table._replace(part=table.part[::-1])})
    with pytest.raises(ConfigError, match=r"^tables: "):
        join({})


def test_shapes_must_go_together(logits, labels):
    for rows, conditions, scalings in (
        (("0",), CONDITIONS, [RAW]),
        (("0", "1"), ("clean",), [RAW, RAW]),
        (("0", "1"), CONDITIONS, [RAW]),
    ):
        with pytest.raises(ConfigError, match=r"^logits: "):
            tabulate(logits, labels, scalings, rows, conditions, {})
    with pytest.raises(ConfigError, match=r"^labels: "):
        tabulate(logits, labels[:-1], [RAW, RAW], ("0", "1"), CONDITIONS, {})
