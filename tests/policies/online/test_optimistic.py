"""Optimistic ascent: bounds whatever hints say, what good hints gain, whom it trusts, and hints of others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.evaluation.regret import entropy_bound
from idn_gym.optimum.certificate import knapsack
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.projection import make_polytope
from idn_gym.policies.online.hints import HINTS, Hint, make_hint, register_hint
from idn_gym.policies.online.mirror_state import Update, widths
from idn_gym.policies.online.optimistic import OptimisticState, node_slopes
from idn_gym.scenarios.episodes import build_instance

KINDS = ("iid", "drifting", "adversarial")
HINTED = ("none", "last", "noisy", "wrong")


def random_node(rng):
    """One node of chains of one or two columns, with memory for a part of them or for all."""
    parent = []
    for _ in range(rng.integers(2, 6)):
        parent += [len(parent) - 1 if k else EMPTY for k in range(rng.integers(1, 3))]
    size = rng.uniform(1.0, 20.0, len(parent))
    room = size.sum() / rng.choice([0.9, 1.2, 3.0, 8.0])
    return make_polytope(np.array([0, len(parent)]), np.array(parent), size, np.array([room]))


class Sequence:
    """Supergradients per slot; the adversarial one turns against what is held."""

    def __init__(self, rng, kind, size, slots):
        self.kind, self.size = kind, size
        self.base = rng.exponential(1.0, len(size)) * size * 10.0 ** rng.uniform(-2, 2)
        shape = (slots, len(size))
        if kind == "iid":
            self.rates = rng.normal(0.5, 1.0, shape)
        else:
            phase = rng.uniform(0.0, 6.0, len(size))
            self.rates = np.sin(np.arange(slots)[:, None] * rng.uniform(0.02, 0.3) + phase)

    def at(self, t, z):
        if self.kind == "adversarial":
            return self.base * np.where(z > np.median(z), -1.0, 1.0)
        return self.base * self.rates[t]


def play(polytope, sequence, hinted, rng, lazy, slots, fixed=None):
    """Regret against the best fixed point, errors delta of the hints (T, 1), and the iterate."""
    iterate = OptimisticState(polytope, 1, lazy, fixed=fixed)
    earned, total, last = 0.0, np.zeros(len(polytope.size)), np.zeros(len(polytope.size))
    errors, hint, coming = [], np.zeros(len(polytope.size)), None
    for t in range(slots):
        z = iterate.z[0].copy()
        assert (polytope.size * z).sum() <= polytope.budget[0] * (1 + 1e-9)
        g = sequence.at(t, z)
        errors.append(node_slopes(polytope, (g - hint)[None])[0])
        earned, total, last = earned + float(g @ z), total + g, g
        iterate.learn(g[None])
        coming = sequence.at(min(t + 1, slots - 1), z)
        hint = {
            "none": np.zeros_like(g),
            "last": last,
            "noisy": coming + rng.normal(0.0, 0.1, len(g)) * np.abs(coming).max(),
            "wrong": -2.0 * coming,
        }[hinted]
        if not iterate.squares.any() and fixed is None:
            hint = np.zeros_like(g)
        iterate.aim(hint[None])
    return knapsack(polytope, total) - earned, np.array(errors), iterate


@pytest.mark.parametrize("hinted", HINTED)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(KINDS))
def test_regret_keeps_the_proven_bound_whatever_is_hinted(hinted, seed, kind):
    rng = np.random.default_rng(seed)
    polytope = random_node(rng)
    sequence = Sequence(rng, kind, polytope.size, 120)
    regret, errors, iterate = play(polytope, sequence, hinted, rng, True, 120)
    bound = iterate.bounds()[0, 0]
    assert regret <= bound * (1 + 1e-9) + 1e-9
    assert iterate.squares[0, 0] == pytest.approx((errors**2).sum(), rel=1e-9)
    if not iterate._everything[0, 0]:
        spread = max(1.0, np.log(polytope.total[0] / polytope.budget[0]))
        most = 2.0 * np.sqrt(spread * ((errors**2).sum() + errors.max() ** 2)) + 2.0 * errors.max()
        assert bound == pytest.approx(polytope.budget[0] * most, rel=1e-9)


@pytest.mark.parametrize("hinted", HINTED)
@pytest.mark.parametrize("kind", ["iid", "drifting"])
def test_both_forms_keep_the_bound_of_the_best_fixed_step(hinted, kind):
    """b sqrt(2 l sum delta^2); the best step is known in hindsight, which these sequences allow."""
    closest = 0.0
    for seed in range(15):
        for lazy in (False, True):
            rng = np.random.default_rng(seed)
            polytope = random_node(rng)
            sequence = Sequence(rng, kind, polytope.size, 100)
            state = rng.bit_generator.state
            free = np.array([1e-3])
            _, errors, _ = play(polytope, sequence, hinted, rng, lazy, 100, free)
            rng.bit_generator.state = state
            step = widths(polytope, Update(True, False)) / np.sqrt((errors**2).sum())
            regret, again, _ = play(polytope, sequence, hinted, rng, lazy, 100, step)
            np.testing.assert_allclose(again, errors)
            bound = entropy_bound(errors, polytope.budget, polytope.total)[-1]
            assert regret <= bound * (1 + 1e-9) + 1e-9
            closest = max(closest, regret / bound)
    assert closest > 0.05 or hinted != "none"


def test_a_good_hint_cuts_regret_and_a_wrong_one_cannot_hurt_much():
    """As in the first check of this idea: iid gains, a true hint with some noise."""
    regrets = {hinted: [] for hinted in HINTED}
    for seed in range(8):
        for hinted in HINTED:
            rng = np.random.default_rng(seed)
            size = rng.uniform(1.0, 20.0, 10)
            polytope = make_polytope(
                np.array([0, 10]), np.full(10, EMPTY), size, np.array([size.sum() / 3.0])
            )
            sequence = Sequence(rng, "iid", size, 200)
            regrets[hinted].append(play(polytope, sequence, hinted, rng, True, 200)[0])
    mean = {hinted: np.mean(values) for hinted, values in regrets.items()}
    assert mean["noisy"] < 0.5 * mean["none"] < mean["wrong"]


def drifting_cells(cells, horizon=80):
    return cells(
        tasks=8,
        hold=3.0,
        horizon=horizon,
        **{"workload.popularity": {"kind": "round_robin"}, "workload.bursts": None},
    )


class Told:
    """Knows the batches to come, for the test that trust goes to who is right; the sign may be wrong."""

    def __init__(self, learner, sign=1.0):
        self.learner, self.sign, self.slot = learner, sign, 0

    def begin(self, rows):
        self.slot = 0

    def see(self, feedback, gradient):
        self.slot += 1
        self.last = gradient

    def guess(self, fractional):
        """Round robin over 8 tasks on 8 items: what was asked for comes next one item on."""
        return self.sign * np.roll(self.last, 1, axis=1)


def build_told(learner, sign: float = 1.0):
    return Told(learner, sign)


@pytest.fixture(scope="module")
def told():
    register_hint("told", build_told)
    yield
    HINTS._entries.pop("told")


def test_trust_goes_to_who_is_right_and_none_is_always_there(told, cells, play_learner):
    scenario = drifting_cells(cells)
    learner, _, _, hinted = play_learner("infida-optimistic", scenario, hints=["told", "last"])
    assert learner.trust[0, 0, 1] > 0.9
    assert list(learner.notes) == ["trust none", "trust told", "trust last"]
    alone = play_learner("infida-optimistic", scenario, hints=[])
    assert (alone[0].trust == 1.0).all()
    assert hinted.sum() > 1.3 * alone[3].sum()
    wrong = play_learner("infida-optimistic", scenario, hints=[{"kind": "told", "sign": -9.0}])
    assert wrong[0].trust[0, 0, 0] > 0.9
    assert wrong[3].sum() > 0.9 * alone[3].sum()


def test_hints_of_one_kind_keep_a_note_each(cells, play_learner):
    """Two periods of one forecaster, and one hint that is listed twice."""
    hints = [{"kind": "seasonal", "period": 2}, "last", {"kind": "seasonal", "period": 3}, "last"]
    learner = play_learner("infida-optimistic", cells(tasks=3, hold=1.5, horizon=4), hints=hints)[0]
    names = ["none", "seasonal", "last", "seasonal 2", "last 2"]
    assert list(learner.notes) == [f"trust {name}" for name in names]
    assert list(learner.notes.values()) == learner.trust[0].mean(axis=0).tolist()


@settings(max_examples=8)
@given(seed=st.integers(0, 2**16), kind=st.sampled_from(["uniform", "alternating", "sliding"]))
def test_the_printed_bound_holds_in_cells_of_every_kind(seed, kind, cells, play_learner):
    scenario = cells(tasks=6, hold=2.0, horizon=50, **{"workload.popularity": {"kind": kind}})
    instance = build_instance(scenario, seed)
    learner, _, _, fractional = play_learner("infida-optimistic", scenario, instance=instance)
    total, gradient = np.zeros(len(learner.items.node)), np.zeros(len(learner.items.node))
    for t in range(50):
        gain_and_gradient(*instance, 0, t, learner.items, np.zeros_like(total), gradient, learner.layers[0])
        total += gradient  # gains are linear here
    assert learner.unproven is None
    assert knapsack(learner.polytope, total) - fractional.sum() <= learner.regret_bound[0] * (1 + 1e-9)


@pytest.mark.parametrize("options", [{"lazy": False}, {"scale": 2.0}])
def test_no_bound_is_printed_for_other_steps(options, cells, play_learner):
    learner = play_learner("infida-optimistic", cells(tasks=3, hold=1.5, horizon=4), **options)[0]
    assert learner.regret_bound is None and "lazy, scale 1" in learner.unproven


def test_no_bound_is_printed_where_capacity_is_shared(cells, play_learner):
    shared = cells(tasks=3, hold=1.5, horizon=4, **{"serving.capacity": "shared"})
    learner = play_learner("infida-optimistic", shared, hints=[{"kind": "seasonal", "period": 2}])[0]
    assert learner.regret_bound is None and "shared" in learner.unproven


def test_hints_are_built_by_name_and_checked(cells, make_learner):
    scenario = cells(tasks=3, hold=1.5)
    learner = make_learner("infida-optimistic", scenario)
    for hint in (
        "last",
        "ar",
        {"kind": "smoothed", "memory": 0.2},
        {"kind": "forecast", "forecaster": "last"},
    ):
        assert isinstance(make_hint(hint, learner), Hint)
    for wrong in (["none"], ["nobody"], [{"memory": 0.5}], [{"kind": "last", "x": 1}], ["oracle"]):
        with pytest.raises(ConfigError):
            make_learner("infida-optimistic", scenario, hints=wrong)
    with pytest.raises(ConfigError, match="hints"):
        register_hint("mine", lambda learner: None)
