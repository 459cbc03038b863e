"""All code of the README and of the page on hindsight runs as it stands."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=[block.splitlines()[0] for block in BLOCKS])
def test_code_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_the_page_on_hindsight_brackets_as_it_says(capsys):
    text = (Path(__file__).parents[1] / "docs" / "hindsight.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "hindsight.md", "exec"), {"__name__": "page"})
    lower, upper, gap, status = capsys.readouterr().out.split()
    assert 0.0 < float(lower) <= float(upper)
    assert float(gap.rstrip("%")) <= 1.0 and status == "closed"


def test_quickstart_is_short_and_starts_with_the_import():
    lines = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert len(lines) <= 12
    assert lines[0] == "import idn_gym"
    assert any("IDN-Scalar-v0" in line for line in lines)


def test_bring_your_own_takes_at_most_15_lines():
    assert len(BLOCKS) == 4
    for block in BLOCKS[1:]:
        assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_named_files_and_commands_exist():
    root = Path(__file__).parents[1]
    for name in re.findall(r"`((?:docs|configs|tests|experiments)/[\w./-]*)`", README):
        assert (root / name).exists(), name
    for module in re.findall(r"python -m (experiments\.\w+)", README):
        assert (root / (module.replace(".", "/") + ".py")).exists(), module


def test_no_gap_is_left():
    assert not re.findall(r"[A-Z]+_(?:TABLE|SECTION|ROW)", README)
