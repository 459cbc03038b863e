"""The study runner in miniature: what is played, what is kept, what the numbers are."""

import csv
import json
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import yaml
from gymnasium.error import DependencyNotInstalled

from experiments import study
from experiments.studies.config import Study
from experiments.studies.measures import MEASURES
from experiments.studies.page import Table
from experiments.studies.results import Plays
from experiments.training.play import play_agent
from idn_gym.config_reader import from_plain
from idn_gym.metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
MINI = {
    "name": "mini",
    "title": "A small study",
    "about": "To see that it runs.",
    "split": "validation",
    "reference": "searched",
    "parts": [
        {
            "name": "rates",
            "scenario": "tiny",
            "overrides": {"horizon": 6},
            "grid": {"workload.rate": [10, 25], "agent.seed": [3, 4]},
            "seeds": 2,
            "agents": [
                {"agent": "random"},
                {
                    "agent": "clairvoyant-search",
                    "label": "searched",
                    "fixed": True,
                    "options": {"restarts": 1},
                },
            ],
        },
        {"name": "gone", "scenario": "tiny", "needs": "nowhere.csv", "agents": [{"agent": "random"}]},
    ],
    "figures": [
        {"name": "course", "kind": "course", "part": "rates", "y": ["ntag", "regret"]},
        {"name": "sweep", "kind": "sweep", "part": "rates", "x": "workload.rate", "y": ["ntag", "update"]},
        {"name": "front", "kind": "frontier", "part": "rates", "x": "latency", "y": ["accuracy"]},
        {"name": "dots", "kind": "dots", "part": "rates", "y": ["ntag"]},
        {"name": "tiers", "kind": "tiers", "part": "rates", "agents": ["searched"]},
    ],
}


def run(folder, changes=None):
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**MINI, **(changes or {})}, sort_keys=False))
    study.main([str(path), "--out", str(folder / "out"), "--workers", "1"])
    return folder / "out"


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    return run(tmp_path_factory.mktemp("study"))


