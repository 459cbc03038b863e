"""The table of learners names them all, and the tests it points to are there."""

import re
from pathlib import Path

from agents.registry import AGENTS, CLAIRVOYANT

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "learners.md").read_text()
ROWS = re.findall(r"^\| `([\w-]+)`( \*reference\*)? \| `(\w+\.py)` \|", TEXT, re.MULTILINE)


def test_every_learner_has_its_row():
    online = {name for name, target in AGENTS.items() if target.startswith("agents.online.")}
    assert {name for name, _, _ in ROWS} == online
    assert {name for name, reference, _ in ROWS if reference} == online & CLAIRVOYANT


def test_the_files_that_it_names_exist():
    for _, _, file in ROWS:
        assert (ROOT / "agents" / "online" / file).exists(), file
    for file in re.findall(r"`(test_\w+\.py)`", TEXT):
        assert (ROOT / "tests" / "agents" / "online" / file).exists(), file
