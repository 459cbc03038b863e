"""Text in columns: letters of East Asian scripts take two, accents that stand alone none."""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """Columns that a terminal gives to a text."""
    return sum(map(_width, text))


def pad(text: str, columns: int) -> str:
    """The text with blanks up to a number of columns."""
    return text + " " * (columns - width(text))


def fit_columns(text: str, columns: int) -> str:
    """The text on one line, cut where it takes more columns."""
    text = " ".join(text.splitlines())
    if width(text) <= columns:
        return text
    kept, room = "", columns - 1
    for letter in text:
        room -= _width(letter)
        if room < 0:
            break
        kept += letter
    return kept + "…"


def wrap(words: list[str], columns: int, indent: str = "") -> list[str]:
    """Words with commas between them, in as few lines as they take; all but the first start with `indent`."""
    lines: list[str] = []
    for word in (fit_columns(word, columns - len(indent)) for word in words):
        if lines and width(lines[-1]) + width(word) + 2 <= columns:
            lines[-1] += f", {word}"
        else:
            lines.append(indent * bool(lines) + word)
    return lines


def _width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
