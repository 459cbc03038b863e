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
from experiments.studies.cached_training import CachedTraining
from experiments.studies.config import Study, scenarios_beside
from experiments.studies.measures import MEASURES
from experiments.studies.page import Table
from experiments.studies.results import Plays
from experiments.training.play import play_agent
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.metrics import METRICS
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

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


def test_proven_bounds_and_distances_to_the_clairvoyant_are_in_the_courses(tmp_path):
    agents = [{"agent": name} for name in ("oga", "best-static", "clairvoyant-greedy")]
    whole = {
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "serving.max_parts": 1,
        "topology.nodes.0.memory": 9e6,
    }
    part = {
        "name": "p",
        "scenario": "tiny",
        "agents": agents,
        "overrides": {**whole, "horizon": 8},
        "seeds": 2,
    }
    course = {"name": "c", "kind": "course", "part": "p", "y": ["fractional_regret", "behind_greedy"]}
    out = run(tmp_path, {"parts": [part], "figures": [course], "reference": "best-static"})
    units, _ = study.list_units(
        from_plain(Study, {**MINI, "parts": [part], "figures": [], "reference": "oga"}), smoke=False
    )
    plays = {(one.unit.label, one.unit.seed): one for one in Plays(units, out).all}
    for seed in (0, 1):
        oga, best, clairvoyant = (plays[name["agent"], seed] for name in agents)
        proven = oga.series.proven
        assert proven is not None and (np.diff(proven) >= 0.0).all() and proven[-1] > 0.0
        assert best.series.proven is None
        least, most = (x - oga.series.fractional.sum() for x in (best.gain.sum(), best.bound("relaxed")))
        assert oga.value("fractional_regret") == oga.row()["fractional_regret"] == pytest.approx(least)
        assert oga.value("fractional_regret_most") == pytest.approx(most)
        assert least <= most + 1e-6 and least <= proven[-1]
        assert oga.value("regret") == pytest.approx(best.gain.sum() - oga.gain.sum())
        assert oga.value("rounding_regret") == pytest.approx(
            (1 - 1 / np.e) * best.gain.sum() - oga.gain.sum()
        )
        assert oga.value("behind_greedy") == pytest.approx(clairvoyant.gain.sum() - oga.gain.sum())
        assert oga.value("of_greedy") == pytest.approx(oga.gain.sum() / clairvoyant.gain.sum())
        assert clairvoyant.value("of_greedy") == pytest.approx(1.0)
        assert np.isnan(oga.value("dynamic_regret")) and np.isnan(oga.value("competitive"))
        late = oga.gain[4:] / oga.figure("requests")[4:]
        assert oga.value("second_half") == pytest.approx(late.mean())


def test_no_bound_is_drawn_where_options_need_two_placed_segments(tmp_path):
    part = {"name": "p", "scenario": "tiny", "agents": [{"agent": "oga"}], "seeds": 1}
    part["overrides"] = {"serving.capacity": "exogenous", "serving.loading": "instant", "horizon": 4}
    changes = {"parts": [part], "figures": [], "reference": "oga"}
    out = run(tmp_path, changes)
    units, _ = study.list_units(from_plain(Study, {**MINI, **changes}), smoke=False)
    assert [play.series.proven for play in Plays(units, out).all] == [None, None]


def test_parts_played_alone_leave_the_others_in_the_report(tmp_path):
    """And what other code played is named."""
    first = {**MINI["parts"][0], "grid": {}, "seeds": 1}
    changes = {"parts": [first, {**first, "name": "again"}], "figures": []}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**MINI, **changes}, sort_keys=False))
    words = [str(path), "--out", str(tmp_path / "out"), "--workers", "1", "--parts"]
    page = tmp_path / "out" / "report.html"
    study.main([*words, "rates"])
    assert "again: not played yet" in page.read_text() and ">again</h2>" not in page.read_text()
    assert "other code" not in page.read_text()
    record = next((tmp_path / "out" / "units" / "rates").rglob("*.json"))
    record.write_text(record.read_text().replace('"code": "', '"code": "x'))
    study.main([*words, "again"])
    assert ">rates</h2>" in page.read_text() and ">again</h2>" in page.read_text()
    assert "by other code than this: rates." in page.read_text()


def test_courses_end_where_the_episode_does(played):
    units, _ = study.list_units(from_plain(Study, MINI), smoke=False)
    plays = Plays(units, played)
    for one in plays.all:
        assert one.course("ntag")[-1] == pytest.approx(one.value("ntag"))
        assert len(one.course("update")) == 6


