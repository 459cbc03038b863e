"""The examples as pages and notebooks: a hook of the site, and the script behind `make examples`.

An example is a script of cells: ``# %%`` starts one of code, ``# %% [markdown]`` one of text behind ``# ``.
Played by cells, what each prints is kept in `docs/examples/outputs/`, and figures go to `docs/pictures/`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parent
ROOT = DOCS.parent
EXAMPLES = DOCS / "examples"
OUTPUTS = EXAMPLES / "outputs"
MARK = "# %%"
ADOPTED = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site that are files at the top of the repository."""


class Cell(NamedTuple):
    """A part of an example."""

    text: bool
    """markdown; else Python"""
    source: str


def read_cells(script: str) -> list[Cell]:
    """Cells of an example, in order.

    Args:
        script: its source.
    """
    cells = []
    for part in re.split(rf"^(?={MARK})", script, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        text = head.strip() == f"{MARK} [markdown]"
        if text:
            body = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
        cells.append(Cell(text, body.strip("\n")))
    return cells


def play_example(path: Path, namespace: dict[str, Any] | None = None) -> list[str]:
    """Run an example cell by cell in the present folder.

    Args:
        path: the script.
        namespace: what its names are kept in.

    Returns:
        What each cell printed, texts included as "".
    """
    names = {"__name__": "example"} if namespace is None else namespace
    said = []
    for number, cell in enumerate(read_cells(path.read_text(encoding="utf-8"))):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            if not cell.text:
                exec(compile(cell.source, f"{path.name}, cell {number}", "exec"), names)
        said.append(out.getvalue())
    return said


def make_page(path: Path) -> str:
    """An example as a page: its cells, and what they printed when they were last played."""
    said = _said(path)
    parts = []
    for number, cell in enumerate(read_cells(path.read_text(encoding="utf-8"))):
        parts.append(cell.source if cell.text else f"```python\n{cell.source}\n```")
        if said.get(str(number)):
            parts.append('```text title="prints"\n' + said[str(number)].rstrip() + "\n```")
    links = f"As a [script]({path.name}) and as a [notebook]({path.stem}.ipynb)."
    parts.insert(1, links)
    return "\n\n".join(parts) + "\n"


def make_notebook(path: Path) -> str:
    """An example as a notebook (nbformat 4.5), with what its cells printed when they were last played."""
    said = _said(path)
    cells: list[dict[str, Any]] = []
    for number, cell in enumerate(read_cells(path.read_text(encoding="utf-8"))):
        common = {"id": f"cell-{number}", "metadata": {}, "source": cell.source}
        if cell.text:
            cells.append({"cell_type": "markdown", **common})
            continue
        printed = said.get(str(number))
        stream = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
        cells.append({"cell_type": "code", "execution_count": None, "outputs": stream, **common})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    plain = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(plain, indent=1) + "\n"


def on_files(files: Any, config: Any) -> Any:
    """Hook of mkdocs: add the pages that are made here."""
    from mkdocs.structure.files import File

    for path in sorted(EXAMPLES.glob("*.py")):
        made = {f"{path.stem}.md": make_page(path), f"{path.stem}.ipynb": make_notebook(path)}
        for name, content in made.items():
            files.append(File.generated(config, f"examples/{name}", content=content))
    for name, source in ADOPTED.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Hook of mkdocs: lists of examples lead to their pages, which only the site has."""
    if page.file.src_uri == "examples/index.md":
        return re.sub(r"\]\((\w+)\.py\)", r"](\1.md)", markdown)
    return markdown


def record(path: Path) -> None:
    """Play an example in a folder of its own; keep what it prints, and its figures as pictures."""
    before = Path.cwd()
    os.environ["PYTHONPATH"] = str(ROOT)  # for commands that an example runs
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            said = play_example(path)
        finally:
            os.chdir(before)
        for figure in Path(folder).glob("*.png"):
            shutil.copy(figure, DOCS / "pictures" / f"example-{figure.name}")
    kept = {str(number): text for number, text in enumerate(said) if text}
    OUTPUTS.mkdir(exist_ok=True)
    (OUTPUTS / f"{path.stem}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(path.name)
    print(textwrap.indent("".join(said), "    "))


def _said(path: Path) -> dict[str, str]:
    kept = OUTPUTS / f"{path.stem}.json"
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}


if __name__ == "__main__":
    for _name in sys.argv[1:] or sorted(path.stem for path in EXAMPLES.glob("*.py")):
        record(EXAMPLES / f"{_name}.py")
