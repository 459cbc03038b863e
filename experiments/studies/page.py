"""The self-contained page of a study: frame, tables, numbers and pictures as HTML."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from idn_gym.evaluation.intervals import Interval

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; color: #222 }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; font-size: 12.5px; margin: .6rem 0 1.4rem }}
th, td {{ padding: .15rem .55rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left }}
img {{ max-width: 100%; margin: .6rem 0 }}
pre {{ background: #f6f6f6; padding: .8rem; overflow-x: auto; font-size: 12px }}
.scroll {{ overflow-x: auto }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def html_number(value: float, form: str = ".3g") -> str:
    """A number in short, a dash where there is none."""
    return "-" if np.isnan(value) else f"{value:{form}}"


def with_bounds(row: dict[str, Any], name: str, form: str = ".3g") -> str:
    """A column with its interval, from ``name``, ``name_low`` and ``name_high``."""
    return f"{Interval(row[name], row[f'{name}_low'], row[f'{name}_high']):{form}}"


def html_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Lines of text as a table that scrolls sideways where it is too wide."""
    titles = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    lines = ["<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in line) for line in body]
    return f"<div class=scroll><table><tr>{titles}{''.join(lines)}</table></div>"


def html_picture(path: Path) -> str:
    """A PNG file, inside the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">'