def test_an_agent_can_meet_a_scenario_of_its_own():
    """The baseline and the others keep the part's; demand is the same for all."""
    small = {"agent": "random", "label": "small", "overrides": {"topology.nodes.0.memory": 1e6}}
    part = {**MINI["parts"][0], "agents": [{"agent": "random"}, small]}
    changes = {"parts": [part], "figures": [], "reference": "random"}
    units, _ = study.list_units(from_plain(Study, {**MINI, **changes}), smoke=False)
    memory = {unit.label: unit.scenario.topology.nodes[0].memory for unit in units}
    assert memory == {"cloud-only": 24e6, "random": 24e6, "small": 1e6}
    one, two = (next(unit for unit in units if unit.label == name) for name in ("random", "small"))
    instances = [build_instance(unit.scenario, unit.seed) for unit in (one, two)]
    np.testing.assert_array_equal(instances[0].draw.demand, instances[1].draw.demand)


def test_parts_can_be_played_alone():
    whole = from_plain(Study, MINI)
    assert study.only(whole, ["gone"]).figures == ()
    assert [part.name for part in study.only(whole, ["rates"]).parts] == ["rates"]
    with pytest.raises(ConfigError, match="did you mean 'rates'"):
        study.only(whole, ["rate"])


def test_smoke_cuts_down():
    units, _ = study.list_units(
        from_plain(Study, {**MINI, "smoke": {"seeds": 1, "overrides": {"horizon": 3}}}), smoke=True
    )
    assert len(units) == 2 * 2 + 2 * 2 and {unit.scenario.horizon for unit in units} == {3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"figures": [{"name": "f", "kind": "dots", "part": "rate"}]},
            r"^figures\.0\.part: 'rate' is not a part",
        ),
        (
            {"figures": [{"name": "f", "kind": "sweep", "part": "rates", "x": "rate"}]},
            "'rate' is not allowed",
        ),
        ({"split": "tests"}, "'tests' is not allowed"),
        ({"reference": "search"}, "'search' is in no part; .* 'searched'"),
        (
            {"parts": [{"name": "p", "scenario": "tiny", "agents": [{"agent": "popularty"}]}]},
            r"^parts\.0\.agents\.0\.agent: .*popularity",
        ),
        (
            {"parts": [{"name": "p", "scenario": "tiny", "agents": [{"agent": "random"}] * 2}]},
            r"^parts\.0\.agents: .*same label",
        ),
    ],
)
def test_what_cannot_be_run_ends_in_one_error(changes, message):
    with pytest.raises(ConfigError, match=message):
        study.list_units(
            from_plain(Study, {**MINI, "figures": [], "reference": "cloud-only", **changes}), smoke=False
        )


