"""Studies that cannot be run end in one error before anything is played."""

import pytest

from experiments import study
from experiments.studies.config import Study
from idn_gym.config_reader import ConfigError, from_plain
from tests.experiments.test_study import MINI, run


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
