"""Names in every script: fonts that have the letters, and a replacement for letters without a font."""

from __future__ import annotations

from functools import cache, lru_cache

FONT = "DejaVu Sans"
"""Font that ships with matplotlib, so that pictures are identical everywhere."""

NO_TEXT = ("Last Resort", "Noto Color Emoji", "Noto Emoji", "STIX", "cm")
"""Prefixes of the names of fonts that have boxes, bitmaps or formulas for letters."""


def drawable(text: str) -> str:
    r"""The text, with letters that no installed font has as Python writes them, such as ``\u6771``."""
    return "".join(letter if _is_there(letter) else ascii(letter)[1:-1] for letter in text)


def families(text: str) -> list[str]:
    """Fonts that have the letters of a text between them, the shipped one first."""
    return list(dict.fromkeys([FONT, *(name for letter in text if (name := family(letter)))]))


@lru_cache(maxsize=4096)
def family(letter: str) -> str | None:
    """The first installed font with a letter; None: there is none."""
    return next((name for name in installed() if ord(letter) in _letters(name)), None)


def _is_there(letter: str) -> bool:
    return letter.isprintable() and family(letter) is not None


@cache
def installed() -> dict[str, str]:
    """Files of the upright fonts of normal weight, by name; the shipped one comes first."""
    from matplotlib.font_manager import fontManager

    upright = {f.name: f.fname for f in fontManager.ttflist if f.style == "normal" and f.weight == 400}
    names = [FONT, *sorted(name for name in upright if name != FONT and not name.startswith(NO_TEXT))]
    return {name: upright[name] for name in names}


@cache
def _letters(name: str) -> frozenset[int]:
    """Code points of the letters that a font has."""
    from matplotlib.font_manager import get_font

    try:
        return frozenset(get_font(installed()[name]).get_charmap())
    except (OSError, RuntimeError):  # a damaged file, or one without outlines
        return frozenset()
