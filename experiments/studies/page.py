"""The self-contained page of a study: its templates, and numbers as its tables show them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.files import file_name, write_text
from idn_gym.text_tables import rounded

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"


PAGE_LETTERS = 125
"""Letters that a line of a table on the page has room for, those between columns included."""

BETWEEN_COLUMNS = 3
"""Letters that the distance of two columns takes."""


class Table(NamedTuple):
    """Text of a table; every line of the body has as many cells as the head."""

    head: Sequence[str]
    body: Sequence[Sequence[str]]
    keys: Sequence[str] = ()
    """of the measures that columns show, "" where they show none; empty: no column does"""

    def blocks(self) -> list[Table]:
        """The same as tables that fit the page, each with the first column of this one."""
        keys = self.keys or [""] * len(self.head)
        columns = list(zip(self.head, keys, *self.body, strict=True))
        first, rest = columns[0], columns[1:]
        groups: list[list[tuple[str, ...]]] = [[]]
        room = PAGE_LETTERS - _letters(first)
        left = room
        for column in rest:
            left -= _letters(column)
            if left < 0 and groups[-1]:
                groups.append([])
                left = room - _letters(column)
            groups[-1].append(column)
        return [_from_columns([first, *group]) for group in groups]


def _letters(column: Sequence[str]) -> int:
    """What a column takes of a line; its head may be broken between words."""
    head, _, *cells = column
    words = max(map(len, head.split()), default=0)
    return BETWEEN_COLUMNS + max(words, *map(len, cells), len(head) // 3) if cells else len(head)


def _from_columns(columns: Sequence[Sequence[str]]) -> Table:
    head, keys, *body = zip(*columns, strict=True)
    return Table(head, body, keys)


class DataFile(NamedTuple):
    """A file beside the page."""

    path: str
    about: str


def load_template(name: str) -> Template:
    """A template of this folder; what it is given is escaped, and what it lacks is an error.

    Raises:
        DependencyNotInstalled: jinja2 is missing.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise DependencyNotInstalled(
            'jinja2 is missing; run `pip install "idn-gym[report]"` for the pages of studies'
        ) from error
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"base64": _base64, "anchor": file_name}
    return templates.get_template(name)


def write_page(path: Path, template: str, **given: Any) -> Path:
    """Write a page; returns its path.

    Raises:
        DependencyNotInstalled: jinja2 is missing.
    """
    write_text(path, load_template(template).render(given) + "\n")
    return path


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def html_number(value: float, form: str = ".3g") -> str:
    """A number in short, a dash where there is none."""
    return "-" if np.isnan(value) else written_out(rounded(value, form))


def written_out(text: str) -> str:
    """The same with large numbers written out up to a million: "1.43e+03" gives "1430"."""
    return re.sub(r"[\d.]+e\+\d+", lambda found: f"{float(found[0]):g}", text)
