"""The command `idn`: every subcommand in this process, and start-up in one of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import idn_gym
from idn_gym.actions import ACTION_CODECS
from idn_gym.commands.keys import list_keys
from idn_gym.commands.list import LISTS
from idn_gym.commands.main import SUBCOMMANDS, main
from idn_gym.config_reader import ConfigError, read_word
from idn_gym.env import IDNEnv
from idn_gym.observations import OBSERVERS
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.vector import IDNVectorEnv

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
    ],
)
def test_what_is_wrong_is_one_line(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, err = ends(words, capsys)
    assert code == 2 and err.startswith(said) and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


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


EXAMPLES = {
    "topology.tiers": [{"name": "cloud", "device": "gpu_a100_trt_int8", "pins": ["all"]}],
    "topology.nodes": [{"name": "cloud", "device": "gpu_a100_trt_int8", "tier": "cloud", "pins": ["all"]}],
    "topology.links": [{"source": "board", "target": "cloud", "link": "lte_uplink"}],
    "topology.name": "sndlib/germany50",
    "topology.path": "net.graphml",
    "workload.replay.path": "log.csv",
    "workload.replay.task.column": "model",
    "workload.replay.node.column": "user",
    "workload.mobility.homes": ["board"],
    "workload.mobility.works": ["edge"],
    "workload.popularity.commute": {"homes": ["board"], "works": ["edge"]},
    "workload.popularity.commute.homes": ["board"],
    "workload.popularity.commute.works": ["edge"],
    "dynamics.link.path": "links.csv",
    "dynamics.background.path": "work.csv",
    "dynamics.outages.path": "outages.csv",
    "dynamics.outages.failures": [{"node": "edge", "first": 1, "last": 2}],
    "dynamics.outages.failures.0.node": "edge",
    "dynamics.outages.failures.0.first": 0,
    "dynamics.outages.failures.0.last": 3,
    "dynamics.memory.path": "memory.csv",
    "dynamics.link_outages.path": "cuts.csv",
    "dynamics.link_outages.failures": [{"link": "edge", "first": 1, "last": 2}],
    "dynamics.link_outages.failures.0.link": "edge",
    "dynamics.link_outages.failures.0.first": 0,
    "dynamics.link_outages.failures.0.last": 3,
    "workload.flash.crowds": [{"at": 3}],
    "dynamics.energy_price.path": "prices.csv",
    "dynamics.carbon.path": "grid.csv",
    "dynamics.harvest.path": "sun.csv",
}
EXAMPLES |= {f"topology.{tier}": EXAMPLES["topology.tiers"][0] for tier in ("repository", "core", "access")}
"""Values of keys that have no default."""


def changed(key):
    """Overrides that set a key as the table says."""
    overrides = {}
    for word in key.when.split():
        name, _, text = word.partition("=")
        overrides[name] = EXAMPLES[name] if text == "..." else text
    value = read_word(key.key, key.value) if key.value else EXAMPLES.get(key.key, "some text")
    assert key.value or key.key in EXAMPLES or key.type == "text"
    # A tariff of nothing but zeros is refused.
    return overrides | {key.key: 1.0 if key.key.startswith("serving.tariff.") else value}


@pytest.mark.parametrize("name", ["tiny", "edge-small", "isp-hierarchy", "metro-split"])
def test_every_key_that_is_listed_works(name):
    keys = list(list_keys(PRESETS[name]))
    assert len({(key.key, key.when) for key in keys}) == len(keys)
    for key in keys:
        if key.type == "null | true | mapping":
            load_scenario(name, {key.key: True})
    for key in keys:
        scenario = load_scenario(name, changed(key))
        if not key.when and key.value and not key.key.startswith("serving.tariff."):
            off = any(key.key.startswith(f"{one.key}.") for one in keys if one.value == "null")
            assert off or scenario == PRESETS[name], f"{key.key} has another value than {key.value}"


def test_keys_that_need_others_say_so():
    keys = list(list_keys(PRESETS["tiny"]))
    alone = {key.key for key in keys if not key.when}  # what kinds share
    for key in keys:
        if key.when and key.key not in alone:
            overrides = changed(key)
            overrides.pop(key.when.split()[-1].partition("=")[0])
            with pytest.raises(ConfigError):
                load_scenario("tiny", overrides)


def test_keys_say_type_unit_value_and_meaning(capsys):
    main(["keys", "tiny", "horizon=9", "--csv"])
    rows = {row["key"]: row for row in table(capsys.readouterr().out)}
    assert rows["horizon"] | {"meaning": ""} == {
        "key": "horizon",
        "type": "whole number >= 1",
        "unit": "slots",
        "value": "9",
        "when": "",
        "meaning": "",
    }
    assert rows["dynamics.link.kind"]["type"] == "fixed | gilbert_elliott | ar1 | file"
    assert rows["dynamics.outages"]["value"] == "null"
    assert rows["dynamics.outages.mean_up"] | {"meaning": ""} == {
        "key": "dynamics.outages.mean_up",
        "type": "number >= 1",
        "unit": "slots",
        "value": "200",
        "when": "",
        "meaning": "",
    }
    assert rows["dynamics.link.sigma"]["when"] == "dynamics.link.kind=ar1"
    assert rows["topology.nodes.2.servers"]["value"] == ".inf"
    main(["keys", "tiny", "--match", "horizon"])
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("name", ["tiny", "isp-hierarchy", "metro-split"])
def test_every_key_has_a_meaning_also_below_what_is_off(name):
    keys = list(list_keys(PRESETS[name]))
    assert [key.key for key in keys if not key.meaning] == []
    listed = {key.key for key in keys}
    assert {"topology.nodes.0.memory", "topology.tiers.0.fan_out", "topology.access.uplink"} <= listed
    sizes = {key.key: key.unit for key in keys}
    assert sizes["slot_seconds"] == "s" and sizes["topology.tiers.0.memory"] == "bytes"


REGISTERS = """
from dataclasses import dataclass
from typing import Literal
import idn_gym
from idn_gym.commands.main import main
from idn_gym.scenarios.families import OutageProcess

