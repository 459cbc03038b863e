"""The self-contained page of a study: its templates, and numbers as its tables show them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.evaluation.intervals import Interval
from idn_gym.files import write_text

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"


class Table(NamedTuple):
    """Text of a table; every line of the body has as many cells as the head."""

    head: Sequence[str]
    body: Sequence[Sequence[str]]


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
    templates.filters["base64"] = _base64
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
    return "-" if np.isnan(value) else f"{value:{form}}"


def with_bounds(row: dict[str, Any], name: str, form: str = ".3g") -> str:
    """A column with its interval, from ``name``, ``name_low`` and ``name_high``."""
    return f"{Interval(row[name], row[f'{name}_low'], row[f'{name}_high']):{form}}"
