"""What the site needs of the pages: a place for each, a film per preset, lists that its Markdown reads."""

import re
from pathlib import Path

import pytest
import yaml

from idn_gym.scenarios.presets import PRESETS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FILM_BYTES = 300_000


def entries(nav):
    for item in nav:
        if isinstance(item, str):
            yield item
        else:
            for below in item.values():
                yield from [below] if isinstance(below, str) else entries(below)


def test_every_page_has_one_place_in_the_navigation():
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    made = {f"examples/{path.stem}.md" for path in (DOCS / "examples").glob("*.py")}
    made |= {"contributing.md", "changelog.md"}  # docs/example_pages.py
    assert sorted(entries(nav)) == sorted({str(page.relative_to(DOCS)) for page in PAGES} | made)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_page_with_a_film_and_its_command(name):
    page = (DOCS / "presets" / f"{name}.md").read_text(encoding="utf-8")
    assert f"](../pictures/{name}.gif)" in page
    command = (
        rf"    idn watch \S+ --scenario {name} --slots (\d+) --scale \S+ --out docs/pictures/{name}\.gif\b"
    )
    (slots,) = re.findall(command, page)
    film = DOCS / "pictures" / f"{name}.gif"
    assert film.stat().st_size <= FILM_BYTES
    image = pytest.importorskip("PIL.Image")
    with image.open(film) as read:
        assert read.n_frames <= int(slots) <= 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_what_continues_a_list_is_indented_by_four(page):
    """Less than that belongs to the list on GitHub, and ends it in Python-Markdown."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert not re.findall(r"\n\n {1,3}\S.*", text)
    assert not re.findall(r"\n(?:\S|  \S).*\n\n {5,7}\S.*", text)
    assert not re.findall(r"\n\n {4}[^\s|].*\n[-*] .*", text)  # the next item would be swallowed
