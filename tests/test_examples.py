"""The examples run as they stand, print and draw; their pages and notebooks are made of them."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
NEEDS = {
    "train_an_agent": "stable_baselines3",
    "own_network": "torch",
    "infida_against_ppo": "stable_baselines3",
    "pareto_front": "moocore",
}


def load_pages():
    spec = importlib.util.spec_from_file_location("example_pages", ROOT / "docs" / "example_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = load_pages()


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_prints_and_draws(path, tmp_path, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip(NEEDS.get(path.stem, "matplotlib"))
    pyplot.switch_backend("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for commands that an example runs
    said = PAGES.play_example(path)
    pyplot.close("all")
    kept = json.loads((ROOT / "docs" / "examples" / "outputs" / f"{path.stem}.json").read_text("utf-8"))
    assert {str(number) for number, text in enumerate(said) if text} == set(kept)
    assert (tmp_path / f"{path.stem}.png").stat().st_size > 5_000


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_page_and_the_notebook_have_every_cell(path):
    cells = PAGES.read_cells(path.read_text(encoding="utf-8"))
    assert cells[0].text and cells[0].source.startswith("# ")
    page, notebook = PAGES.make_page(path), json.loads(PAGES.make_notebook(path))
    assert all(cell.source in page for cell in cells)
    assert [(cell["cell_type"] == "markdown", cell["source"]) for cell in notebook["cells"]] == cells
    assert f"](../pictures/example-{path.stem}.png)" in page
    assert (ROOT / "docs" / "pictures" / f"example-{path.stem}.png").exists()


# `own_network` draws placements, and no agents.
@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.stem != "own_network"], ids=lambda path: path.stem
)
def test_agents_have_their_colours(path):
    pytest.importorskip("matplotlib")
    from experiments.reports.agent_styles import AGENT_STYLES

    (literal,) = re.findall(r"^COLOURS = (.+)$", path.read_text("utf-8"), re.MULTILINE)
    for name, colour in ast.literal_eval(literal).items():
        assert colour == AGENT_STYLES[name.lower().replace(" ", "-")].colour, name


def test_cells_begin_at_marks():
    assert PAGES.read_cells(
        "# %% [markdown]\n# # A\n#\n# b\n\n# %%\nx = 1\n\n# %%\ny = 2  # %% no mark\n"
    ) == [
        (True, "# A\n\nb"),
        (False, "x = 1"),
        (False, "y = 2  # %% no mark"),
    ]