@dataclass(frozen=True)
class Maintenance(OutageProcess):
    every: int = 10
    kind: Literal["maintenance"] = "maintenance"

idn_gym.register_process(Maintenance, print)
main(["keys", "tiny", "--match", "outages", "--csv"])
"""


def test_registered_kinds_of_what_is_off_are_listed():
    """Also of classes whose source is nowhere, as in an interpreter."""
    done = subprocess.run([sys.executable, "-c", REGISTERS], capture_output=True, text=True, check=True)
    rows = {row["key"]: row for row in table(done.stdout)}
    kinds = rows["dynamics.outages.kind"]["type"].split(" | ")
    assert kinds[0] == "two_state" and set(kinds) == {"two_state", "file", "scheduled", "maintenance"}
    assert rows["dynamics.outages.every"]["when"] == "dynamics.outages.kind=maintenance"
    assert rows["dynamics.outages.mean_up"]["when"] == ""


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


def test_warm_says_that_once_is_enough(capsys, monkeypatch):
    from idn_gym.commands import warm

    monkeypatch.setattr(warm, "PRESETS", {"tiny": PRESETS["tiny"]})
    main(["warm"])
    assert "once per installation" in capsys.readouterr().out


def test_warm_plays_every_codec_and_observation_that_a_preset_takes(monkeypatch):
    from idn_gym.commands import warm

    for name, left_out in (("tiny", set()), ("metro-split", {"placement"})):
        made = list(warm.preset_envs(name))
        codecs = {type(env.simulation.codec) for env in made}
        left_out |= {"adapt", "association", "library"}
        assert codecs == {ACTION_CODECS[codec] for codec in set(ACTION_CODECS) - left_out}
        assert {type(env.simulation.observer) for env in made} == set(OBSERVERS.values())
        assert {type(env) for env in made} == {IDNEnv, IDNVectorEnv}
    played, masks = IDNEnv("tiny", action="change"), []
    monkeypatch.setattr(played, "action_masks", lambda: masks.append(played.simulation.state.slot[0]))
    warm.play_two_slots(played)
    assert masks == [0, 1] and played.simulation.state.slot[0] == 2


AFTER_WARM = """
import gymnasium as gym, idn_gym
from numba.core import event
from idn_gym.actions import ACTION_CODECS
from idn_gym.observations import OBSERVERS
compiled = set()
class Listener(event.Listener):
    def on_start(self, what):
        compiled.add(what.data["dispatcher"].__name__)
    def on_end(self, what):
        pass
event.register("numba:compile", Listener())
for preference in (None, "balanced", "random"):
    for codec in set(ACTION_CODECS) - {"adapt", "association", "library"}:
        for observation in OBSERVERS:
            words = dict(scenario="edge-small", action=codec, observation=observation, preference=preference)
            words["overrides"] = {"horizon": 3}
            for env in (gym.make("IDN-v0", **words), gym.make_vec("IDN-v0", num_envs=3, **words)):
                env.reset(seed=1)
                for _ in range(7):
                    if env.step(env.action_space.sample())[3] is True:
                        env.reset()
                    if env.unwrapped.simulation.codec.masked:
                        env.unwrapped.action_masks()
print("compiled:", sorted(compiled))
"""


@pytest.mark.long
def test_nothing_compiles_after_warm(tmp_path):
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    words = [sys.executable, "-c"]
    warm = [*words, "from idn_gym.commands.main import main; main(['warm'])"]
    subprocess.run(warm, env=surroundings, check=True)
    done = subprocess.run([*words, AFTER_WARM], env=surroundings, check=True, capture_output=True, text=True)
    assert done.stdout == "compiled: []\n"


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
