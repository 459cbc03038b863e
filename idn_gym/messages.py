"""Messages about bad input: one sentence of bounded length."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

LONGEST_MESSAGE = 2000
"""Maximum number of characters of a message; names in it may come from untrusted files."""

MOST_NAMES = 1000
"""Maximum number of names that a message compares with the given one."""


class ConfigError(ValueError):
    """A configuration that cannot be read; one sentence with key, value and what is allowed."""

    def __init__(self, key: str, problem: str) -> None:
        # The two arguments are stored, so that the error survives pickling between processes.
        super().__init__(key, problem)

    def __str__(self) -> str:
        key, problem = (
            shorten(self.args[0], LONGEST_MESSAGE // 4),
            shorten(str(self.args[1]), LONGEST_MESSAGE),
        )
        # Names in the message may contain line breaks.
        return " ".join((f"{key}: {problem}" if key else problem).splitlines())


def closest(name: object, allowed: Sequence[str | int]) -> str:
    """List the allowed names, and suggest the one that was probably meant."""
    words = [item for item in allowed[:MOST_NAMES] if isinstance(item, str)]
    near = difflib.get_close_matches(name, words, n=1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    rest = f" and {len(allowed) - MOST_NAMES} more" if len(allowed) > MOST_NAMES else ""
    return f"allowed: {', '.join(map(str, allowed[:MOST_NAMES]))}{rest}{hint}"


def show(value: Any) -> str:
    """Return the `repr` of a value on one line of at most 80 characters, for messages."""
    try:
        text = " ".join(repr(shorten(value, 200) if isinstance(value, str) else value).split())
    except ValueError:  # Python refuses to print whole numbers of more than 4,300 digits
        return "a number with thousands of digits"
    except RecursionError:
        return "a value with too many levels"
    except Exception:  # any exception that a foreign object's repr raises
        return f"an object of type {type(value).__name__}"
    return shorten(text, 75)


def shorten(text: str, most: int) -> str:
    """Leave out the middle of a text that is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"
