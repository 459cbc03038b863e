"""Frames as files: one PNG, or a film as GIF (Pillow, of the extra ``render``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled

from idn_gym.config_reader import ConfigError
from idn_gym.files import atomically, writable_file

FilmFrame = npt.NDArray[np.uint8]
"""(height, width, 3)"""

COLOURS, EXACT_COLOURS = 256, 96
"""Of a film, as many as a GIF has; of these, those of most pixels in its first frame, as they are there."""


def named_so(path: Path, *suffixes: str) -> Path:
    """Check that a file can be written and that its suffix is allowed.

    Raises:
        ConfigError: the file cannot be written, or has another suffix.
    """
    if path.suffix.lower() not in suffixes:
        wanted = " or ".join(suffixes)
        raise ConfigError("--out", f"{str(path)!r} is not allowed; the name must end in {wanted}")
    return writable_file(path, "--out")


def write_picture(path: Path, frame: FilmFrame) -> None:
    """Write one frame as PNG."""
    image = _pillow().fromarray(frame)
    atomically(path, lambda file: image.save(file, format="PNG"))


class Film:
    """An animated GIF; frames share the colours of the first one, so they take a third of the memory."""

    def __init__(self, scale: float = 1.0) -> None:
        """Start a film.

        Args:
            scale: scale of width and height, up to 1.
        """
        self._image, self._scale = _pillow(), scale
        self._frames: list[Any] = []

    @property
    def length(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def add(self, frame: FilmFrame) -> None:
        """Add a frame; all frames have one size."""
        self._last = frame
        image = self._image.fromarray(frame)
        if self._scale < 1.0:
            size = (max(1, round(side * self._scale)) for side in image.size)
            image = image.resize(tuple(size), self._image.Resampling.LANCZOS)
        if not self._frames:
            self._palette = self._palette_of(image)
        self._frames.append(image.quantize(palette=self._palette, dither=self._image.Dither.NONE))

    def _palette_of(self, image: Any) -> Any:
        """One palette for all frames, or colours would flicker from frame to frame.

        What is large keeps its colours exactly; the others are chosen so that the few pixels of a legend keep
        theirs beside the many shades of the rest.
        """
        counted = sorted(image.getcolors(image.width * image.height), reverse=True)
        exact = [tint for _, tint in counted[:EXACT_COLOURS]]
        others = image.quantize(COLOURS - len(exact), self._image.Quantize.MAXCOVERAGE).getpalette()
        palette = self._image.new("P", (1, 1))
        palette.putpalette([*(part for tint in exact for part in tint), *others])
        return palette

    def write(self, path: Path, rate: float) -> None:
        """Write the film.

        Args:
            path: ends in ``.gif``, or in ``.png`` for the last frame alone, in full size and colours.
            rate: frames per second.
        """
        if path.suffix.lower() == ".png":
            write_picture(path, self._last)
            return
        first, *rest = self._frames
        wanted = {"save_all": True, "append_images": rest, "duration": round(1000 / rate), "loop": 0}
        atomically(path, lambda file: first.save(file, format="GIF", **wanted))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise DependencyNotInstalled(
            'Pillow is not installed; run `pip install "idn-gym[render]"` for pictures'
        ) from error
    return Image
