"""Fuzzed command lines of `idn` and of everything in `experiments`, played in a folder of their own."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from idn_gym.config_reader import read_yaml
from tests.fuzz.configurations import ROOT, scenarios
from tests.fuzz.samples import RUN, command, copied, files, run_folder, study_folder
from tests.fuzz.values import TEXTS, WORDS, any_place, look_up, near_value

SMALL = {
    "train": [*RUN, "--out", "train"],
    "compare": ["random", "cloud-only", "--scenario", "tiny", "--seeds", "1", "horizon=4"],
    "measure_presets": [
        "--scenario",
        "tiny",
        "--seeds",
        "1",
        "--restarts",
        "1",
        "--budget",
        "10",
        "horizon=4",
    ],
    "check_fluid": ["tiny", "--loads", "0.5", "--requests", "300", "--restarts", "2", "horizon=4"],
    "check_radio": ["--messages", "200"],
    "combine": [
        *("hybrid-adahedge", "--experts", "lru", "cloud-only"),
        *("--scenario", "tiny", "--seeds", "1", "horizon=4"),
    ],
    "check_forecasts": ["--scenario", "tiny", "--seeds", "1", "--horizon", "2", "horizon=4"],
    "check_dynamic_regret": ["--seeds", "1", "--against", "lru", "horizon=4"],
    "bench_hindsight": ["--scenario", "tiny", "--limit", "1", "--iterations", "1", "horizon=4"],
    "bench_learners": ["--scenario", "tiny", "--slots", "4", "--agents", "lfu", "lru"],
    "study": ["small_study.yaml", "--out", "study", "--workers", "1"],
    "delay_table": ["small_study.yaml", "one"],
    "idn list": ["links"],
    "idn show": ["tiny", "horizon=4"],
    "idn keys": ["tiny", "horizon=4"],
    "idn play": ["cloud-only", "--scenario", "tiny", "--seeds", "1", "horizon=4"],
    "idn compare": ["random", "cloud-only", "--scenario", "tiny", "--seeds", "1", "horizon=4"],
}
"""Command lines that work and take a second or so."""

STOPPED = {
    "demo": ["--out", "demo", "--seeds", "1", "steps=none"],
    "tune": ["tuning.yaml", "--out", "tuned", "--workers", "0"],
    "train_lab": ["lab.yaml", "--out", "lab", "--workers", "0"],
    "check_games": ["--instances", "0"],
    "check_quality": ["--splits", "1"],
    "compare_accuracies": ["--scenario", "tiny"],
    "warm_starts": ["infida", "--scenario", "tiny", "--seeds", "1", "--first", "2", "horizon=4"],
    "adapt_lab": ["lab.yaml", "--out", "lab", "--workers", "0"],
    "check_lab": ["nowhere"],
    "check_adaptation": ["--table", "nowhere"],
    "make_lab_catalog": ["nowhere", "--out", "made"],
    "measure_quality": ["nowhere", "--out", "made"],
    "measure_device": ["--active-watts", "0", "--idle-watts", "1", "--out", "device.yaml", "mine"],
    "profile_networks": ["--networks", "nothing", "--out", "profile.json"],
    "bench_speed": ["--only", "nothing", "--out", "speed"],
    "make_fronts": ["nothing"],
    "make_catalog": ["nothing"],
    "make_topologies": ["nothing"],
    "make_dataset": ["nothing", "--out", "made"],
    "draw_dynamics": ["nothing"],
    "draw_charge": ["nothing"],
    "draw_cuts": ["--rates", "0"],
    "draw_episode": ["no-policy"],
    "watch": ["no-policy", "--out", "film.gif"],
    "draw_map": ["--scenario", "tiny"],
    "concave_front": ["--seeds", "1"],
    "scale_study": ["small_study.yaml", "--out", "nowhere"],
}
"""Command lines of those that take longer or write into the package; something in them stops them before the
work, so words are added to them and none of them is taken away."""

AGENT, OTHER = (
    read_yaml(ROOT / "configs/agents/ppo.yaml"),
    {"preference": "balanced", "seed": 0, "action": "", "envs": 2},
)
"""Plain values of an agent, and of a run."""

OUTS = ["out", "file.txt", "file.txt/below", "x" * 300, "a/b/c", "", ".", "東京", "$x$", "-"]
"""Places to write to, all in the working directory; `file.txt` is a file."""

FLAGS = [
    "--help",
    "-h",
    "--smoke",
    "--resume",
    "--seeds",
    "--seed",
    "--steps",
    "--scenario",
    "--agents",
    "--agent",
]
FLAGS += [
    "--preference",
    "--split",
    "--reference",
    "--set",
    "--parts",
    "--force",
    "--nothing",
    "--workers",
    "--out",
    "--limit",
    "--",
]


PREFIX = {"train": "scenario.", "resume": "scenario.", "demo": "scenario."}
PREFIX |= dict.fromkeys(
    ("compare", "measure_presets", "bench_hindsight", "check_fluid", "check_forecasts", "combine"), ""
)
PREFIX |= dict.fromkeys(("idn show", "idn keys", "idn play", "idn compare"), "")
"""Commands that take assignments, and what stands before the keys of a scenario in them."""


def _word(rng):
    """A word that a hurried or a hostile user might add to any command."""
    files = ["scenario.yaml", "log.csv", "study.yaml", "instance.npz", ".", "run/policy.zip", "nowhere.yaml"]
    return rng.choice([rng.choice(FLAGS), _value(rng, 1), _value(rng, ""), rng.choice(files)])


def _assignment(rng, name):
    """A key that the command may well know, and a value."""
    plain = rng.choice(scenarios())
    prefix = PREFIX.get(name, "")
    if prefix and rng.random() < 0.5:
        plain, prefix = rng.choice([(AGENT, "agent."), (OTHER, "")])
    path = any_place(rng, plain)
    return f"{prefix}{'.'.join(map(str, path))}={_value(rng, look_up(plain, path))}"


def _value(rng, old):
    """A text in place of a value; whole numbers are small or not allowed, as large ones ask for long work."""
    if rng.random() < 0.15:
        return str(rng.choice(WORDS + TEXTS))
    if isinstance(old, int) and not isinstance(old, bool):
        return str(
            rng.choice([-1, 0, 1, 2, 3, 5, 1.5, 2**63, 10**30, "nan", "x", "", "null", "true", "1e308"])
        )
    return str(near_value(rng, old))


def _spoiled(rng, name, words):
    words = list(words)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        change = rng.random()
        flags = [i for i, word in enumerate(words[:-1]) if word.startswith("--")]
        if change < 0.15 and "--out" in words[:-1]:
            words[words.index("--out") + 1] = rng.choice(OUTS)
        elif name in STOPPED:
            words.append(_assignment(rng, name) if change < 0.6 else _word(rng))
        elif change < 0.45 and flags:
            i = rng.choice(flags) + 1
            words[i] = _value(rng, int(words[i]) if words[i].isdigit() else words[i])
        elif change < 0.8 and name in PREFIX:
            words.append(_assignment(rng, name))
        elif change < 0.87 and words:
            del words[rng.randrange(len(words))]
        else:
            words.insert(rng.randrange(len(words) + 1), _word(rng))
    return words


def _inside(words):
    """Whether all that is written stays in the working directory, and no long work is asked for."""
    long = {"--steps", "--slots", "--restarts", "--budget", "--iterations", "--limit", "--batch", "--seconds"}
    for flag, value in zip(words, [*words[1:], ""], strict=False):
        name, _, given = flag.partition("=")
        value = given or value
        if name in ("name", "scenario.name") and "/" in value:
            return False
        if "--out".startswith(name) and len(name) > 2 and (value.startswith(("/", "~")) or ".." in value):
            return False
        if name in long and value.strip("-").isdigit() and int(value) > 100:
            return False
    return True


def _prepare():
    for name, content in files().items():
        Path(name).write_bytes(content)
    Path("file.txt").write_text("a file")
    for name in ("train", "demo", "out", "runs"):
        shutil.rmtree(name, ignore_errors=True)


def command_line(index):
    """Case number `index`: what is tried, in words, and a function that tries it."""
    rng = random.Random(f"command line {index}")
    name = rng.choice(
        4 * [*sorted(PREFIX.keys() & SMALL.keys()), "bench_learners", "delay_table"]
        + [*STOPPED, "study", "resume", "study again", "idn list"]
    )
    words = _spoiled(rng, name, {**SMALL, **STOPPED}.get(name, []))
    while not _inside(words):
        words = _spoiled(rng, name, {**SMALL, **STOPPED}.get(name, []))
    words = [word.replace("\0", "") for word in words]  # no system passes these on

    def run():
        _prepare()
        if name == "resume":
            command("train", ["--resume", "--out", str(copied(run_folder(), "run")), *words])
        elif name == "study again":
            target = copied(study_folder(), "study")
            command("study", ["small_study.yaml", "--out", str(target), "--workers", "1", *words])
        else:
            command(name, words)

    return f"{name} {words!r}", run
