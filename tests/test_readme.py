"""README and docs: short, with code that runs as it stands, and links and names that lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WORDS = 1000


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


ELSEWHERE = (
    "docs/adapting.md: import csv",  # below
    "docs/adapting.md: import gymnasium as gym, idn_gym",  # below
    "docs/hidden_quality.md: import gymnasium as gym, idn_gym, torch",  # tests/lab/training
)
"""Blocks that other tests run."""

RUN = [
    pytest.param(page, code, id=f"{page}: {code.splitlines()[0]}")
    for page in (
        "README.md",
        "docs/environment.md",
        "docs/adapting.md",
        "docs/bring_your_own.md",
        "docs/commands.md",
        "docs/contexts.md",
        "docs/forecasts.md",
        "docs/games.md",
        "docs/hidden_quality.md",
        "docs/hybrid.md",
        "docs/metrics.md",
        "docs/pareto.md",
    )
    for code in blocks(page)
    if f"{page}: {code.splitlines()[0]}" not in ELSEWHERE
]


@pytest.mark.parametrize(("page", "code"), RUN)
def test_code_runs(page, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {"__name__": "page"})


def test_the_page_on_hindsight_brackets_as_it_says(capsys):
    static, dynamic = blocks("docs/hindsight.md")
    exec(compile(static, "hindsight.md", "exec"), {"__name__": "page"})
    lower, upper, gap, status = capsys.readouterr().out.split()
    assert 0.0 < float(lower) <= float(upper)
    assert float(gap.rstrip("%")) <= 1.0 and status == "closed"
    exec(compile(dynamic, "hindsight.md", "exec"), {"__name__": "page"})
    said = re.fullmatch(r"headroom (.+)% to (.+)%, gap (.+)%, \w+\n", capsys.readouterr().out)
    least, most, gap = (float(number) for number in said.groups())
    assert 0.0 <= least <= most < 50.0 and gap < 5.0


def test_the_page_on_adapting_pairs_the_rules_of_a_study(tmp_path, monkeypatch, capsys):
    costs = {"federated": (0.1, 0.2, 0.3), "gain": (0.2, 0.4, 0.3)}
    rows = [
        f"four boards that share a shift,{agent},{cost}" for agent, found in costs.items() for cost in found
    ]
    table = tmp_path / "runs" / "studies" / "adaptation" / "runs.csv"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(["part,agent,cost", *rows, "by labels,gain,9.0"]))
    monkeypatch.chdir(tmp_path)
    (code,) = (code for code in blocks("docs/adapting.md") if code.startswith("import csv"))
    exec(compile(code, "adapting.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.startswith("-0.1000 [")


def test_the_page_on_adapting_plays_the_table_that_it_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = (code for code in blocks("docs/adapting.md") if "write_adaptation(" in code)
    page = {"__name__": "page"}
    exec(compile(code, "adapting.md", "exec"), page)
    assert capsys.readouterr().out == "[0.35 0.6  0.8 ] [0.0, 1800000000.0, 9000000000.0]\n"
    plan = page["env"].unwrapped.simulation.compiled.adaptations
    assert 9e9 in plan.macs[:, 100]


def test_the_readme_is_short():
    assert len(README.split()) <= WORDS


def test_quickstart_is_short_and_starts_with_the_import():
    lines = [line for line in blocks("README.md")[0].splitlines() if line.strip()]
    assert len(lines) <= 12
    assert lines[0] == "import idn_gym"
    assert any("IDN-Scalar-v0" in line for line in lines)


def test_bring_your_own_takes_at_most_15_lines():
    shown = blocks("docs/bring_your_own.md")
    assert len(shown) == 4
    for block in shown:
        assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"\]\(([\w.]+\.md)\)", index)
    assert sorted(listed) == sorted(
        page.name for page in (ROOT / "docs").glob("*.md") if page.name != "index.md"
    )


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_names_and_commands_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`((?:docs|configs|tests|experiments|idn_gym|agents)/[a-z\d_./-]*)`", text):
        assert (ROOT / name).exists(), name
    for module in re.findall(r"python -m (experiments\.\w+)", text):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), module


def test_no_gap_is_left():
    assert not re.findall(r"[A-Z]+_(?:TABLE|SECTION|ROW)", README)
