"""The command `idn`: every subcommand in this process, and start-up in one of its own."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import idn_gym
from idn_gym.commands.list import LISTS
from idn_gym.commands.main import SUBCOMMANDS, main
from idn_gym.scenarios.presets import PRESETS

HEAVY = ("matplotlib", "moocore", "optuna", "PIL", "scipy.optimize", "scipy.special", "sklearn", "torch")
"""What commands leave alone that do not need it; numba itself looks at scipy's version."""
SHORT = ["--scenario", "tiny", "--seeds", "2", "horizon=4"]


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def ends(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    return stop.value.code, capsys.readouterr().err


def test_help_starts_alone_and_light():
    code = "import sys; from idn_gym.commands.main import main; main(sys.argv[1:]); "
    code += f"print(sys.modules.keys() & {HEAVY})"
    for words, said in ((["--help"], "usage: idn"), (["list", "presets"], "edge-small")):
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert said in done.stdout and done.stdout.isascii() and done.stdout.endswith("\nset()\n")


def test_the_overview_names_every_subcommand_and_the_version(capsys):
    for words in ([], ["-h"], ["--help"]):
        main(words)
        said = capsys.readouterr().out
        assert all(f"  {name} " in said for name in SUBCOMMANDS) and said.startswith("usage: idn ")
    main(["--version"])
    assert capsys.readouterr().out == f"idn {idn_gym.__version__}\n"


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_help(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    said = capsys.readouterr().out
    assert stop.value.code in (None, 0) and said.startswith(f"usage: idn {name} ") and said.isascii()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "error: 'lst' is not a command of idn; allowed: list, show,"),
        (["list", "preset"], "error: kind: 'preset' is not allowed; allowed: presets, scenarios, contexts"),
        (["keys", "tinny"], "error: scenario: 'tinny' is not a preset, a YAML file or a mapping;"),
        (["show", "tiny", "horizn=4"], "error: horizn: unknown key; allowed: name"),
        (["show", "tiny", "--csv"], "error: --csv: needs --table; allowed: nodes, links, classes"),
        (
            ["show", "tiny", "--out", "x.gif"],
            "error: --out: 'x.gif' is not allowed; the name must end in .png",
        ),
        (["keys", "tiny", "--match", "horizn"], "error: --match: 'horizn' matches no key of tiny"),
        (["compare", "lfu", *SHORT], "error: policies: 'lfu' is the only policy; two or more are needed"),
        (["play", "infda"], "error: policy: 'infda' is unknown; allowed: nothing"),
        (["compare"], "error: policies: no policy is named; allowed: nothing"),
        (["compare", "lfu", "lfu"], "error: policies: 'lfu' is given twice; names must differ"),
        (["compare", "lfu", "--reference", "lru"], "error: reference: 'lru' is not among the policies;"),
        (["compare", "lfu", "lru", "--preference", "null", *SHORT], "error: preference: "),
        (["play", "lfu", "--csv", "--ceiling", "1", *SHORT], "error: --ceiling: 1 is not allowed with --csv"),
        (["watch", "ppo", "--out", "x.gif"], "error: policy: 'ppo' must be trained first; a policy that"),
        (["watch", "lfu", "--out", "a/x.gif", "horizon=0"], "error: horizon: 0 is not allowed; must be at"),
        (["show", "tiny", "--out", "a/x.png", "horizon=0"], "error: horizon: 0 is not allowed; must be at"),
        (["compare", "lfu", "--scenario", "tiny", "tiny"], "error: --scenario: 'tiny' is given twice; names"),
        (["compare", "lfu", "--scenario"], "error: --scenario: needs at least one value"),
        (
            ["compare", "x.zip"],
            "error: policy: 'x.zip' does not say what it is; a policy that Stable-Baselines3 saved",
        ),
        (["compare", "po:change:x.zip"], "error: policy: 'po' in 'po:change:x.zip' is not a class;"),
        (
            ["compare", "ppo:chang:x.zip"],
            "error: policy: 'chang' in 'ppo:chang:x.zip' is not an action codec;",
        ),
        (["compare", "ppo:change:nowhere.zip"], "error: policy: 'nowhere.zip' does not exist"),
        (
            ["watch", "lfu", "--out", "x.jpg"],
            "error: --out: 'x.jpg' is not allowed; the name must end in .gif or .png",
        ),
        (
            ["watch", "lfu", "--out", "x.gif", "--slots", "999"],
            "error: --slots: 999 is not allowed; the horizon",
        ),
        (
            ["watch", "lfu", "--scenario", "tiny", "--out", "x.gif", "--below", "edge-7"],
            "error: below: 'edge-7' is not a node; ",
        ),
    ],
)
def test_what_is_wrong_is_one_line(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, err = ends(words, capsys)
    assert code == 2 and err.startswith(said) and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_command_of_a_checkout_is_said_to_be_one(capsys):
    assert "training, studies and tuning are commands of a checkout" in ends(["train"], capsys)[1]


@pytest.mark.parametrize("kind", LISTS)
def test_lists_name_what_is_there(kind, capsys):
    main(["list", kind, "--csv"])
    rows = table(capsys.readouterr().out)
    main(["list", kind])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(rows) >= 3
    first = next(iter(rows[0]))
    assert [line.split("  ")[0].strip() for line in lines[1:]] == [row[first] for row in rows]
    if kind == "presets":
        assert [row["scenario"] for row in rows] == list(PRESETS)


def test_show_tells_what_a_scenario_consists_of(capsys):
    main(["show", "tiny", "horizon=4"])
    said = capsys.readouterr().out
    assert said.startswith("tiny: 3 nodes, 2 links, 2 tasks, 4 models, 2 request classes, 23 options")
    assert "all 4 models, pinned" in said and "board->edge" in said and "imagenet@board" in said
    for name, first in (("nodes", "board"), ("links", "board->edge"), ("classes", "imagenet@board")):
        main(["show", "tiny", "--table", name, "--csv"])
        rows = table(capsys.readouterr().out)
        assert next(iter(rows[0].values())) == first
        if name == "links":
            assert (rows[0]["rate [bit/s]"], rows[0]["round-trip delay [s]"]) == ("7600000.0", "0.022")
            assert rows[0]["down rate [bit/s]"] == "29500000.0"
            assert 0.0 < float(rows[1]["load [share]"]) < float(rows[0]["load [share]"]) <= 1.0


def test_show_draws_a_picture(tmp_path, capsys):
    main(["show", "tiny", "--out", str(tmp_path / "tiny.png")])
    assert (tmp_path / "tiny.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "no slot played yet" not in capsys.readouterr().out


def test_what_is_missing_is_said_before_anything_plays(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    for words in (["play", "nothing"], ["compare", "nothing", "random"]):
        with pytest.raises(SystemExit) as stop:
            main([*words, *SHORT, "--ceiling", "1", "--out", str(tmp_path / "out")])
        said = capsys.readouterr()
        assert stop.value.code == 1 and "idn-gym[solve]" in said.err and said.out == ""
        assert not (tmp_path / "out").exists()


def test_play_shows_every_figure(tmp_path, capsys):
    main(["play", "cloud-only", *SHORT, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "cloud-only on tiny, 2 test seeds" in said and "cost per slot" in said and "drop rate" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "table.csv",
        "table.json",
        "table.txt",
        "tiny-latencies.csv",
        "tiny.csv",
    ]
    assert len(table((tmp_path / "out" / "tiny.csv").read_text())) == 2


def test_compare_is_what_the_function_finds(tmp_path, capsys):
    main(["compare", "nothing", "cloud-only", "random", *SHORT, "--out", str(tmp_path), "--ceiling", "5"])
    said = capsys.readouterr().out
    assert all(part in said for part in ("minus nothing's", "latency [ms]", "best static, bound"))
    found = idn_gym.compare("tiny", ["nothing", "cloud-only", "random"], 2, overrides={"horizon": 4})
    assert [row["cost"][0] for row in json.loads((tmp_path / "table.json").read_text())] == [
        row.cost.estimate for row in found.rows
    ]
    assert [row.reference for row in found.rows] == 3 * ["nothing"]
    assert (found.episodes["nothing"].scalar == found.episodes["cloud-only"].scalar).all()
    main(["compare", "nothing", "random", *SHORT, "--csv"])
    rows = table(capsys.readouterr().out)
    assert {row["agent"] for row in rows} == {"nothing", "random"} and rows[0]["cost_low"]


def test_a_ceiling_is_no_lower_than_its_bound(capsys):
    main(["compare", "static-greedy", "cloud-only", *SHORT, "--ceiling", "5"])
    lines = capsys.readouterr().out.split("serving cost per slot")[1].splitlines()
    cells = [re.split(r" {2,}", line) for line in lines if line.endswith("%")]
    costs = {name: float(cost) for name, *_, cost, _ in cells}
    assert costs["best static, bound"] <= costs["best static, best routing"] <= costs["nothing loaded"]
    assert costs["best static, best routing"] <= costs["best static, reached"] <= costs["nothing loaded"]
    assert costs["best static, bound"] <= costs["static-greedy"] + 1e-4
    assert costs["cloud-only"] == costs["nothing loaded"]


def test_a_ceiling_says_what_its_gap_is_made_of(tmp_path, capsys):
    words = ["compare", "nothing", "cloud-only", *SHORT, "--ceiling", "5", "--out", str(tmp_path)]
    main([*words, "serving.load_limit=0.5"])
    said = capsys.readouterr().out
    assert "gap of the bracket: " in said and "serving" in said.split("of which")[1]
    (row,) = table((tmp_path / "ceilings.csv").read_text())
    costs = [float(row[name]) for name in ("bound", "routed_bound", "routed", "reached", "alone")]
    assert costs == sorted(costs) and row["scenario"] == "tiny"
    shares = [float(row[f"gap_{name}"]) for name in ("serving", "waiting", "placement")]
    assert sum(shares) == pytest.approx(float(row["gap"])) and min(shares) >= 0.0


def test_films_have_a_frame_per_slot(tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "film.gif"
    main(
        [
            "watch",
            "random",
            "--scenario",
            "tiny",
            "--slots",
            "3",
            "--scale",
            "0.25",
            "--out",
            str(path),
            "horizon=4",
        ]
    )
    assert "3 slots of random on tiny" in capsys.readouterr().out
    with image.open(path) as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (3, (320, 180), 250)
        first = np.asarray(film.convert("RGB"))
        film.seek(2)
        assert (np.asarray(film.convert("RGB")) != first).any()


def test_a_picture_is_that_of_the_last_slot(tmp_path):
    image = pytest.importorskip("PIL.Image")
    seen = []
    for slots in ("1", "3", "3"):
        path = tmp_path / "picture.png"
        main(["watch", "random", "--scenario", "tiny", "--slots", slots, "--out", str(path), "horizon=4"])
        with image.open(path) as picture:
            assert picture.size == (1280, 720)
            seen.append(np.asarray(picture.convert("RGB")))
    assert (seen[1] != seen[0]).any() and (seen[1] == seen[2]).all()


def test_a_film_shows_what_is_below_a_node(tmp_path):
    image = pytest.importorskip("PIL.Image")
    seen = []
    for below in ([], ["--below", "edge-1"]):
        path = tmp_path / "picture.png"
        main(["watch", "random", "--scenario", "edge-small", "--slots", "1", "--out", str(path), *below])
        with image.open(path) as picture:
            seen.append(np.asarray(picture.convert("RGB"))[:600, :900])
    assert (seen[1] != seen[0]).any() and (seen[1] < 250).sum() < 0.8 * (seen[0] < 250).sum()


def test_saved_policies_play_by_class_and_codec(tmp_path, capsys):
    sb3 = pytest.importorskip("stable_baselines3")
    contrib = pytest.importorskip("sb3_contrib")
    import gymnasium as gym

    options = {"scenario": "tiny", "overrides": {"horizon": 4}}
    words = []
    for kind, algorithm in (("ppo", sb3.PPO), ("maskable-ppo", contrib.MaskablePPO)):
        env = gym.make("IDN-Scalar-v0", action="placement", **options)
        path = tmp_path / f"{kind}.zip"
        algorithm("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu").save(path)
        words.append(f"{kind}:placement:{path}")
    main(["compare", "nothing", *words, *SHORT, "--csv"])
    rows = table(capsys.readouterr().out)
    assert {row["agent"] for row in rows} == {"nothing", *words}
    for wrong in (f"ppo:change:{tmp_path / 'ppo.zip'}", f"dqn:placement:{tmp_path / 'ppo.zip'}"):
        code, err = ends(["play", wrong, *SHORT], capsys)
        warning, error = err.splitlines()
        assert code == 2 and warning.endswith("is a pickle, and reading it runs the code in it")
        assert error.startswith("error: policy: ")
