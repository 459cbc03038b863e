import dataclasses
import itertools
import types
import typing
from pathlib import Path

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError, kinds_of, to_plain
from idn_gym.env import IDNEnv
from idn_gym.overrides import override
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.shipped import shipped_files
from tests.conftest import QUICK_PRESETS

CONFIGS = sorted((Path(__file__).resolve().parent.parent / "configs" / "scenarios").glob("*.yaml"))

LOG = "TIMESTAMP,size\n" + "".join(f"{t * t},{t * 7 % 11}\n" for t in range(60))

# Every process that demand and resources know, by the key that switches it on.
PROCESSES = [
    ("workload.popularity", {"kind": "sliding", "shift": 1, "every": 2}),
    ("workload.popularity", {"kind": "shot"}),
    ("workload.popularity", {"kind": "alternating"}),
    ("workload.popularity", {"kind": "round_robin"}),
    ("workload.popularity", {"kind": "lfu_killer"}),
    ("workload.popularity", {"kind": "uniform"}),
    ("workload.diurnal", {"random_start": True, "spread": 0.5}),
    ("workload.bursts", {"start": 0.3, "stop": 0.3}),
    ("workload.flash", {"factor": 5.0}),
    ("workload.replay", {"path": "log.csv", "size": "size"}),
    ("workload.arrivals", "poisson"),
    ("workload.zipf", 1.2),
    ("dynamics.link", {"kind": "gilbert_elliott", "fail": 0.3, "heal": 0.3}),
    ("dynamics.link", {"kind": "ar1"}),
    ("dynamics.background", {"sigma": 0.3}),
    ("dynamics.outages", {"mean_up": 3, "mean_down": 3}),
    ("dynamics.memory", {"mean_full": 3, "mean_shrunk": 3}),
    ("dynamics.device_error", 0.2),
]
PAIRS = [pair for pair in itertools.combinations(PROCESSES, 2) if pair[0][0] != pair[1][0]]


def run(env, steps):
    """Play sampled actions and look at everything that comes back."""
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    for _ in range(steps):
        assert observation in env.observation_space
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert np.isfinite(observation).all() and np.isfinite(reward).all()
        assert all(np.isfinite(value).all() for value in info.values())
        assert not terminated
        if truncated:
            observation, _ = env.reset()
    return env


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_plays(path):
    env = run(IDNEnv(scenario=str(path)), 20)
    assert env.scenario.name == path.stem
    assert env.scenario not in PRESETS.values()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_files_that_ship_go_by_their_name(path):
    assert path.stem not in PRESETS and load_scenario(path.stem) == load_scenario(path)
    assert shipped_files("scenarios")[path.stem].samefile(path)