SHIPPED = sorted((Path(__file__).parents[2] / "configs" / "studies").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_can_be_listed_whole_and_cut_down(path):
    whole = from_plain(Study, read_yaml(path))
    (parts, _), (few_parts, _) = study.list_units(whole, smoke=False), study.list_units(whole, smoke=True)
    units = [*parts, *study.list_fronts(whole, smoke=False), *study.list_transfers(whole.transfers, False)]
    few = [*few_parts, *study.list_fronts(whole, smoke=True), *study.list_transfers(whole.transfers, True)]
    episodes, fewer = (sum(getattr(unit, "episodes", 1) for unit in listed) for listed in (units, few))
    assert 0 < fewer < episodes
    files = {unit.file(path.parent) for unit in units}
    assert len(files) == len(units)  # no run writes over another one


@pytest.mark.slow
def test_a_part_of_the_idn_study_runs_in_miniature(tmp_path):
    path = next(path for path in SHIPPED if path.stem == "idn")
    study.main([str(path), "--smoke", "--parts", "alternating", "--out", str(tmp_path), "--workers", "1"])
    table = {row["agent"]: row for row in lines(tmp_path / "table.csv")}
    assert float(table["best-static"]["share"]) > 0.9
    assert float(table["greedy-last-slot"]["ntag"]) < 0.1 * float(table["best-static"]["ntag"])


def test_a_run_that_fails_is_named(tmp_path):
    part = {**MINI["parts"][0], "agents": [{"agent": "popularity"}], "grid": {"agent.depth": [1]}}
    with pytest.raises(SystemExit, match=r"rates, popularity, seed 0: .*depth"):
        run(tmp_path, {"parts": [part], "figures": [], "reference": "popularity"})


ENTRY = {"agent": "ppo", "train": {"steps": 512}}


@pytest.mark.parametrize(
    ("figure", "entry", "message"),
    [
        (
            {"kind": "dots", "agents": ["search"]},
            {},
            r"^figures\.0\.agents\.0: 'search' is not allowed; .* 'searched'",
        ),
        ({"kind": "frontier", "x": "latancy"}, {}, "'latancy' is not allowed; .* 'latency'"),
        ({"kind": "frontier"}, {}, "None is not allowed; allowed: ntag"),
        (
            {"kind": "dots", "y": ["dynamic_regret"]},
            {},
            r"^figures\.0\.y\.0: 'dynamic_regret' needs parts\.rates\.bracket",
        ),
        ({"kind": "frontier", "x": "saved"}, {}, r"^figures\.0\.x: 'saved' needs parts\.rates\.bracket"),
        (
            {"kind": "course", "y": ["second_half"]},
            {},
            r"'second_half' is not allowed in a course; it has one value per episode; allowed: ntag, ",
        ),
        ({"kind": "course", "y": ["lifetime"]}, {}, "'lifetime' is not allowed in a course; it has one"),
        (
            {"kind": "course", "y": ["regret"], "window": 3},
            {},
            r"^figures\.0\.window: 3 is not allowed; must be null where 'regret' is drawn, which adds up",
        ),
        ({"kind": "dots", "window": 3}, {}, r"window: 3 is not allowed in dots; must be null"),
        (
            {"kind": "dots"},
            {**ENTRY, "fixed": True, "options": {"seed": 1}},
            r"^parts\.0\.agents\.\d\.options: .* is not allowed beside train",
        ),
        ({"kind": "dots"}, ENTRY, r"^parts\.0\.agents\.\d\.fixed: false is not allowed; 'ppo' is trained"),
        ({"kind": "dots"}, {"agent": "ppo"}, r"^parts\.0\.agents\.\d: 'ppo' needs train, or options.path"),
        (
            {"kind": "dots"},
            {**ENTRY, "fixed": True, "train": {"preference": "energy"}},
            r"^parts\.0\.agents\.\d\.train\.preference: 'energy' is not allowed; only \"random\"",
        ),
        (
            {"kind": "dots"},
            {**ENTRY, "fixed": True, "train": {"seed": 3}},
            r"^parts\.0\.agents\.\d\.train\.seed: is not allowed; trainings",
        ),
    ],
)
def test_what_would_fail_after_hours_is_refused_at_once(figure, entry, message):
    part = {**MINI["parts"][0], "agents": MINI["parts"][0]["agents"] + ([entry] if entry else [])}
    with pytest.raises(ConfigError, match=message):
        from_plain(Study, {**MINI, "parts": [part], "figures": [{"name": "f", "part": "rates", **figure}]})


AXES = {
    "size": {
        "small": {"topology.memory_scale": 0.5, "topology.rate_scale": 0.25},
        "usual": {},
    },
    "day": {"calm": {"workload.bursts": None}, "wild": {"workload.bursts": {"ratio": 9.0}}},
}


def test_an_axis_moves_several_keys_at_once():
    part = {**MINI["parts"][0], "grid": {"workload.rate": [10, 25]}, "axes": AXES}
    figures = [{"name": "sweep", "kind": "sweep", "part": "rates", "x": "size"}]
    read = from_plain(Study, {**MINI, "parts": [part], "figures": figures})
    units, _ = study.list_units(read, smoke=False)
    cells = list(read.parts[0].cells())
    assert len(cells) == 8 and cells[0] == {"workload.rate": 10, "size": "small", "day": "calm"}
    for unit in units:
        topology, workload = unit.scenario.topology, unit.scenario.workload
        small = unit.cell["size"] == "small"
        assert (topology.memory_scale, topology.rate_scale) == ((0.5, 0.25) if small else (1.0, 1.0))
        assert (workload.bursts is None) == (unit.cell["day"] == "calm")
        assert workload.rate == unit.cell["workload.rate"]
    assert len({unit.file(Path("out")) for unit in units}) == len(units)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"size": {}}, r"^parts\.0\.axes\.size: is empty"),
        ({"workload.rate": {"a": {}}}, r"axes\.workload\.rate: is not allowed; the grid's keys and agent"),
        ({"size": {"a": {"workload.rate": 3}}}, r"axes\.size: 'workload\.rate' is not allowed; grid sets it"),
        (
            {"size": {"a": {"agent.step": 3}}},
            r"axes\.size: 'agent\.step' is not allowed; only keys of the sc",
        ),
        (
            {"x": {"a": {"horizon": 3}}, "y": {"b": {"horizon": 4}}},
            r"axes\.y: 'horizon' is not allowed; axes\.x sets it",
        ),
    ],
)
def test_axes_that_clash_are_refused(axes, message):
    part = {**MINI["parts"][0], "axes": axes}
    with pytest.raises(ConfigError, match=message):
        from_plain(Study, {**MINI, "parts": [part], "figures": []})


