"""The fourteen conditions."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.lab.training.shifts import CLEAN, CONDITIONS, SHIFTS, shifted


@pytest.fixture(scope="module")
def images():
    """A bright block left above the middle of a black picture, and noise."""
    rng = np.random.default_rng(0)
    block = np.zeros((1, 28, 28), np.uint8)
    block[0, 6:12, 8:12] = 200
    return np.stack([block, rng.integers(0, 255, (1, 28, 28), dtype=np.uint8)])


def middle(picture):
    """Centre of light as (row, column)."""
    rows, columns = np.indices(picture.shape)
    light = picture.astype(float)
    return (rows * light).sum() / light.sum(), (columns * light).sum() / light.sum()


def test_there_are_fourteen_with_the_ones_that_results_speak_of():
    assert len(CONDITIONS) == 14
    assert {CLEAN, "noise-0.2", "rotation-35"} <= set(CONDITIONS)


@pytest.mark.parametrize("side", [8, 28])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_keeps_form_and_input_and_differs(condition, side):
    original = np.random.default_rng(1).integers(0, 255, (3, 1, side, side), dtype=np.uint8)
    kept = original.copy()
    seen = shifted(original, condition)
    assert seen.dtype == np.uint8
    assert seen.shape == original.shape
    assert not np.shares_memory(seen, original)
    np.testing.assert_array_equal(original, kept)
    assert np.array_equal(seen, original) == (condition == CLEAN)
    np.testing.assert_array_equal(seen, shifted(original, condition))


def test_no_two_conditions_are_the_same(images):
    seen = {shifted(images, condition).tobytes() for condition in CONDITIONS}
    assert len(seen) == 14


def test_only_noise_depends_on_the_seed(images):
    moved = [
        name for name in SHIFTS if not np.array_equal(shifted(images, name, 1), shifted(images, name, 2))
    ]
    assert moved == ["noise-0.1", "noise-0.2", "noise-0.3"]


def test_noise_has_the_strength_in_its_name():
    grey = np.full((200, 1, 28, 28), 128, np.uint8)
    difference = shifted(grey, "noise-0.1").astype(float) - 128
    assert difference.std() == pytest.approx(25.5, rel=0.01)
    assert difference.mean() == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("grey", [0, 255])
def test_noise_stays_on_the_scale(grey):
    seen = shifted(np.full((5, 1, 28, 28), grey, np.uint8), "noise-0.1")
    assert np.abs(seen.astype(int) - grey).max() < 128


def test_darkness_takes_light_away(images):
    assert shifted(images, "darkness-0.25")[0, 0, 8, 9] == 150


def test_a_picture_moves_right_and_down(images):
    before, after = middle(images[0, 0]), middle(shifted(images, "shift-3")[0, 0])
    np.testing.assert_allclose(np.subtract(after, before), [3.0, 3.0], atol=1e-6)


def test_a_picture_turns_counter_clockwise(images):
    row, column = np.subtract(middle(images[0, 0]), 13.5)
    angle = np.deg2rad(35)
    turned = np.subtract(middle(shifted(images, "rotation-35")[0, 0]), 13.5)
    # Rows count downwards.
    expected = [row * np.cos(angle) - column * np.sin(angle), row * np.sin(angle) + column * np.cos(angle)]
    np.testing.assert_allclose(turned, expected, atol=0.1)


def test_blur_spreads_light_and_keeps_it(images):
    seen = [shifted(images, name)[0, 0].astype(float) for name in ("blur-1", "blur-2")]
    assert images[0, 0].max() >= seen[0].max() > seen[1].max()
    assert seen[0].sum() == pytest.approx(images[0, 0].sum(), rel=0.02)


@pytest.mark.parametrize(
    ("value", "condition", "key"),
    [
        (np.zeros((1, 1, 8, 8), np.uint8), "rotation-36", "condition"),
        (np.zeros((1, 1, 8, 8)), "blur-1", "images"),
        (np.zeros((1, 8, 8), np.uint8), "blur-1", "images"),
        (np.zeros((1, 3, 8, 8), np.uint8), "blur-1", "images"),
    ],
)
def test_bad_input_is_named(value, condition, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        shifted(value, condition)
