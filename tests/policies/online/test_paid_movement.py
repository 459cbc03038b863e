"""Experts that pay for how they move, and the fixed share that follows changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.load_prices import full_load_price, price_per_byte
from idn_gym.optimum.projection import make_polytope
from idn_gym.policies.online.mirror_state import MirrorState, Update
from idn_gym.scenarios.episodes import build_instance

ALTERNATING = {"workload.popularity": {"kind": "alternating"}}


def test_movement_that_costs_much_is_avoided(cells, play_learner):
    """Halves alternate: fast experts run behind them and load all the time."""
    scenario = cells(tasks=6, hold=3.0, horizon=60, **ALTERNATING)
    moved = {
        price: play_learner("infida-adahedge-smoothed", scenario, load_price=price)[0].fractional_loaded[0]
        for price in (0.0, 0.3, 30.0)
    }
    assert moved[30.0] <= moved[0.3] < moved[0.0]
    assert moved[30.0] < 0.5 * moved[0.0]


def test_without_a_price_it_is_adahedge(cells, play_learner):
    scenario = cells(tasks=6, hold=3.0, horizon=20, **ALTERNATING)
    plain = play_learner("infida-adahedge", scenario)[3]
    np.testing.assert_array_equal(
        play_learner("infida-adahedge-smoothed", scenario, load_price=0.0)[3], plain
    )


def test_experts_are_judged_by_what_they_gain_less_half_of_what_they_move(cells, drive, make_learner):
    scenario = cells(tasks=4, hold=2.0, horizon=2)
    learner = make_learner("infida-adahedge-smoothed", scenario, load_price=0.7)
    seen = []
    learn = learner.hedge.learn
    learner.hedge.learn = lambda gains: (seen.append(gains.copy()), learn(gains))
    fractions, gradients = [], []
    move = learner.learn

    def watched(feedback):
        fractions.append([expert.z[0].copy() for expert in learner.experts.mirrors])
        gradients.append(learner.gradient[0].copy())
        move(feedback)

    learner.learn = watched

    drive(learner, build_instance(scenario, 0))
    byte = price_per_byte(learner.tables, 0.7)
    for k, (before, now) in enumerate(zip(*fractions, strict=True)):
        gained = (gradients[1] * now).sum() - 0.5 * byte * (10.0 * np.abs(now - before)).sum()
        assert seen[1][0, 0, k] == pytest.approx(gained)
        assert seen[0][0, 0, k] == pytest.approx((gradients[0] * before).sum())


def test_null_is_the_price_of_the_score(cells, make_learner):
    scenario = cells(tasks=3, hold=1.5, horizon=3)
    learner = make_learner("infida-adahedge-smoothed", scenario)
    assert learner.config.load_price is None and learner.config.coupled
    assert full_load_price(learner.compiled) > 0.0


def turning_gain(share, slots=400, block=100):
    """What mirror ascent gains where one of two items is worth something, in turns, block after block."""
    polytope = make_polytope(np.array([0, 2]), np.array([EMPTY, EMPTY]), np.ones(2), np.array([1.0]))
    iterate, earned = MirrorState(polytope, 1, Update(True, False), scale=3.0, share=share), 0.0
    for t in range(slots):
        g = np.array([[1.0, 0.0]]) if t // block % 2 == 0 else np.array([[0.0, 1.0]])
        earned += float((g * iterate.z).sum())
        iterate.move(g)
    return earned


def test_a_fixed_share_follows_what_turns():
    assert turning_gain(0.01) > 1.1 * turning_gain(0.0)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**16), share=st.floats(0.001, 0.3), switches=st.integers(0, 5))
def test_dynamic_regret_of_a_fixed_share_keeps_its_bound(seed, share, switches):
    """Against any sequence of whole placements: [b l + P ln(S/(share b)) + T b (share - ln(1 - share))] / eta
    + eta b sum q^2 / 2 with a fixed step."""
    rng = np.random.default_rng(seed)
    slots, count = 80, 6
    size = rng.uniform(1.0, 3.0, count)
    budget = size.sum() / rng.choice([1.5, 3.0])
    polytope = make_polytope(np.array([0, count]), np.full(count, EMPTY), size, np.array([budget]))
    parts = np.sort(rng.integers(0, slots, switches))
    which = np.searchsorted(parts, np.arange(slots), side="right")
    rates = rng.normal(0.0, 1.0, (switches + 1, count))[which] + rng.normal(0.0, 0.3, (slots, count))
    gradients = rates * size
    comparator = np.zeros((slots, count))
    for part in range(switches + 1):
        here, room = which == part, budget
        worth = gradients[here].sum(axis=0)
        for i in np.argsort(-worth / size):
            if worth[i] > 0.0 and size[i] <= room:
                comparator[here, i], room = 1.0, room - size[i]
    squares = (np.abs(rates).max(axis=1) ** 2).sum()
    path = (size * np.abs(np.diff(comparator, axis=0))).sum()
    spread = max(1.0, np.log(size.sum() / budget))
    far = budget * spread + path * max(1.0, np.log(size.sum() / (share * budget)))
    far += slots * budget * (share - np.log1p(-share))
    eta = np.sqrt(2.0 * far / (budget * squares))
    iterate = MirrorState(polytope, 1, Update(True, False), fixed=np.array([eta]), share=share)
    earned = 0.0
    for g in gradients:
        earned += float(g @ iterate.z[0])
        iterate.move(g[None])
    assert (gradients * comparator).sum() - earned <= np.sqrt(2.0 * budget * far * squares) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("infida-adahedge-smoothed", {"load_price": -1.0}),
        ("infida-adahedge-smoothed", {"lazy": True, "share": 0.1}),
        ("ftrl-entropy", {"share": 0.1}),
        ("infida", {"share": 1.0}),
    ],
)
def test_options_that_do_not_go_are_refused(name, options, cells, make_learner):
    with pytest.raises(ConfigError):
        make_learner(name, cells(tasks=2, hold=1.0), **options)


def test_a_share_has_no_printed_bound(cells, play_learner):
    assert "share 0" in play_learner("oga", cells(tasks=3, hold=1.5, horizon=3), share=0.1)[0].unproven
