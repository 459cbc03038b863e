"""Fuzzed keyword arguments of the environments: scenarios, overrides, codecs, preferences."""

from __future__ import annotations

import functools
import random
from pathlib import Path

from idn_gym.config_reader import to_plain
from idn_gym.env import IDNEnv
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.fuzz.judge import play
from tests.fuzz.values import any_place, any_value, look_up, near_value, spoil

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ["placement", "change", "scores", "scores-task", "fractional", "segments"]
FULL = {
    "workload.diurnal": {},
    "workload.bursts": {},
    "workload.flash": {},
    "workload.popularity": {"kind": "shot"},
    "dynamics.link": {"kind": "gilbert_elliott"},
    "dynamics.background": {},
    "dynamics.outages": {},
    "dynamics.memory": {},
    "serving.tariff": {"latency": 1.0},
}


@functools.cache
def scenarios():
    """Plain scenarios to spoil: every preset, one with all processes, and the files that ship."""
    found = [to_plain(load_scenario(name)) for name in ("tiny", "tiny", *PRESETS)] + [
        to_plain(load_scenario("tiny", FULL))
    ] * 2
    return found + [
        to_plain(load_scenario(path)) for path in sorted((ROOT / "configs/scenarios").glob("*.yaml"))
    ]


def _scenario(rng, plain):
    if rng.random() < 0.3:
        return rng.choice(list(PRESETS)) if rng.random() < 0.9 else any_value(rng)
    return spoil(rng, plain)


def _overrides(rng, plain):
    changes = {}
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        path = any_place(rng, plain)
        key = ".".join(map(str, path)) if rng.random() < 0.95 else str(any_value(rng))
        changes[key] = near_value(rng, look_up(plain, path)) if rng.random() < 0.9 else any_value(rng)
    return changes if rng.random() < 0.97 else any_value(rng)


def _keywords(rng):
    """Sound ones for most keywords, so that what is wrong is met one at a time."""
    sound = {
        "action": [None, *ACTIONS],
        "observation": ["flat", "graph", "graph-moves"],
        "preference": ["balanced", "random", {"energy": 1}, [1, 1, 1, 1, 0]],
        "split": ["train", "test"],
        "render_mode": [None, "ansi"],
    }
    plain = rng.choice(scenarios())
    found = {"scenario": _scenario(rng, plain)}
    if rng.random() < 0.5:
        found["overrides"] = _overrides(rng, plain)
    for name, values in sound.items():
        if rng.random() < 0.3:
            value = rng.choice(values)
            found[name] = value if rng.random() < 0.85 else near_value(rng, value)
            found[name] = found[name] if rng.random() < 0.95 else any_value(rng)
    return found


def configuration(index):
    """Case number `index`: what is tried, in words, and a function that tries it."""
    rng = random.Random(f"configuration {index}")
    keywords = _keywords(rng)
    native = rng.random() < 0.3
    if native:
        keywords["num_envs"] = rng.choice([1, 2, 3]) if rng.random() < 0.9 else any_value(rng)
        if rng.random() < 0.3:
            keywords["autoreset_mode"] = rng.choice(["NextStep", "SameStep", "Disabled", any_value(rng)])

    def run():
        env = (IDNVectorEnv if native else IDNEnv)(**keywords)
        play(env)
        if env.render_mode == "ansi":
            env.render()
        env.close()

    return f"{'IDNVectorEnv' if native else 'IDNEnv'}(**{keywords!r})", run