def lines(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_everything_is_played_once_and_gains_are_those_of_rollouts(played):
    rows = lines(played / "runs.csv")
    found = sorted((row["cell"], row["agent"], row["seed"]) for row in rows)
    both, rate = '{{"workload.rate": {}, "agent.seed": {}}}', '{{"workload.rate": {}}}'
    wanted = [(both.format(r, s), "random", b) for r in (10, 25) for s in (3, 4) for b in "01"]
    wanted += [(rate.format(r), a, b) for r in (10, 25) for a in ("cloud-only", "searched") for b in "01"]
    assert found == sorted(wanted)
    units, _ = study.list_units(from_plain(Study, MINI), smoke=False)
    world = units[0].scenario
    own, base = (
        play_agent(a, world, [1], "validation", **o) for a, o in (("random", {"seed": 4}), ("cloud-only", {}))
    )
    tariff, requests = METRICS.index("tariff_cost"), METRICS.index("requests")
    gain = (base.metrics - own.metrics)[0, :, tariff] * world.nominal_requests
    row = next(r for r in rows if (r["cell"], r["agent"], r["seed"]) == (both.format(10, 4), "random", "1"))
    assert float(row["gain"]) == pytest.approx(gain.sum(), rel=1e-12)
    assert float(row["ntag"]) == pytest.approx(np.mean(gain / own.metrics[0, :, requests]), rel=1e-12)
    assert all(float(r["gain"]) == 0.0 for r in rows if r["agent"] == "cloud-only")


def test_the_page_holds_tables_and_figures_and_says_what_is_missing(played):
    page = (played / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(MINI["figures"])
    assert "gone: nowhere.csv does not exist" in page and "python -m experiments.study" in page
    assert "src=" not in page.replace('src="data:', "")  # nothing is fetched from elsewhere
    check_links(page, played)
    table = lines(played / "table.csv")
    assert len(table) == 4 * 3
    assert all(float(row["ahead"]) == 0.0 for row in table if row["agent"] == "searched")


def check_links(page, folder):
    """Every link leads to something on the page or beside it, and heads to what measures mean."""
    places = re.findall(r'id="([^"]+)"', page)
    assert len(set(places)) == len(places)
    for link in re.findall(r'href="([^"]+)"', page):
        assert link[1:] in places if link.startswith("#") else (folder / link).exists(), link
    heads = re.findall(r'<th><a href="#measure-(\w+)">([^<]+)</a>', page)
    assert {"ntag", "ahead", "cost", "latency_p95"} <= {key for key, _ in heads}
    for key, head in heads:
        assert MEASURES[key].label == head and f"<dd>{MEASURES[key].meaning}" in unescape(page)
    assert "_" not in "".join(re.findall(r"<(?:th|h3|dt)[^>]*>([^<]+)", page))  # keys are not for people


def test_tables_fit_the_page_and_lose_nothing():
    head = ["agent", *(f"measure {k} [ms]" for k in range(30))]
    body = [[f"agent {i}", *(f"{i}.{k} [{k}, {k}]" for k in range(30))] for i in range(3)]
    blocks = Table(head, body, ["", *("latency",) * 30]).blocks()
    assert len(blocks) > 2
    assert [name for block in blocks for name in block.head[1:]] == head[1:]
    assert all(block.head[0] == "agent" and len(block.keys) == len(block.head) for block in blocks)
    for i, line in enumerate(body):
        assert [cell for block in blocks for cell in block.body[i][1:]] == line[1:]
        assert all(sum(len(cell) + 3 for cell in block.body[i]) <= 130 for block in blocks)
    assert Table(["a"], [["x"]]).blocks() == [Table(("a",), [("x",)], ("",))]
    assert Table(["a", "b"], []).blocks()[0].head == ("a", "b")


def test_names_and_texts_are_shown_as_they_are(tmp_path):
    name = '<i>rates & "tiers"</i>'
    part = {**MINI["parts"][0], "name": name, "grid": {"name": ["<u>"]}, "seeds": 1}
    changes = {"title": "<b>&amp;", "about": "a < b", "parts": [part], "reference": "cloud-only"}
    figure = {"name": "<s>", "kind": "dots", "part": name, "y": ["ntag"]}
    page = (run(tmp_path, {**changes, "figures": [figure]}) / "report.html").read_text()
    body = page.split('<h2 id="record">Command')[0]
    assert "<title>&lt;b&gt;&amp;amp;</title>" in body and "<p>a &lt; b</p>" in body
    assert ">&lt;i&gt;rates &amp; &#34;tiers&#34;&lt;/i&gt;</h2>" in body
    assert "name: &lt;u&gt;</h3>" in body
    assert not {"<b>", "<u>", "<s>"} & set(re.findall("<[a-z]+>", page))


def test_a_page_without_jinja2_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    units, _ = study.list_units(from_plain(Study, MINI), smoke=False)
    with pytest.raises(DependencyNotInstalled, match=r"idn-gym\[report\]"):
        study.check_units(units)


def test_only_what_is_missing_or_has_changed_is_played_again(played):
    files = sorted((played / "units").rglob("*.json"))
    before = {path: path.stat().st_mtime_ns for path in files}
    lost, kept = files[0], json.loads(files[0].read_text())
    lost.unlink()
    run(played.parent)
    again = json.loads(lost.read_text())
    assert again["unit"] == kept["unit"] and again["metrics"] == kept["metrics"]
    assert [path for path in files if path.stat().st_mtime_ns != before[path]] == [lost]
    parts = [{**MINI["parts"][0], "overrides": {"horizon": 5}}]
    units, _ = study.list_units(from_plain(Study, {**MINI, "parts": parts}), smoke=False)
    assert not any(unit.done(played) for unit in units)


@pytest.mark.slow
@pytest.mark.long
def test_a_killed_study_takes_its_workers_along_and_goes_on_to_the_same_numbers(played, tmp_path, gone):
    path, out = tmp_path / "study.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(MINI, sort_keys=False))
    words = [sys.executable, "-m", "experiments.study", str(path), "--out", str(out), "--workers", "2"]
    process = subprocess.Popen(words, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    while len(list(out.rglob("*.json"))) < 3:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    process.kill()
    process.wait()
    gone(process.pid)
    kept = {file: file.stat().st_mtime_ns for file in out.rglob("*.json")}
    assert 3 <= len(kept) < len(list(played.rglob("*.json")))
    run(tmp_path)
    assert all(file.stat().st_mtime_ns == before for file, before in kept.items())
    timing = "cpu_seconds_to_build", "cpu_seconds_per_slot"
    found, expected = (
        [
            {key: value for key, value in row.items() if key not in timing}
            for row in lines(folder / "runs.csv")
        ]
        for folder in (out, played)
    )
    assert found == expected


def test_courses_end_where_the_episode_does(played):
    units, _ = study.list_units(from_plain(Study, MINI), smoke=False)
    plays = Plays(units, played)
    for one in plays.all:
        assert one.course("ntag")[-1] == pytest.approx(one.value("ntag"))
        assert len(one.course("update")) == 6


def test_a_run_that_fails_is_named(tmp_path):
    part = {**MINI["parts"][0], "agents": [{"agent": "popularity"}], "grid": {"agent.depth": [1]}}
    with pytest.raises(SystemExit, match=r"rates, popularity, seed 0: .*depth"):
        run(tmp_path, {"parts": [part], "figures": [], "reference": "popularity"})
