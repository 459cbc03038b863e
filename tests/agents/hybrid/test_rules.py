"""Rules H, A and S on sequences of losses: no environment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hybrid.rules import (
    AdaptiveWeights,
    FixedStepWeights,
    draw_expert,
    fixed_step,
    fixed_step_bound,
    move_rarely,
)
from agents.hybrid.slack import SlackBook, SlackTerms, slack_threshold

SLOTS, EXPERTS, DRAWS = 2000, 4, 100


def iid(rng):
    """Independent losses around 0.3 to 0.6."""
    return np.clip(rng.normal(np.linspace(0.3, 0.6, EXPERTS), 0.2, (SLOTS, EXPERTS)), 0.0, 1.0)


def drifting(rng):
    """Random walks between 0 and 1."""
    walk = 0.5 + np.cumsum(rng.normal(0.0, 0.02, (SLOTS, EXPERTS)), axis=0)
    return np.abs((walk + 1.0) % 2.0 - 1.0)


def leader_killing(rng):
    """Whoever has lost least so far loses 1, the others nothing."""
    losses, total = np.zeros((SLOTS, EXPERTS)), np.zeros(EXPERTS)
    for t in range(SLOTS):
        losses[t, np.argmin(total)] = 1.0
        total += losses[t]
    return losses


SEQUENCES = {"iid": iid, "drifting": drifting, "leader-killing": leader_killing}


def play(rule, losses, rows, seed):
    """Experts (T, B) that a rule follows, and its weights (T, B, n)."""
    rng = np.random.default_rng(seed)
    now = rule.weights()
    expert = draw_expert(now, rng.random(rows))
    played, weights = [], []
    for loss in losses:
        played.append(expert)
        weights.append(now)
        rule.learn(np.repeat(loss[None], rows, axis=0))
        after = rule.weights()
        expert = move_rarely(expert, now, after, rng.random((rows, 2)))
        now = after
    return np.array(played), np.array(weights)


@pytest.mark.parametrize("delta", [0.0, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("name", SEQUENCES)
def test_hedge_costs_less_than_its_bound(name, delta):
    """Mean over 100 draws, D paid for every change; changes as rare as the proof says."""
    losses = SEQUENCES[name](np.random.default_rng(7))
    rule = FixedStepWeights(DRAWS, EXPERTS)
    step = fixed_step(EXPERTS, np.array(delta), SLOTS)
    rule.step[:] = step
    played, _ = play(rule, losses, DRAWS, seed=1)
    served = np.take_along_axis(losses, played, axis=1).sum(axis=0)
    switches = (played[1:] != played[:-1]).sum(axis=0)
    bound = fixed_step_bound(step, np.array(1.0), np.array(delta), losses.sum(axis=0).min(), EXPERTS)
    cost = served + delta * switches
    assert 0.5 * bound < cost.mean() < bound
    assert switches.mean() <= step * served.mean() + 3.0 * switches.std() / np.sqrt(DRAWS)


def test_the_bound_counts_moves_and_grows_with_each_of_its_terms():
    one = np.array(1.0)
    least = fixed_step_bound(0.1 * one, one, one, 10.0 * one, 4)
    assert least == pytest.approx(1.1 * (1.0 + np.log(4)) / (1 - np.exp(-0.1)))
    for larger in (
        fixed_step_bound(0.1 * one, one, 2 * one, 10.0 * one, 4),
        fixed_step_bound(0.1 * one, one, one, 11.0 * one, 4),
        fixed_step_bound(0.1 * one, one, one, 10.0 * one, 5),
        fixed_step_bound(0.1 * one, 2 * one, one, 10.0 * one, 4),
    ):
        assert larger > least


weights = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda w: sum(w) > 0.1)


@given(weights, weights)
def test_coupling_has_the_right_means_and_changes_as_rarely_as_possible(before, after):
    """Exactly, by a grid of uniforms: the share of changes is the total variation."""
    before, after = (np.array(w) / sum(w) for w in (before, after))
    grid = (np.arange(200) + 0.5) / 200
    uniforms = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    changes, share = 0.0, np.zeros(3)
    for i in range(3):
        rows = len(uniforms)
        expert = move_rarely(
            np.full(rows, i), np.tile(before, (rows, 1)), np.tile(after, (rows, 1)), uniforms
        )
        changes += before[i] * np.mean(expert != i)
        share += before[i] * np.bincount(expert, minlength=3) / rows
    assert changes == pytest.approx(0.5 * np.abs(after - before).sum(), abs=0.011)
    np.testing.assert_allclose(share, after, atol=0.016)


def test_equal_weights_change_nobody_and_a_weight_of_zero_is_never_drawn():
    same = np.full((1000, 4), 0.25)
    expert = np.arange(1000) % 4
    uniforms = np.random.default_rng(0).random((1000, 2))
    np.testing.assert_array_equal(move_rarely(expert, same, same, uniforms), expert)
    edge = np.array([[0.0, 0.5, 0.5, 0.0]])
    assert {int(draw_expert(edge, np.array([u]))[0]) for u in (0.0, 0.49, 0.51, 1 - 1e-16)} == {1, 2}


def test_a_lag_or_a_share_follows_a_change_that_plain_adahedge_sits_out():
    """The best expert of the first half is 300 ahead then; with a lag of 8 the other is, after 16 slots."""
    losses = np.zeros((1200, 3))
    losses[:600, 1:], losses[600:, 0], losses[600:, 2] = 0.5, 0.5, 0.5
    cost = {}
    for name, options in {"plain": {}, "lag": {"lag": 8.0}, "share": {"share": 0.005}}.items():
        _, weights = play(AdaptiveWeights(1, 3, **options), losses, 1, seed=0)
        np.testing.assert_allclose(weights.sum(axis=2), 1.0)
        cost[name] = float((weights[:, 0] * losses).sum())
    assert cost["lag"] < 12 and cost["share"] < 40 and cost["plain"] > 150


def test_a_share_costs_more_than_a_lag_where_there_is_nothing_to_follow():
    """One expert is ahead, by losses that alternate."""
    losses = np.tile([[0.0, 0.3, 0.5], [0.3, 0.05, 0.5]], (500, 1))
    behind, switches = {}, {}
    for name, options in {"plain": {}, "lag": {"lag": 8.0}, "share": {"share": 0.005}}.items():
        played, weights = play(AdaptiveWeights(50, 3, **options), losses, 50, seed=0)
        behind[name] = float((weights[:, 0] * losses).sum() - losses.sum(axis=0).min())
        switches[name] = int((played[1:] != played[:-1]).sum())
    assert behind["lag"] < 1.5 * behind["plain"] and behind["share"] > 4 * behind["plain"]
    assert switches["lag"] < 1.2 * switches["plain"] and switches["share"] > 2 * switches["plain"]


@pytest.mark.parametrize("name", SEQUENCES)
def test_adahedge_is_within_its_bound_of_the_best_expert(name):
    """2 sqrt(L (T - L) / T ln n) + 16/3 ln n + 2 (de Rooij et al. 2014); no share is given back."""
    losses = SEQUENCES[name](np.random.default_rng(8))
    _, weights = play(AdaptiveWeights(1, EXPERTS), losses, 1, seed=0)
    best = losses.sum(axis=0).min()
    bound = 2 * np.sqrt(best * (SLOTS - best) / SLOTS * np.log(EXPERTS)) + 16 / 3 * np.log(EXPERTS) + 2
    assert (weights[:, 0] * losses).sum() - best <= bound


def safe_accounts(rng, rho, slots, drawdown, diameter=None, reckless=False):
    """Rule S with an R that is just enough to begin, on gains and loads that a random adversary draws.

    B = 1, D is drawn unless given. The prior's account falls by `drawdown` at most, unless it is `reckless`.
    """
    diameter = float(rng.choice([0.0, 0.3, 3.0])) if diameter is None else diameter
    terms = SlackTerms(*(np.array([value]) for value in (1.0, diameter, drawdown * diameter)))
    needed = slack_threshold(rho, terms)
    book = SlackBook(1, rho)
    book.begin(np.array([True]), needed)
    account = top = 0.0
    shape, before = rng.choice([0.05, 1.0, 20.0], size=2), 1
    for _ in range(slots):
        follows = 0 if book.slack[0] >= needed else 1
        gain = rng.beta(shape[0], shape[1], size=2)  # of the learnt placement, of the prior's
        load = diameter * rng.beta(0.2, 0.2, size=2)
        if reckless:
            gain[1] *= 0.1
        elif account - load[1] < top - terms.drawdown[0]:
            load[1] = 0.0
        prior = gain[1] - load[1]
        account += prior
        top = max(top, account)
        moved = diameter if follows != before else load[follows]
        book.enter(np.array([gain[follows] - moved]), np.array([prior]))
        before = follows
    return book, diameter, terms


def check_safe(seed):
    rng = np.random.default_rng([18, seed])
    rho, drawdown = float(rng.choice([0.1, 0.8, 0.95, 1.0])), float(rng.choice([0.0, 0.5, 1.0]))
    book, diameter, terms = safe_accounts(rng, rho, 400, drawdown)
    assert book.least[0] >= diameter - 1e-9
    assert book.drawdown[0] <= terms.drawdown[0] + 1e-9


@pytest.mark.parametrize("seed", range(60))
def test_slack_is_never_below_the_price_of_a_move(seed):
    check_safe(seed)


@pytest.mark.long
def test_slack_is_never_below_the_price_of_a_move_on_ten_thousand_sequences():
    for seed in range(10_000):
        check_safe(seed)


def test_without_its_assumption_the_promise_fails():
    """A prior that loads more than it gains drains the slack at 1 - rho of what it loses."""
    book, _, terms = safe_accounts(np.random.default_rng(18), 0.5, 400, 0.0, diameter=3.0, reckless=True)
    assert book.least[0] < 0.0 and book.drawdown[0] > terms.drawdown[0]