@pytest.mark.parametrize("name", QUICK_PRESETS)
def test_every_preset_plays(name):
    assert run(IDNEnv(scenario=name), 20).scenario.name == name


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " and ".join(f"{k}={v}" for k, v in pair))
def test_every_pair_of_processes_plays(pair, tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text(LOG)
    monkeypatch.chdir(tmp_path)
    run(IDNEnv(scenario="tiny", overrides={"horizon": 8, **dict(pair)}), 9)


# ---------------------------------------------------------------- broken on purpose

FULL = {
    "workload.diurnal": {},
    "workload.bursts": {},
    "workload.flash": {},
    "workload.popularity": {"kind": "shot"},
    "dynamics.link": {"kind": "gilbert_elliott"},
    "dynamics.background": {},
    "dynamics.outages": {},
    "dynamics.link_outages": {},
    "dynamics.memory": {},
    "serving.tariff": {"latency": 1.0},
}
BASES = [
    to_plain(load_scenario("tiny", FULL)),
    to_plain(load_scenario("edge-small")),
    to_plain(load_scenario("isp-hierarchy", {"horizon": 3})),
]
FREE_TEXT = {"name", "tier"}
"""Fields that may hold any text; the others name something."""


class Entry(typing.NamedTuple):
    """One value of a configuration."""

    path: tuple
    hint: object
    bounds: dict
    required: bool

    @property
    def members(self):
        """The alternatives of a union, or the hint itself."""
        union = typing.get_origin(self.hint) in (typing.Union, types.UnionType)
        return typing.get_args(self.hint) if union else (self.hint,)


def walk(hint, value, path=(), bounds=None, required=False):
    """Every value of a plain configuration, with what its field allows."""
    entry = Entry(path, hint, bounds or {}, required)
    yield entry
    if isinstance(value, dict):
        cls = kinds_of(hint).get(value.get("kind")) or next(filter(dataclasses.is_dataclass, entry.members))
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            needed = field.default is field.default_factory is dataclasses.MISSING
            yield from walk(hints[field.name], value[field.name], (*path, field.name), field.metadata, needed)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from walk(typing.get_args(hint)[0], item, (*path, i), bounds)


def wrong_values(entry):
    """Values that the field cannot take."""
    if entry.path and entry.path[-1] == "kind" and typing.get_origin(entry.hint) is typing.Literal:
        return ["no such kind", 3, None, [], True]
    wrong = [np.zeros(2), object(), float("nan"), 1j, b"bytes", {"no such key": 1}]
    kinds = {typing.get_origin(h) or h for h in entry.members}
    if type(None) not in kinds:
        wrong.append(None)
    if not any(dataclasses.is_dataclass(h) for h in entry.members) and not kinds_of(entry.hint):
        wrong += [{}, {"kind": "ar1"}] + ([] if bool in kinds else [True])
    if str not in kinds:
        wrong += ["", "some text", "1"]
    if not kinds & {float, int}:
        wrong += [1.5, -1, float("inf"), 10**400]
    if int in kinds and float not in kinds:
        wrong += [1.5, "3", 2**63]
    if float in kinds or int in kinds:
        wrong += out_of_bounds(entry.bounds)
    if str in kinds and entry.path[-1] not in FREE_TEXT:
        wrong += ["no such thing", "", "tabs\tand\nlines"]
    return wrong + ([] if tuple in kinds else [[], [1], ["x"], ()])


def out_of_bounds(bounds):
    wrong = [] if bounds.get("infinite") else [float("inf"), -float("inf"), 10**400]
    for name, step in (("least", -1), ("above", -1), ("above", 0), ("most", 1), ("below", 1), ("below", 0)):
        if np.isfinite(bounds.get(name, np.inf)):
            wrong.append(bounds[name] + step)
    return wrong


def put(plain, path, value):
    """The configuration with one value replaced, or taken away where it is `MISSING`."""
    if not path:
        return value
    copied = dict(plain) if isinstance(plain, dict) else list(plain)
    if value is dataclasses.MISSING and len(path) == 1:
        del copied[path[0]]
    else:
        copied[path[0]] = put(plain[path[0]], path[1:], value)
    return copied


def misspell(rng, name):
    """The name with one letter more."""
    at = rng.integers(len(name) + 1)
    return f"{name[:at]}{'abcdefghijklmnopqrstuvwxyz'[rng.integers(26)]}{name[at:]}"


def break_it(rng, plain):
    """One thing made wrong: (what, configuration)."""
    entries = list(walk(Scenario, plain))[1:]
    way = rng.choice(["value", "value", "value", "unknown key", "missing key", "twice"])
    if way == "missing key":
        entry = rng.choice([i for i, e in enumerate(entries) if e.required])
        return f"{entries[entry].path} missing", put(plain, entries[entry].path, dataclasses.MISSING)
    if way == "unknown key":
        entry = entries[rng.integers(len(entries))]
        keys = [key for key in entry.path if isinstance(key, str)]
        parent = entry.path[: len(entry.path) - 1 - (not isinstance(entry.path[-1], str))]
        key = misspell(rng, keys[-1])
        return f"{parent} with {key}", put(plain, parent, {**look(plain, parent), key: 1})
    if way == "twice":
        key = [("topology", "nodes"), ("topology", "links"), ("tasks",)][rng.integers(3)]
        if key[0] == "tasks" or plain["topology"]["kind"] == "explicit":
            items = look(plain, key)
            return f"{key} doubled", put(plain, key, [*items, items[rng.integers(len(items))]])
    entry = entries[rng.integers(len(entries))]
    wrong = wrong_values(entry)
    value = wrong[rng.integers(len(wrong))]
    return f"{entry.path} = {value!r}", put(plain, entry.path, value)


def look(plain, path):
    for key in path:
        plain = plain[key]
    return plain


@pytest.mark.parametrize("chunk", range(10))
def test_two_thousand_broken_configurations_end_in_one_clear_error_each(chunk):
    rng = np.random.default_rng(chunk)
    wrong = []
    for _ in range(200):
        what, broken = break_it(rng, BASES[rng.choice(len(BASES), p=[0.6, 0.3, 0.1])])
        try:
            IDNEnv(scenario=broken).reset(seed=0)
            wrong.append(f"{what}: accepted")
        except ConfigError as error:
            key, _, problem = str(error).partition(": ")
            if not key or not problem or "\n" in str(error) or len(str(error)) > 3000:
                wrong.append(f"{what}: {error}")
        except Exception as error:
            wrong.append(f"{what}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "link", [{"kind": "ar1"}, {"kind": "gilbert_elliott"}], ids=lambda link: link["kind"]
)
def test_numbers_at_the_ends_of_their_ranges_play_or_are_refused(link):
    """Nothing overflows, divides by zero or warns."""
    plain = to_plain(load_scenario("tiny", {**FULL, "dynamics.link": link, "horizon": 6}))
    wrong = []
    for entry in walk(Scenario, plain):
        kinds = set(entry.members) & {int, float}
        least = entry.bounds.get("least", entry.bounds.get("above", -1e9))
        most = entry.bounds.get("most", entry.bounds.get("below", 1e30))
        if not kinds or entry.path[-1] in ("horizon", "copies"):
            continue
        if float not in kinds:
            least, most = max(least, -(2**63)), min(most, 2**63 - 1)  # whole numbers end where 64 bits do
        for value in (least, least + 1e-9, most - 1e-9, most):
            try:
                run(
                    IDNEnv(scenario=put(plain, entry.path, float(value) if float in kinds else int(value))), 3
                )
            except ConfigError:
                pass
            except Exception as error:
                wrong.append(f"{entry.path} = {value}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)


def test_an_unknown_kind_of_moving_link_is_refused():
    with pytest.raises(ConfigError, match=r"^dynamics.moving_links: 'lte_uplnk' .*did you mean 'lte_uplink'"):
        IDNEnv(scenario="tiny", overrides={"dynamics.moving_links": ["lte_uplnk"]})


def test_what_is_broken_was_right_before():
    for plain in BASES:
        assert IDNEnv(scenario=plain).scenario == IDNEnv(scenario=override(plain, {})).scenario
