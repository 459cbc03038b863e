"""Pages of presets and the README show numbers of the headline study as its own page does."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SHARED = ("cost per slot", "saved", "loads")
"""How the columns begin that both pages may have."""

OTHERS = {("genai-shift", "`infida`")}
"""Played by another command too, as it ships; the headline study has a setting of its own for it."""


def under(page, title):
    """What a page says under a heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def table(page, title):
    """Of the first table by policies under a heading: by policy and beginning of a column, the cell."""
    found = re.search(r"^\| (?:policy|placed by) \|.*\n(?:\|.*\n?)+", under(page, title), re.MULTILINE)[0]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]
    at = {name: k for name in SHARED for k, column in enumerate(head) if column.startswith(name)}
    return {(cells[0], name): cells[k] for cells in rows for name, k in at.items()}


def rounded(cell, like):
    """The numbers of a cell, with as many digits as another cell has."""
    digits = len(re.search(r"\d+\.?(\d*)", like)[1])
    return [round(float(number), digits) for number in re.findall(r"-?\d+\.?\d*", cell)]


def headroom(page):
    """Percent that the best sequence saves at least and at most, by preset or for the page's own."""
    found = re.findall(r"(\S+) % \[\S+ \S+\] at least, (\S+) % \[\S+ \S+\] at most", page)
    return [tuple(map(float, ends)) for ends in found]


@pytest.mark.parametrize(
    "preset, title",
    [
        ("edge-drift", "Numbers"),
        ("metro-day", "Numbers"),
        ("adversary", "Numbers"),
        ("genai-shift", "Headroom"),
    ],
)
def test_the_page_of_a_preset_agrees_with_the_headline_study(preset, title):
    headline, here = table("headline.md", f"`{preset}`"), table(f"presets/{preset}.md", title)
    both = {cell for cell in headline.keys() & here.keys() if (preset, cell[0]) not in OTHERS}
    assert len({policy for policy, _ in both}) >= 4
    said = {cell: rounded(here[cell], headline[cell]) for cell in both}
    assert said == {cell: rounded(headline[cell], headline[cell]) for cell in both}


PRESETS_SHOWN = ("metro-day", "edge-drift", "genai-shift")
IN_README = {
    "PPO after imitation (`ppo-imitation`)": "`ppo`",
    "combiner A over it": "`A over ppo`",
    "index, learnt by search": "`index`",
    "library-greedy": "`library-greedy`",
    "OLAG": "`olag`",
    "INFIDA-AdaHedge, tuned": "`infida-adahedge tuned`",
}


@pytest.mark.parametrize("preset", ("metro-day", "edge-drift", "adversary"))
def test_headroom_is_the_same_on_both_pages(preset):
    there = headroom(under("headline.md", f"`{preset}`"))
    assert len(there) == 1
    assert headroom((DOCS / f"presets/{preset}.md").read_text(encoding="utf-8")) == there


def test_the_table_of_the_readme_agrees_with_the_headline_study():
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    body = re.search(r"^\| saved % \|.*\n((?:\|.*\n)+)", text, re.MULTILINE)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[1:]]
    shown = {cells[0]: cells[1:] for cells in rows}
    bracket = shown.pop("best sequence in hindsight")
    assert shown.keys() == IN_README.keys()
    for column, preset in enumerate(PRESETS_SHOWN):
        ((least, most),) = headroom(under("headline.md", f"`{preset}`"))
        assert bracket[column] == f"{least:.1f} to {most:.1f}"
        there = table("headline.md", f"`{preset}`")
        for name, policy in IN_README.items():
            assert shown[name][column] == there[policy, "saved"]
