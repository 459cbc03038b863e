"""Films: their colours."""

import numpy as np
import pytest

from idn_gym.commands.pictures import Film
from idn_gym.rendering.panel import PANEL
from idn_gym.vector import IDNVectorEnv

ORANGE, PANEL_GREY = (242, 142, 43), (244, 246, 248)


def test_a_small_patch_keeps_its_colour_beside_many_shades(tmp_path):
    image = pytest.importorskip("PIL.Image")
    # Boxes and text with soft edges: all shades between two colours and white.
    white = np.random.default_rng(0).random((300, 400, 1))
    colour = np.where(np.arange(300)[:, None, None] < 200, (78.0, 121.0, 167.0), (40.0, 50.0, 70.0))
    frame = (colour + white * (255.0 - colour)).astype(np.uint8)
    frame[:3, :4] = ORANGE
    film = Film()
    for _ in range(2):
        film.add(frame)
    film.write(tmp_path / "film.gif", 4.0)
    with image.open(tmp_path / "film.gif") as read:
        shown = np.asarray(read.convert("RGB"))[1, 2].astype(int)
    assert np.abs(shown - ORANGE).max() <= 16, shown


def test_what_is_large_keeps_its_colour_in_all_frames(tmp_path):
    image = pytest.importorskip("PIL.Image")
    shades = np.random.default_rng(0).integers(0, 256, (3, 60, 60, 3)).astype(np.uint8)
    film = Film()
    for frame in shades:
        frame[20:] = PANEL_GREY
        film.add(frame)
    film.write(tmp_path / "film.gif", 4.0)
    with image.open(tmp_path / "film.gif") as read:
        assert read.n_frames == 3
        for k in range(3):
            read.seek(k)
            grey = np.asarray(read.convert("RGB"))[20:].astype(int)
            assert np.abs(grey - PANEL_GREY).max() <= 1


def test_frames_name_who_plays_beside_the_slot():
    pytest.importorskip("matplotlib")
    env = IDNVectorEnv(1, "tiny", render_mode="rgb_array")
    env.reset(seed=0)
    (plain,) = env.render()
    env.caption = "infida, seed 3"
    changed = np.argwhere((env.render()[0] != plain).any(axis=2))
    assert len(changed) > 50
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert 44 <= top and bottom <= 64 and left > plain.shape[1] - PANEL + 110 and right < plain.shape[1]
