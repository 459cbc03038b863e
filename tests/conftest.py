"""Small worlds with round numbers: a catalogue of one's own, a scenario, and one slot played by names."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st

from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import from_plain
from idn_gym.core.arrays import EMPTY, Action, Outcome
from idn_gym.core.pricing import compute_option_costs
from idn_gym.core.transition import initial_state, step
from idn_gym.objective_records import OBJECTIVE_RECORDS, register_objective
from idn_gym.overrides import override
from idn_gym.preset_ids import LARGE_PRESETS
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS
from tests.random_worlds import random_world, with_routes
from tests.water import REFUSALS, WATER

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("search", deadline=None, max_examples=2000)
# For `mutants.py`, where it matters that a test fails and not on which example.
settings.register_profile(
    "mutants", derandomize=True, deadline=None, max_examples=60, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("suite")

DEVICES = [
    {"name": "unit", "macs_per_second": 1, "active_watts": 3, "idle_watts": 1},
    {"name": "fast", "macs_per_second": 10, "active_watts": 20, "idle_watts": 5},
    {"name": "holding", "macs_per_second": 1, "active_watts": 8, "idle_watts": 1, "context_watts": 4},
    {"name": "starting", "macs_per_second": 1, "active_watts": 3, "idle_watts": 1, "fixed_seconds": 0.25},
    {"name": "slow to load", "macs_per_second": 1, "active_watts": 3, "idle_watts": 1, "start_seconds": 6.0},
]
"""A block of s operations takes s seconds on "unit" and "starting", s / 10 on "fast"."""

CODECS = [codec for codec in ACTION_CODECS if codec not in ("association", "library")]
"""Action codecs where nodes have no choice of links and the scenario names no placements."""

QUICK_PRESETS = tuple(name for name in PRESETS if name not in LARGE_PRESETS)
"""What tests go through that play every preset; `test_large_presets.py` plays the others."""

LINK = {"name": "wire", "delay": 0.5, "rate": 16.0, "energy": 0.25}


COLLECTED = pytest.StashKey[set]()


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="record tests/golden again")


def pytest_itemcollected(item):
    item.config.stash.setdefault(COLLECTED, set()).add(item.path)


@pytest.fixture
def registered(monkeypatch):
    """The objectives of `tests.water`, registered for one test."""
    monkeypatch.setattr(OBJECTIVE_RECORDS, "_entries", dict(OBJECTIVE_RECORDS._entries))
    for record in (WATER, REFUSALS):
        assert register_objective(record) is record


@pytest.fixture
def collected(request):
    """Files of which this run collected tests, played or not; None where it was asked for some of them."""
    config, tests = request.config, Path(__file__).parent
    asked = {(config.invocation_params.dir / words.split("::")[0]).resolve() for words in config.args}
    return config.stash[COLLECTED] if asked & {tests, tests.parent} else None


def write_model(name, blocks, task="t", input=8.0, points=None, start_seconds=0.0):
    """A row of the catalogue; blocks are (operations, bytes of weights, bytes of output)."""
    points = points or {"all": [(len(blocks), 1.0, 0.5)]}
    return {
        "name": name,
        "task": task,
        "family": "toy",
        "kind": "whole" if len(blocks) == 1 else "bottleneck+exits",
        "input": input,
        "blocks": [
            {"name": str(i), "macs": macs, "weights": weights, "output": output}
            for i, (macs, weights, output) in enumerate(blocks)
        ],
        "points": [
            {
                "name": label,
                "exits": [dict(zip(("after", "share", "accuracy"), exit_, strict=True)) for exit_ in exits],
            }
            for label, exits in points.items()
        ],
        "outcome": "measured",
        "start_seconds": start_seconds,
    }


@pytest.fixture(scope="session")
def make_scenario(tmp_path_factory):
    """Build a scenario: nodes by name, links as (source, target, overrides), models for `write_model`."""
    folder = tmp_path_factory.mktemp("catalogs")
    files = []

    def make(nodes, links, models, overrides=None, tasks=None, rate=1.0):
        rows = [write_model(name, **model) for name, model in models.items()]
        files.append(folder / f"{len(files)}.json")
        devices = [{"tier": "toy", "memory": 1000, **device} for device in DEVICES]
        files[-1].write_text(json.dumps({"models": rows, "devices": devices, "links": [LINK]}))
        names = {row["task"]: [r["name"] for r in rows if r["task"] == row["task"]] for row in rows}
        plain = {
            "name": "toy",
            "topology": {
                "kind": "explicit",
                "nodes": [
                    {"name": name, "device": "unit", "tier": "toy", **node} for name, node in nodes.items()
                ],
                "links": [{"source": a, "target": z, "link": "wire", **changes} for a, z, changes in links],
            },
            "tasks": tasks
            or [{"name": name, "models": listed, "timeout": 100.0} for name, listed in names.items()],
            "workload": {"rate": rate},
            # Without limits and queues, slots are worked out by hand; tests of these switch them on.
            "serving": {
                "tariff": {"latency": 1.0},
                "queueing": "none",
                "load_limit": 1.0,
                "last_resort": 1.0,
            },
            "catalog": [str(files[-1])],
            "slot_seconds": 10.0,
            "horizon": 4,
        }
        return from_plain(Scenario, override(plain, overrides or {}))

    return make


def place_by_name(scenario, placement):
    """(1, N, M) array from {"node": ["model[0:1]", ...]}."""
    compiled = compile_scenario(scenario)
    names, tables = compiled.names, compiled.tables
    wanted = np.full((1, *tables.pinned.shape), EMPTY, tables.pinned.dtype)
    for node, segments in placement.items():
        for segment in segments:
            s = names.segments.index(segment)
            wanted[0, names.nodes.index(node), tables.segment_model[s]] = s
    return wanted


@pytest.fixture
def play():
    """Play slot 0 of a scenario and return the outcome, the residents and the instance.

    `draw` replaces what was drawn for slot 0: demand=[2.0, 1.0] and so on.
    """

    def run(scenario, placement=None, before=None, **draw):
        instance = build_instance(scenario, 0)
        for name, values in draw.items():
            field = getattr(instance.draw, name)
            if name in ("slowdown", "tariff"):
                field[0] = values
            else:
                field[0, 0] = values
        compute_option_costs(instance.tables, instance.draw, 0)
        state = initial_state(instance)
        if before is not None:
            named = place_by_name(scenario, before)
            state.resident[named != EMPTY] = named[named != EMPTY]
        after, outcome = step(instance, state, Action(place_by_name(scenario, placement or {})))
        names = compile_scenario(scenario).names
        held = {
            node: [names.segments[s] for s in row if s != EMPTY]
            for node, row in zip(names.nodes, after.resident[0], strict=True)
        }
        flat = Outcome(*(field[0].tolist() for field in outcome))
        return SimpleNamespace(**flat._asdict(), held=held, instance=instance, state=after)

    return run


@st.composite
def drawn_world(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def pick(*choices):
        return draw(st.sampled_from(choices))

    return with_routes(random_world(rng, pick), rng, pick)


@pytest.fixture(scope="session")
def worlds():
    """Strategy for random small worlds: draw one with `data.draw(worlds)`, build it with `make_scenario`."""
    return drawn_world()


class Told:
    """Adds weights, which come last, to flat observations that lack them, for a policy that reads them."""

    def __init__(self, policy, weights):
        self.policy, self.weights = policy, weights

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        rows = np.broadcast_to(self.weights, (len(observation), len(self.weights)))
        return self.policy.predict(np.hstack([observation, rows]), state, episode_start, deterministic)


@pytest.fixture(scope="session")
def told():
    """`told(policy, weights)` plays where the preference is fixed as if these were its weights."""
    return Told


@pytest.fixture
def gone():
    """Wait until no process of a session is left, but for those that only wait to be read off."""

    def living(session):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group, *_ = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if int(group) == session and state != "Z":
                yield stat.parent.name

    def wait(session):
        if not Path("/proc/self/stat").is_file():
            pytest.skip("looks for processes in /proc")
        deadline = time.monotonic() + 60.0
        while left := [*living(session)]:
            assert time.monotonic() < deadline, f"processes {left} are left"
            time.sleep(0.05)

    return wait