@pytest.mark.learning
def test_every_training_plays_every_seed(tmp_path):
    train = {"steps": 128, "envs": 8, "agent.batch_size": 64, "evaluation_episodes": 1}
    agents = [{"agent": "ppo", "train": train}, {"agent": "random"}]
    part = {"name": "p", "scenario": "tiny", "agents": agents, "seeds": 3, "trainings": 2}
    part["overrides"] = {"horizon": 4}
    changes = {
        "parts": [part],
        "figures": [{"name": "d", "kind": "dots", "part": "p"}],
        "reference": "random",
    }
    out = run(tmp_path, changes)
    rows = [row for row in lines(out / "runs.csv") if row["agent"] == "ppo"]
    assert [(row["training"], row["seed"]) for row in rows] == [(t, s) for t in "01" for s in "012"]
    cost = np.array([float(row["cost"]) for row in rows]).reshape(2, 3)
    assert not np.array_equal(cost[0], cost[1])
    others = np.array([float(row["cost"]) for row in lines(out / "runs.csv") if row["agent"] == "random"])
    units, _ = study.list_units(from_plain(Study, {**MINI, **changes}), smoke=False)
    np.testing.assert_array_equal(Plays(units, out).values("p", "ppo", {}, "cost"), cost)
    ppo, random = (
        next(r for r in lines(out / "table.csv") if r["agent"] == name) for name in ("ppo", "random")
    )
    assert (ppo["trainings"], ppo["seeds"], random["trainings"]) == ("2", "3", "0")
    assert float(ppo["cost_increase"]) == pytest.approx(cost.mean() - others.mean())
    assert float(ppo["training_steps"]) == 128.0 and float(random["training_steps"]) == 0.0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"agent": "ppo", "train": {"stesp": 64}}, "p, ppo, seed 0: .*stesp"),
        ({"agent": "ppoo", "train": {"steps": 64}}, "p, ppoo, seed 0: .*'ppoo'"),
    ],
)
def test_trainings_that_would_fail_are_refused_before_anything_is_played(tmp_path, entry, message):
    part = {"name": "p", "scenario": "tiny", "agents": [{"agent": "random"}, entry], "seeds": 1}
    with pytest.raises(SystemExit, match=message):
        run(tmp_path, {"parts": [part], "figures": [], "reference": "random"})
    assert not (tmp_path / "out" / "units").exists()


def test_a_training_is_told_apart_by_the_hyper_parameters_in_its_file(tmp_path):
    scenario, path = load_scenario("tiny"), tmp_path / "mine.yaml"
    shipped, names = read_yaml(ROOT / "configs" / "agents" / "ppo.yaml"), []
    for rate in (0.001, 0.002, 0.001):
        path.write_text(yaml.safe_dump({**shipped, "learning_rate": rate}))
        names.append(CachedTraining(str(path), scenario, "balanced", {"steps": 64, "seed": 0}).name)
    assert names[0] == names[2] != names[1]
    assert names[0].startswith("mine-")  # inside the study's folder, wherever the file is


def test_what_could_be_drawn_and_trained_is_read():
    part = {**MINI["parts"][0], "agents": MINI["parts"][0]["agents"] + [{**ENTRY, "fixed": True}]}
    drawn = {
        "name": "f",
        "part": "rates",
        "kind": "frontier",
        "x": "latency",
        "agents": ["cloud-only", "ppo"],
    }
    assert from_plain(Study, {**MINI, "parts": [part], "figures": [drawn]}).parts[0].labels()[-1] == "ppo"


def test_a_scenario_beside_a_study_is_found_from_everywhere(tmp_path):
    (tmp_path / "mine.yaml").write_text("preset: tiny\n")
    part = {"name": "p", "scenario": "mine.yaml"}
    found = scenarios_beside({"parts": [part, {**part, "scenario": "tiny"}], "fronts": [part]}, tmp_path)
    assert [named["scenario"] for named in found["parts"]] == [str(tmp_path / "mine.yaml"), "tiny"]
    assert found["fronts"][0]["scenario"] == str(tmp_path / "mine.yaml")
    assert scenarios_beside([], tmp_path) == []
