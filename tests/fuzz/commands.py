"""Fuzzed command lines of everything in `experiments` that has one, played in a folder of their own."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.fuzz.configurations import scenarios
from tests.fuzz.samples import RUN, command, copied, files, run_folder, study_folder
from tests.fuzz.values import NUMBERS, TEXTS, WORDS, any_place, look_up, near_value

SMALL = {
    "train": [*RUN, "--out", "train"],
    "compare": [
        "--scenario",
        "tiny",
        "--agents",
        "random",
        "cloud-only",
        "--seeds",
        "1",
        "--set",
        "horizon=4",
    ],
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
    "bench_hindsight": ["--scenario", "tiny", "--limit", "1", "--iterations", "1", "horizon=4"],
    "bench_learners": ["--scenario", "tiny", "--slots", "4", "--agents", "lfu", "lru"],
    "study": ["small_study.yaml", "--out", "study", "--workers", "1"],
    "delay_table": ["small_study.yaml", "one"],
}
"""Command lines that work and take a second or so."""

STOPPED = {
    "demo": ["--out", "demo", "--seeds", "1", "steps=none"],
    "tune": ["tuning.yaml", "--out", "tuned", "--workers", "0"],
    "train_lab": ["lab.yaml", "--out", "lab", "--workers", "0"],
    "check_lab": ["nowhere"],
    "make_lab_catalog": ["nowhere", "--out", "made"],
    "measure_quality": ["nowhere", "--out", "made"],
    "measure_device": ["--active-watts", "0", "--idle-watts", "1", "--out", "device.yaml", "mine"],
    "profile_networks": ["--networks", "nothing", "--out", "profile.json"],
    "bench_speed": ["--scenario", "nothing", "--out", "speed.csv"],
    "make_fronts": ["nothing"],
    "make_catalog": ["nothing"],
    "make_topologies": ["nothing"],
    "draw_dynamics": ["nothing"],
}
"""Command lines of those that take longer or write into the package; they end before the work, and so do words
added to them, but for those that a spoiled word might set free: these stay as they are."""

FIXED = {word for words in STOPPED.values() for word in words} | {"--out"}

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
    "--out",
    "--limit",
    "--",
]


def _word(rng):
    """A word that a hurried or a hostile user might add."""
    return rng.choice(
        [
            rng.choice(FLAGS),
            str(rng.choice(NUMBERS + TEXTS)) if rng.random() < 0.97 else str(rng.choice(NUMBERS)),
            rng.choice(WORDS),
            _assignment(rng),
            _assignment(rng),
            f"--preference={rng.choice(WORDS + TEXTS)}",
            f"--seeds={rng.choice([0, 1, 2, -1, 'x', 1e9, ''])}",
            rng.choice(
                [
                    "scenario.yaml",
                    "log.csv",
                    "study.yaml",
                    "instance.npz",
                    ".",
                    "run/policy.zip",
                    "nowhere.yaml",
                ]
            ),
        ]
    )


def _assignment(rng):
    plain = rng.choice(scenarios())
    path = any_place(rng, plain)
    value = rng.choice(
        [near_value(rng, look_up(plain, path)), rng.choice(NUMBERS + TEXTS), rng.choice(WORDS)]
    )
    prefix = rng.choice(["", "", "scenario.", "agent.", "x"])
    return f"{prefix}{'.'.join(map(str, path))}={value}"


def _spoiled(rng, name, words):
    words = list(words)
    free = [i for i, word in enumerate(words) if name not in STOPPED or word not in FIXED]
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        change = rng.randrange(5)
        if change == 0 and free and name not in STOPPED:
            del words[rng.randrange(len(words))]
        elif change == 1 and words and name not in STOPPED:
            words[rng.randrange(len(words))] = _word(rng)
        elif change == 2 and "--out" in words[:-1]:
            words[words.index("--out") + 1] = rng.choice(OUTS)
        else:
            words.insert(rng.randrange(len(words) + 1) if name not in STOPPED else len(words), _word(rng))
    return words


def _inside(words):
    """Whether all that is written stays in the working directory, and no long work is asked for."""
    long = {"--steps", "--slots", "--restarts", "--budget", "--iterations", "--limit", "--batch", "--seconds"}
    for flag, value in zip(words, [*words[1:], ""], strict=False):
        name, _, given = flag.partition("=")
        value = given or value
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
    name = rng.choice([*SMALL, *SMALL, *STOPPED, *STOPPED, "resume", "resume", "study again"])
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
