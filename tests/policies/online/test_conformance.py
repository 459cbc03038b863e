"""What every learner must do: play anything, start over, repeat itself, and not see what is to come."""

import pickle

import numpy as np
import pytest

from agents.registry import AGENT_CODECS, AGENTS, CLAIRVOYANT, RANDOMISED
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.policy import OnlinePolicy, Policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

FOLDERS = "idn_gym.policies.online.", "idn_gym.policies.hierarchical."
NAMES = [name for name, target in AGENTS.items() if target.startswith(FOLDERS)]
SEARCHED = {"episodes": 2, "candidates": {"pieces": 6, "slots": 4}, "hysteresis": 0.0}
QUICK = {
    **{"infida-offline": {"iterations": 20}, "ftpl": {"scale": 0.1}},
    "ftpl-splits": {"scale": 0.1},
    "wait-then-ftpl": {"scale": 0.1, "wait": 0.1},
    "clairvoyant-sequence": {"pieces": 1, "slots": 2},
    "offload-adaptive": {"explore": 0.9},
    **{name: {"patience": 0.0} for name in ("lru-aware", "lfu-aware", "olag-aware", "ttl")},
    **{name: {**SEARCHED, "stay": 1e6} for name in ("library", "library-greedy", "clairvoyant-library")},
    **{name: {**SEARCHED, "horizon": 2} for name in ("mpc", "clairvoyant-mpc")},
}
"""Options for a few slots: with its usual perturbation FTPL may leave a model out for longer, and what waits
until a load is paid may wait for all of them."""


def tiny(capacity="exogenous", **overrides):
    return load_scenario(
        "tiny", {"horizon": 6, "serving.capacity": capacity, "serving.loading": "instant", **overrides}
    )


@pytest.fixture(scope="module")
def make(make_learner):
    """Two rows, and references that do not think long."""

    def build(name, scenario, rows=2, **options):
        return make_learner(name, scenario, rows, **QUICK.get(name, {}), **options)

    return build


@pytest.fixture(scope="module")
def play_out(make, drive):
    """Build and play."""

    def run(name, scenario, rows=2, instance=None, **options):
        instance = build_instance(scenario, range(rows)) if instance is None else instance
        return drive(make(name, scenario, rows, **options), instance)

    return run


def check_wishes(scenario, placements):
    """Segments of the right column that the node may load, and pins left alone."""
    compiled = compile_scenario(scenario)
    tables = compiled.tables
    for _, _, v, m in np.argwhere(placements != EMPTY):
        for s in np.unique(placements[:, :, v, m]):
            assert s == EMPTY or tables.segment_model[s] == m
            assert s == EMPTY or s == tables.pinned[v, m] or compiled.placeable[v, s]


@pytest.mark.parametrize("capacity", ["exogenous", "shared"])
@pytest.mark.parametrize("name", NAMES)
def test_it_plays_and_repeats_itself(name, capacity, make, drive, play_out):
    scenario = tiny(capacity)
    learner = make(name, scenario)
    assert isinstance(learner, Policy)
    assert isinstance(learner, OnlinePolicy) or name in CLAIRVOYANT
    assert AGENT_CODECS[name] == "segments"
    instance = build_instance(scenario, (0, 1))
    first, gains, _ = drive(learner, instance)
    check_wishes(scenario, first)
    assert first.dtype == np.int32
    assert gains.sum() > 0.0
    np.testing.assert_array_equal(drive(learner, instance)[0], first)
    np.testing.assert_array_equal(play_out(name, scenario)[0], first)


class Travelling:
    """A learner that is pickled before every slot."""

    def __init__(self, learner):
        self.learner = learner

    def predict(self, *arguments):
        self.learner = pickle.loads(pickle.dumps(self.learner))
        return self.learner.predict(*arguments)

    def update(self, feedback):
        self.learner.update(feedback)


@pytest.mark.parametrize("name", ["ftpl", "window-lp"])
def test_a_pickle_goes_on_to_the_same_bits(name, make_learner, drive):
    """Also of learners whose program stays in a solver."""
    scenario = load_scenario(
        "edge-small", {"horizon": 6, "serving.capacity": "exogenous", "serving.loading": "instant"}
    )
    instance = build_instance(scenario, (0, 1))
    stayed = drive(make_learner(name, scenario, 2), instance)[0]
    np.testing.assert_array_equal(drive(Travelling(make_learner(name, scenario, 2)), instance)[0], stayed)
    assert len(np.unique(stayed, axis=0)) > 2


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CLAIRVOYANT])
def test_the_future_changes_nothing_before_it_comes(name, play_out):
    scenario = tiny()
    instance = build_instance(scenario, (0, 1))
    before = play_out(name, scenario, instance=instance)[0]
    instance.draw.demand[:, 3:] *= np.random.default_rng(0).uniform(
        0.0, 5.0, instance.draw.demand[:, 3:].shape
    )
    after = play_out(name, scenario, instance=instance)[0]
    np.testing.assert_array_equal(after[:4], before[:4])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CLAIRVOYANT])
