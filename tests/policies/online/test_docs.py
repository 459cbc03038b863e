"""The table of learners names them all, the tests it points to are there, and what it counts is so."""

import re
from pathlib import Path

import numpy as np
import pytest

from agents.registry import AGENTS, CLAIRVOYANT
from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.prefixes import UNUSABLE, list_prefixes
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "learners.md").read_text()
ROWS = re.findall(r"^\| `([\w-]+)`( \*(?:informed|reference)\*)? \| `(\w+\.py)` \|", TEXT, re.MULTILINE)


def test_every_learner_has_its_row():
    folders = "idn_gym.policies.online.", "idn_gym.policies.hierarchical."
    online = {name for name, target in AGENTS.items() if target.startswith(folders)}
    assert {name for name, _, _ in ROWS} == online
    assert {name for name, told, _ in ROWS if told} == online & CLAIRVOYANT
    assert {name for name, told, _ in ROWS if "reference" in told} == {"best-static"}  # it has a bound


def test_the_files_that_it_names_exist():
    for _, _, file in ROWS:
        assert any((ROOT / "idn_gym" / "policies").glob(f"*/{file}")), file
    for file in re.findall(r"`(test_\w+\.py)`", TEXT):
        assert any((ROOT / "tests").rglob(file)), file


def test_its_example_plays_a_learner():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    world = {}
    exec(compile(code.replace('"isp-hierarchy"', '"tiny"'), "learners.md", "exec"), world)
    played = world["played"]
    assert played.seeds == (0, 1) and np.isfinite(played.scalar).all()


@pytest.mark.parametrize("name", ["tiny", "edge-small", "metro-split"])
def test_it_counts_the_chains_and_options_of_the_presets(name):
    items = list_prefixes(
        compile_scenario(load_scenario(name, {"serving.capacity": "exogenous", "serving.loading": "instant"}))
    )
    heads = np.flatnonzero(items.parent == EMPTY)
    (said,) = re.findall(rf"\| `{name}`, exogenous \| no: (\d+) of (\d+) chains", TEXT)
    assert tuple(map(int, said)) == (np.isin(heads, items.parent).sum(), len(heads))
    (said,) = re.findall(rf"(\d+) % of (?:the options of )?`{name}`", TEXT)
    assert int(said) == round(100 * np.mean(items.option_item == UNUSABLE))
    if name == "metro-split":  # memory for all prefixes
        assert (np.bincount(items.node, items.size, len(items.budget)) <= items.budget).all()


@pytest.mark.parametrize("name", ["isp-hierarchy", "adversary"])
def test_it_calls_whole_what_has_no_chains(name):
    items = list_prefixes(compile_scenario(load_scenario(name)))
    assert (items.parent == EMPTY).all() and not (items.option_item == UNUSABLE).any()
