"""What is said about bad input: one sentence of bounded length."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

LONGEST_MESSAGE = 2000
"""Most characters that a message spends on what is wrong; names in it may come from a stranger's file."""

MOST_NAMES = 1000
"""Most names that a message compares with the one that was given."""


class ConfigError(ValueError):
    """A configuration that cannot be read: key, value and what is allowed, in one sentence."""

    def __init__(self, key: str, problem: str) -> None:
        # The two arguments themselves, so that the error survives pickling between processes.
        super().__init__(key, problem)

    def __str__(self) -> str:
        key, problem = (
            shorten(self.args[0], LONGEST_MESSAGE // 4),
            shorten(str(self.args[1]), LONGEST_MESSAGE),
        )
        # A name in the message may hold line breaks.
        return " ".join((f"{key}: {problem}" if key else problem).splitlines())


def closest(name: object, allowed: Sequence[str | int]) -> str:
    """Say which names are allowed, and which one was probably meant."""
    words = [item for item in allowed[:MOST_NAMES] if isinstance(item, str)]
    near = difflib.get_close_matches(name, words, n=1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    rest = f" and {len(allowed) - MOST_NAMES} more" if len(allowed) > MOST_NAMES else ""
    return f"allowed: {', '.join(map(str, allowed[:MOST_NAMES]))}{rest}{hint}"


def show(value: Any) -> str:
    """`repr` on one line of at most 80 characters, for messages."""
    try:
        text = " ".join(repr(shorten(value, 200) if isinstance(value, str) else value).split())
    except ValueError:  # Python refuses to print whole numbers of more than 4,300 digits
        return "a number of thousands of digits"
    except RecursionError:
        return "a value of too many levels"
    except Exception:  # whatever foreign objects raise when they are asked for their text
        return f"an object of type {type(value).__name__}"
    return shorten(text, 75)


def shorten(text: str, most: int) -> str:
    """Leave out the middle of a text that is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"