def test_rows_do_not_know_of_each_other_and_start_over_alone(name, make, drive, play_out):
    scenario = tiny()
    instance = build_instance(scenario, (0, 1))
    learner = make(name, scenario)
    fresh = learner.predict(np.zeros((2, 1)))[0]
    drive(learner, instance)
    learnt = learner.wanted.copy()
    wanted, _ = learner.predict(np.zeros((2, 1)), True, np.array([True, False]))
    np.testing.assert_array_equal(wanted[1], learnt[1])
    if name not in RANDOMISED:  # another episode draws other uniforms
        np.testing.assert_array_equal(wanted[0], fresh[0])
    if hasattr(learner, "fractional"):
        start = make(name, scenario).fractional
        np.testing.assert_array_equal(learner.fractional[0], start[0])
        np.testing.assert_array_equal(learner.recent[0], learner.tables.class_requests)
        assert (learner.recent[1] != learner.tables.class_requests).any()
        assert learner.fractional_gain[0] == 0.0 < learner.fractional_gain[1]
    instance.draw.demand[1] *= 3.0
    other = drive(make(name, scenario), instance)[0]
    np.testing.assert_array_equal(other[:, 0], play_out(name, scenario)[0][:, 0])


@pytest.mark.parametrize("name", sorted(RANDOMISED & set(NAMES) - {"infida-offline"}))
def test_another_seed_is_another_run(name, cells, play_out):
    scenario = cells(tasks=12, hold=5.5, horizon=4)
    runs = [play_out(name, scenario, rows=1, seed=seed)[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


@pytest.mark.parametrize("name", NAMES)
def test_it_survives_nothing_to_do(name, cells, make_scenario, play_out):
    silent = cells(tasks=3, hold=1.5, horizon=4)
    instance = build_instance(silent, (0, 1))
    instance.draw.demand[:] = 0.0
    _, gains, _ = play_out(name, silent, instance=instance)
    assert (gains == 0.0).all()
    alone = make_scenario(
        nodes={"cloud": {"pins": ["all"], "servers": float("inf"), "demand": 1.0}},
        links=[],
        models={"m": {"blocks": [(0.1, 10.0, 0.0)]}},
        overrides={"serving.capacity": "exogenous", "serving.loading": "instant"},
    )
    assert (play_out(name, alone)[1] == 0.0).all()


@pytest.mark.parametrize("name", NAMES)
def test_budgets_of_nothing_and_of_everything(name, cells, play_out):
    nothing = play_out(name, cells(tasks=2, hold=0.0, horizon=4))[0]
    assert (nothing[:, :, 0] == EMPTY).all()
    one_model = play_out(name, cells(tasks=1, hold=1.0, horizon=4))[0]
    assert (one_model[1:, :, 0] != EMPTY).all()
    everything = play_out(name, cells(tasks=3, hold=9.0, horizon=4))[0]
    held = (everything[1:, :, 0] != EMPTY).sum(axis=2)
    assert (held == (1 if name.startswith("best-single") else 3)).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("infida", {"scale": 0.0}),
        ("oga", {"step": "huge"}),
        ("ftpl", {"refresh": 0}),
        ("olag", {"window": 3}),
    ],
)
def test_options_are_checked(name, options, make_learner):
    with pytest.raises(ConfigError):
        make_learner(name, tiny(), **options)


@pytest.mark.parametrize(
    ("name", "rounding", "coupled"),
    [
        ("infida", "exact", False),
        ("infida-coupled", "exact", True),
        ("infida-best-of-two", "best-of-two", True),
        ("infida-lazy", "exact", True),
        ("smoothed-ader", "exact", True),
        *((name, "exact", False) for name in ("infida-adahedge", "oga", "ftrl-entropy", "ftrl-euclid")),
        ("infida-offline", "best-of-two", False),
    ],
)
def test_names_say_how_they_round_and_options_still_count(name, rounding, coupled, make_learner):
    config = make_learner(name, tiny()).config
    assert (config.rounding, config.coupled) == (rounding, coupled)
    other = make_learner(name, tiny(), rounding="exact", coupled=not coupled).config
    assert (other.rounding, other.coupled) == ("exact", not coupled)


def test_the_former_name_of_a_rounding_ends_in_the_new_one(make_learner):
    with pytest.raises(ConfigError, match=r"rounding: 'feasible' is not allowed.*best-of-two"):
        make_learner("infida", tiny(), rounding="feasible")


def test_references_need_one_seed_per_row(make_learner):
    with pytest.raises(ConfigError, match="seeds"):
        make_learner("sg", tiny(), 2, seeds=(0,))
