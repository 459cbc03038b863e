"""Estimators of accuracy: against sample-wise ones, and what each of them promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.quality.counts import SlotCounts
from idn_gym.quality.estimators import (
    ConfidenceDifference,
    MeanConfidence,
    ProbedLabels,
    ThresholdedConfidence,
    UpstreamAgreement,
)
from idn_gym.quality.forgetting import Forgetting
from idn_gym.quality.signals import bin_middles, confidence_places, matching_threshold, share_above
from idn_gym.quality.source import fit_streams

BINS = 20
MIDDLES = bin_middles(BINS)
RULES = [Forgetting(), Forgetting(half_life=30.0), Forgetting(window=3)]
KINDS = {
    "confidence": lambda b, r, f: MeanConfidence(b, r, MIDDLES, forgetting=f),
    "difference": lambda b, r, f: ConfidenceDifference(
        b, r, MIDDLES, accuracy=0.9, confidence=0.8, forgetting=f
    ),
    "threshold": lambda b, r, f: ThresholdedConfidence(b, r, BINS, threshold=0.33, forgetting=f),
    "agreement": lambda b, r, f: UpstreamAgreement(b, r, error=0.05, forgetting=f),
    "labels": lambda b, r, f: ProbedLabels(b, r, forgetting=f),
}


def draw(rng, rows=2, streams=3, samples=12):
    """Counts of a slot, streams without any sample among them."""
    served = rng.multinomial(rng.integers(0, samples, (rows, streams)), np.full(BINS, 1 / BINS)).astype(float)
    compared = rng.integers(0, samples, (rows, streams)).astype(float)
    part = rng.binomial(compared.astype(int), 0.8).astype(float)
    return SlotCounts(served, compared, part, compared, part)


def binned(confidence):
    return np.bincount(confidence_places(confidence, BINS), minlength=BINS).astype(float)[None, None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES, ids=["forever", "half-life", "window"])
def test_estimates_lie_inside_their_bands(kind, rule):
    rng = np.random.default_rng(1)
    estimator = KINDS[kind](2, 3, rule)
    lower, upper = estimator.band()
    assert np.all(lower == 0.0) and np.all(upper == 1.0)
    for _ in range(6):
        estimator.note(draw(rng))
        lower, upper = estimator.band(0.9)
        wider = estimator.band(0.99)
        seen = ~np.isnan(estimator.estimate())
        assert np.all((0.0 <= lower) & (lower <= upper) & (upper <= 1.0))
        assert np.all((wider[0] <= lower) & (upper <= wider[1]))
        assert np.all(((lower <= estimator.estimate()) & (estimator.estimate() <= upper))[seen])
    assert estimator.anytime == rule.nothing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES, ids=["forever", "half-life", "window"])
def test_a_row_alone_has_the_bits_of_a_row_among_others_and_goes_on_from_its_state(kind, rule):
    rng = np.random.default_rng(2)
    whole, alone, again = (KINDS[kind](rows, 3, rule) for rows in (2, 1, 2))
    for slot in range(6):
        counts = draw(rng)
        whole.note(counts)
        alone.note(SlotCounts(*(array[1:] for array in counts)))
        if slot == 3:
            again.set_state(whole.get_state())
        elif slot > 3:
            again.note(counts)
    for other, mine in ((alone, slice(1, 2)), (again, slice(None))):
        np.testing.assert_array_equal(whole.estimate()[mine], other.estimate())
        np.testing.assert_array_equal(np.array(whole.band())[:, mine], other.band())
    kept = whole.estimate()[1]
    whole.reset(np.array([True, False]))
    np.testing.assert_array_equal(whole.estimate()[1], kept)
    whole.reset()
    np.testing.assert_array_equal(whole.band()[1], 1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(0.0, 1.0, exclude_max=True), max_size=8), min_size=1, max_size=6))
def test_confidences_in_bins_are_off_by_half_a_bin_at_most(slots):
    estimator = MeanConfidence(1, 1, MIDDLES, unseen=0.25)
    for values in slots:
        estimator.note(SlotCounts(binned(np.array(values))))
    everything = np.concatenate([np.array(values) for values in slots])
    mean = everything.mean() if len(everything) else 0.25
    assert abs(estimator.estimate()[0, 0] - mean) <= (0.5 / BINS + 1e-9 if len(everything) else 0.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, BINS), st.integers(0, 2**31))
def test_atc_on_an_edge_is_the_sample_wise_share_and_between_edges_it_interpolates(edge, seed):
    confidence = np.random.default_rng(seed).random(50)
    estimator = ThresholdedConfidence(1, 1, BINS, threshold=edge / BINS)
    estimator.note(SlotCounts(binned(confidence)))
    assert estimator.estimate()[0, 0] == pytest.approx(np.mean(confidence >= edge / BINS))
    inside = share_above((edge + 0.25) / BINS, BINS)
    assert inside[edge : edge + 1] == pytest.approx(np.array([0.75])[: BINS - edge])


@pytest.mark.parametrize("seed", range(3))
def test_the_source_in_bins_agrees_with_the_source_of_samples(seed):
    rng = np.random.default_rng(seed)
    confidence = np.sqrt(rng.random(4_000))
    correct = rng.random(4_000) < confidence
    counts = binned(confidence)[0], binned(confidence[correct])[0]
    source = fit_streams(*counts, MIDDLES)
    assert source.accuracy[0] == pytest.approx(correct.mean())
    assert source.confidence[0] == pytest.approx(confidence.mean(), abs=0.5 / BINS)
    assert source.threshold[0] == pytest.approx(matching_threshold(confidence, correct.mean()), abs=1 / BINS)
    same = ThresholdedConfidence(1, 1, BINS, threshold=source.threshold)
    difference = ConfidenceDifference(1, 1, MIDDLES, accuracy=source.accuracy, confidence=source.confidence)
    weighted = MeanConfidence(1, 1, source.bin_accuracy)
    for estimator in (same, difference, weighted):  # on the source itself each of them is right
        estimator.note(SlotCounts(counts[0][None]))
        assert estimator.estimate()[0, 0] == pytest.approx(source.accuracy[0])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_accuracy_is_within_the_upstream_error_of_the_agreement_whatever_happens(seed, skill, upstream):
    rng = np.random.default_rng(seed)
    label, mine, theirs = rng.integers(3, size=(3, 40))
    mine, theirs = (
        np.where(rng.random(40) < share, label, answer)
        for share, answer in ((skill, mine), (upstream, theirs))
    )
    estimator = UpstreamAgreement(1, 1, error=np.mean(theirs != label))
    compared = np.full((1, 1), 40.0)
    estimator.note(SlotCounts(np.zeros((1, 1, 1)), compared, np.full((1, 1), np.sum(mine == theirs))))
    lower, upper = estimator.band(0.5)
    assert lower[0, 0] <= np.mean(mine == label) + 1e-9 and np.mean(mine == label) <= upper[0, 0] + 1e-9


def test_what_a_half_life_and_a_window_remember():
    half, window = (
        ProbedLabels(1, 1, forgetting=rule) for rule in (Forgetting(half_life=10), Forgetting(window=2))
    )
    for right in (10.0, 0.0, 5.0):
        for estimator in (half, window):
            ten = np.full((1, 1), 10.0)
            estimator.note(SlotCounts(np.zeros((1, 1, 1)), probed=ten, right=np.full((1, 1), right)))
    assert half.estimate()[0, 0] == pytest.approx((10 / 4 + 0 + 5) / (10 / 4 + 5 + 10))
    assert window.estimate()[0, 0] == pytest.approx(0.25)


def counts_of(**changes):
    one = np.ones((2, 3))
    return SlotCounts(np.ones((2, 3, BINS)), one, one, one, one)._replace(**changes)


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: MeanConfidence(2, 3, MIDDLES).note(counts_of(served=np.ones((2, 3, 4)))), "served"),
        (lambda: MeanConfidence(2, 3, MIDDLES).note(counts_of(served=-np.ones((2, 3, BINS)))), "served"),
        (lambda: ProbedLabels(2, 3).note(counts_of(probed=None)), "probed"),
        (lambda: ProbedLabels(2, 3).note(counts_of(right=np.full((2, 3), 2.0))), "right"),
        (
            lambda: UpstreamAgreement(2, 3, error=0.1).note(counts_of(agreed=np.full((2, 3), np.nan))),
            "agreed",
        ),
        (lambda: UpstreamAgreement(2, 3, error=1.5), "error"),
        (lambda: UpstreamAgreement(0, 3, error=0.1), "rows"),
        (lambda: ProbedLabels(2, 0), "streams"),
        (lambda: ProbedLabels(2, 3, unseen=[0.5, 0.5]), "unseen"),
        (lambda: ProbedLabels(2, 3).band(1.0), "level"),
        (lambda: ProbedLabels(2, 3).reset(np.ones(3, bool)), "rows"),
        (lambda: ProbedLabels(2, 3).set_state(ProbedLabels(1, 3).get_state()), "state.total"),
        (lambda: ProbedLabels(2, 3).set_state({}), "state"),
        (lambda: MeanConfidence(2, 3, np.full(BINS, 1.5)), "values"),
        (lambda: MeanConfidence(2, 3, np.zeros(0)), "values"),
        (lambda: MeanConfidence(2, 3, 0.5), "values"),
        (lambda: ThresholdedConfidence(2, 3, 0, threshold=0.5), "bins"),
        (lambda: Forgetting(half_life=0.0), "half_life"),
        (lambda: Forgetting(half_life=float("nan")), "half_life"),
        (lambda: Forgetting(window=0), "window"),
        (lambda: Forgetting(half_life=3.0, window=3), "window"),
        (lambda: fit_streams(np.zeros((1, 4)), np.zeros((1, 4)), np.ones(4)), "served"),
        (lambda: fit_streams(np.ones(4), np.ones(4), np.ones(4)), "served"),
    ],
)
def test_bad_input_is_named(call, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        call()
