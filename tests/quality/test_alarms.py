"""Alarms: their level, what they notice, and how they tell shifts apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.quality.alarms import FallAlarm, HarmAlarm, MoveAlarm, SafetyProof
from idn_gym.quality.counts import SlotCounts
from idn_gym.quality.monitor import BENIGN, HARMFUL, MOVED, QUIET, ShiftMonitor
from idn_gym.quality.signals import bin_middles
from idn_gym.quality.wagers import Wagers, bets_on_less, bets_on_more

BINS = 10
SHARES = np.arange(1.0, BINS + 1) / np.arange(1.0, BINS + 1).sum()
WORTH = bin_middles(BINS)


def labels(right, probed):
    return SlotCounts(np.zeros((*np.shape(right), BINS)), probed=np.asarray(probed), right=np.asarray(right))


def play(alarm, rng, accuracy, slots, probes=10, shares=SHARES):
    rows, streams = alarm.shape if hasattr(alarm, "shape") else alarm.harm.shape
    for _ in range(slots):
        probed = np.full((rows, streams), float(probes))
        right = rng.binomial(probes, accuracy, (rows, streams)).astype(float)
        served = rng.multinomial(30, shares, (rows, streams)).astype(float)
        alarm.note(SlotCounts(served, probed, right, probed, right))
    return alarm


@settings(max_examples=60, deadline=None)
@given(st.floats(0.02, 0.98), st.lists(st.floats(0.0, 1.0), min_size=2, max_size=5), st.data())
def test_no_bet_has_a_mean_payoff_above_one_under_the_hypothesis(limit, values, data):
    worth = np.array([*values, 0.0, 1.0])[None]
    weights = data.draw(st.lists(st.floats(0.0, 1.0), min_size=worth.size, max_size=worth.size))
    law = np.array(weights) + 1e-3
    law /= law.sum()
    mean = law @ worth[0]
    bets = bets_on_less if mean >= limit else bets_on_more
    payoffs = bets(np.array([limit]), worth)
    assert np.all(np.isfinite(payoffs)) and np.all(np.exp(payoffs[0]) @ law <= 1.0 + 1e-9)


def test_wealth_over_all_outcomes_averages_to_its_old_value():
    """The martingale itself, by hand: two slots of one sample, floor kept with equality."""
    payoffs = bets_on_less(np.array([0.7]), np.array([[1.0, 0.0]]))
    mean = 0.0
    for first, p in ((0, 0.7), (1, 0.3)):
        for second, q in ((0, 0.7), (1, 0.3)):
            wagers = Wagers(1, payoffs)
            for outcome in (first, second):
                wagers.note(np.eye(2)[outcome][None, None])
            mean += p * q * np.exp(wagers.evidence()[0, 0])
    assert mean == pytest.approx(1.0)


def make_alarm(by, rows, accuracy, shares, tolerance, alpha, samples=None):
    """An alarm of as many streams as there are accuracies and shares."""
    spent = {"alpha": alpha, "samples": samples}
    if by == "fallen":
        return FallAlarm(rows, WORTH, shares, tolerance=tolerance, **spent)
    if by == "moved":
        return MoveAlarm(rows, shares, slack=tolerance, **spent)
    if by == "safe":
        return SafetyProof(rows, len(accuracy), accuracy=accuracy, tolerance=tolerance, **spent)
    return HarmAlarm(rows, len(accuracy), accuracy=accuracy, tolerance=tolerance, by=by, **spent)


@pytest.mark.parametrize("by", ["labels", "agreement", "fallen"])
def test_at_the_floor_few_alarms_fire_and_far_below_it_all_do(by):
    rng = np.random.default_rng(0)
    higher = SHARES + 0.05 * (np.eye(BINS)[-1] - np.eye(BINS)[4])
    tolerance = 0.05 if by != "fallen" else float((higher - SHARES) @ WORTH)
    alarm = make_alarm(by, 100, np.full(2, 0.85), np.tile(higher, (2, 1)), tolerance, 0.2)
    play(alarm, rng, 0.8, 60)
    assert alarm.fired.mean() <= 0.2
    low = SHARES[::-1]
    play(alarm, rng, 0.4, 20, shares=low)
    assert alarm.fired.all() and np.all(alarm.evidence() >= np.log(5.0))
    play(alarm, rng, 1.0, 30, shares=np.eye(BINS)[-1])
    assert alarm.fired.all()
    alarm.reset(np.arange(100) < 50)
    assert not alarm.fired[:50].any() and alarm.fired[50:].all() and np.all(alarm.evidence()[:50] == 0.0)


@pytest.mark.parametrize("samples", [40, 300])
@pytest.mark.parametrize("by", ["labels", "agreement", "fallen", "moved", "safe"])
def test_alarms_keep_their_level_when_they_know_the_source_by_samples(by, samples):
    """Streams at the edge, each with source samples of its own: what these leave open is paid for."""
    rng, streams, alpha = np.random.default_rng(8), 60 if by == "moved" else 300, 0.1
    accuracy = rng.binomial(samples, 0.85, streams) / samples
    shares = rng.multinomial(samples, SHARES, streams) / samples
    edge = SHARES - 0.05 * (np.eye(BINS)[-1] - np.eye(BINS)[0])
    tolerance = float((SHARES - edge) @ WORTH) if by == "fallen" else 0.05
    told, trusting = (
        make_alarm(by, 1, accuracy, shares, tolerance, alpha, known) for known in (samples, None)
    )
    for alarm in (told, trusting):
        play(alarm, np.random.default_rng(9), 0.8, 150, shares=edge)
    assert told.fired.mean() <= alpha
    assert told.fired.mean() < trusting.fired.mean()
    assert samples > 40 or by == "moved" or trusting.fired.mean() > 2.0 * alpha
    good, low = (1.0, SHARES) if by == "safe" else (0.1, SHARES[::-1])
    assert play(told, rng, good, 200, shares=low).fired[0].mean() > 0.9


def test_labels_that_are_bought_under_suspicion_alone_decide_at_their_level():
    """Confidences move for the worse, accuracy stays at the floor: all are suspected, few are condemned."""
    rng, streams, alpha = np.random.default_rng(10), 300, 0.1
    accuracy = rng.binomial(200, 0.85, streams) / 200
    harm, safe = (make_alarm(by, 1, accuracy, None, 0.05, alpha, samples=200) for by in ("labels", "safe"))
    watch = ShiftMonitor(harm, MoveAlarm(1, np.tile(SHARES, (streams, 1))), safe)
    for truth in (0.8, 0.4):
        for _ in range(60):
            asked = (watch.verdict() == MOVED).astype(float)
            served = rng.multinomial(30, SHARES[::-1], (1, streams)).astype(float)
            right = rng.binomial(10, truth, (1, streams)) * asked
            watch.note(SlotCounts(served, probed=10.0 * asked, right=right))
        verdict = watch.verdict()
        assert watch.moved.fired.all()
        if truth == 0.8:
            assert np.mean(verdict == HARMFUL) <= alpha and np.mean(verdict == BENIGN) <= alpha
    assert np.mean(verdict == HARMFUL) >= 1.0 - alpha


def test_a_late_shift_is_noticed_nearly_as_soon_as_an_early_one():
    delays = []
    for before in (0, 400):
        rng = np.random.default_rng(1)
        alarm = play(HarmAlarm(50, 1, accuracy=0.9, tolerance=0.05), rng, 0.95, before)
        assert not alarm.fired.any()
        delay = np.zeros(50)
        for _ in range(60):
            delay += ~play(alarm, rng, 0.6, 1).fired[:, 0]
        delays.append(delay.mean())
    assert delays[0] <= delays[1] < 4 * delays[0] + 3


def monitor(rows=40):
    return ShiftMonitor(
        HarmAlarm(rows, 1, accuracy=0.9, tolerance=0.1),
        MoveAlarm(rows, SHARES[None], slack=0.05),
        SafetyProof(rows, 1, accuracy=0.9, tolerance=0.1),
    )


def test_verdicts():
    rng = np.random.default_rng(2)
    watch = play(monitor(), rng, 0.9, 100)
    assert np.mean(watch.verdict() == QUIET) >= 0.95
    moved = np.full(BINS, 1 / BINS)
    play(watch, rng, 0.9, 20, probes=0, shares=moved)
    assert np.mean(watch.verdict() == MOVED) >= 0.95
    play(watch, rng, 0.92, 40, shares=moved)
    assert np.mean(watch.verdict() == BENIGN) >= 0.9
    play(watch, rng, 0.5, 40, shares=moved)
    assert np.all(watch.verdict() == HARMFUL)
    watch.reset()
    assert np.all(watch.verdict() == QUIET)


def test_samples_of_before_the_move_prove_nothing_of_what_came_after():
    rng = np.random.default_rng(3)
    watch = play(monitor(), rng, 1.0, 50)
    assert not watch.safe.fired.any()


def test_a_row_alone_has_the_bits_of_a_row_among_others_and_goes_on_from_its_state():
    rng = np.random.default_rng(4)
    whole, alone, again = (MoveAlarm(rows, np.tile(SHARES, (2, 1))) for rows in (3, 1, 3))
    for slot in range(8):
        served = rng.multinomial(9, SHARES[::-1], (3, 2)) * rng.integers(0, 2, (3, 2, 1)).astype(float)
        whole.note(SlotCounts(served))
        alone.note(SlotCounts(served[2:]))
        if slot == 4:
            again.set_state(whole.get_state())
        elif slot > 4:
            again.note(SlotCounts(served))
    np.testing.assert_array_equal(whole.evidence()[2:], alone.evidence())
    np.testing.assert_array_equal(whole.evidence(), again.evidence())
    np.testing.assert_array_equal(whole.fired, again.fired)


def test_an_answer_where_the_source_had_none_is_a_move():
    """Without slack the share below the last edge is 1, and no bet pays infinitely much."""
    alarm = MoveAlarm(1, np.array([[0.5, 0.5, 0.0]]), slack=0.0)
    alarm.note(SlotCounts(np.array([[[5.0, 5.0, 0.0]]])))
    assert not alarm.fired.any()
    alarm.note(SlotCounts(np.array([[[0.0, 0.0, 1.0]]])))
    assert alarm.fired.all() and np.isfinite(alarm.evidence()).all()


def test_slots_without_samples_change_nothing():
    alarm = HarmAlarm(1, 2, accuracy=0.9, tolerance=0.1)
    for _ in range(3):
        alarm.note(labels([[1.0, 0.0]], [[4.0, 0.0]]))
    assert alarm.evidence()[0, 0] > 0.0 and alarm.evidence()[0, 1] == 0.0


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: HarmAlarm(1, 1, accuracy=0.9, tolerance=0.1, alpha=0.0), "alpha"),
        (lambda: HarmAlarm(1, 1, accuracy=0.9, tolerance=-0.1), "tolerance"),
        (lambda: HarmAlarm(1, 1, accuracy=0.9, tolerance=0.9), "tolerance"),
        (lambda: HarmAlarm(1, 1, accuracy=0.3, tolerance=0.1, by="agreement", error=0.2), "tolerance"),
        (lambda: HarmAlarm(1, 1, accuracy=1.9, tolerance=0.1), "accuracy"),
        (lambda: HarmAlarm(1, 1, accuracy=0.9, tolerance=0.1, by="luck"), "by"),
        (lambda: HarmAlarm(1, 1, accuracy=0.9, tolerance=0.1, samples=0), "samples"),
        (lambda: FallAlarm(1, WORTH, SHARES, tolerance=0.1), "shares"),
        (lambda: FallAlarm(1, WORTH[1:], SHARES[None], tolerance=0.1), "values"),
        (lambda: FallAlarm(1, WORTH, SHARES[None], tolerance=0.9), "tolerance"),
        (lambda: FallAlarm(1, WORTH, SHARES[None], tolerance=0.1, samples=np.ones(2)), "samples"),
        (lambda: HarmAlarm(1, 1, accuracy=0.9, tolerance=0.1).note(labels([[1.0]], [[0.0]])), "right"),
        (lambda: HarmAlarm(0, 1, accuracy=0.9, tolerance=0.1), "rows"),
        (lambda: MoveAlarm(1, SHARES), "shares"),
        (lambda: MoveAlarm(1, 2 * SHARES[None]), "shares"),
        (lambda: MoveAlarm(1, SHARES[None], slack=1.0), "slack"),
        (lambda: MoveAlarm(1, SHARES[None], samples=0), "samples"),
        (lambda: MoveAlarm(1, SHARES[None]).note(SlotCounts(np.ones((1, 1, 3)))), "served"),
        (
            lambda: MoveAlarm(1, SHARES[None]).set_state(MoveAlarm(2, SHARES[None]).get_state()),
            "state.wealth",
        ),
        (
            lambda: ShiftMonitor(
                HarmAlarm(1, 1, accuracy=0.9, tolerance=0.1),
                MoveAlarm(2, SHARES[None]),
                SafetyProof(1, 1, accuracy=0.9, tolerance=0.1),
            ),
            "moved",
        ),
    ],
)
def test_bad_input_is_named(call, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        call()
