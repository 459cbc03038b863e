"""What the hosting site and citation managers read: it parses, and says what the project says elsewhere."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import idn_gym
from tests.wheel_check import lowest

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_python_of_the_classifiers_is_checked():
    named = [row.rpartition(" ")[2] for row in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", row)]
    strategy = read(GITHUB / "workflows" / "check.yml")["jobs"]["check"]["strategy"]["matrix"]
    assert strategy["python"] == named and PROJECT["requires-python"] == f">={named[0]}"
    assert all(row["experimental"] and row["python"] not in named for row in strategy["include"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_what_is_there(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE))
    lines = [step["run"] for job in read(path)["jobs"].values() for step in job["steps"] if "run" in step]
    assert lines
    for line in lines:
        for word in line.split("make ", 1)[1].split() if "make " in line else []:
            assert word in known or word.split("=")[0] in variables, line
        for script in re.findall(r"[\w./]+/[\w.]+\.py|\.ci/run", line):
            assert (ROOT / script).is_file(), line


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_have_what_the_site_wants(path):
    form = read(path)
    assert form["name"] and form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in form["body"])


def test_the_citation_is_of_this_version():
    citation = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == idn_gym.__version__ and citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [row["name"] for row in PROJECT["authors"]]


def test_hooks_take_their_tools_from_the_pinned_environment():
    hooks = [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    ids = {hook["id"] for hook in hooks}
    assert {"ruff", "ruff-format", "mypy"} <= ids and len(ids) == len(hooks)
    for hook in hooks:
        pinned = all("==" in name for name in hook.get("additional_dependencies", []))
        assert hook["entry"].startswith(".venv/bin/") if hook["language"] == "system" else pinned


def test_every_dependency_has_a_lower_bound_that_the_pins_meet():
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    versions = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    for pin in lowest(PROJECT["dependencies"]):
        name, bound = pin.split("==")
        least, found = ([int(part) for part in v.split(".")] for v in (bound, versions[name.lower()]))
        assert least <= found, pin


def test_a_dependency_without_a_lower_bound_is_refused():
    assert lowest(["numpy>=2.0", "gymnasium>=1.2,<2"]) == ["numpy==2.0", "gymnasium==1.2"]
    with pytest.raises(SystemExit, match="'rich' has no lower bound"):
        lowest(["rich"])
