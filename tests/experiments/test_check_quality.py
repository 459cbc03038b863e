"""Bands, alarms and thresholds keep what docs/quality.md says, by simulation with fixed seeds."""

import numpy as np
import pytest

from experiments import check_quality
from experiments.lab.exit_choice import play_exits
from experiments.lab.hidden_quality import estimate_errors, halve, source_of, watch_conditions
from experiments.lab.quality_checks import bandit_regret, count_false_alarms, count_held, detection_delays
from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, SAMPLE_PARTS, Outcomes
from idn_gym.evaluation.intervals import share_interval
from idn_gym.quality.forgetting import Forgetting


def make_table(samples=2_000, exits=3):
    """Calibrated under the first condition; under the second all errs as a coin does and nothing tells."""
    rng = np.random.default_rng(0)
    confidence = np.sqrt(rng.uniform(0.2, 1.0, (exits, 2, samples)))
    right = rng.random(confidence.shape) < np.where([[[True], [False]]], confidence, 0.5)
    steps = np.rint(confidence * CONFIDENCE_STEPS).astype(np.uint16)
    names = tuple(f"digits_lab_exits/exit{x}" for x in range(exits))
    return Outcomes(
        rows=names,
        conditions=("clean", "noise-0.2"),
        parts=SAMPLE_PARTS,
        label=np.ones(samples, np.uint8),
        part=np.full(samples, 2, np.uint8),
        predicted=right.astype(np.uint8),
        raw=steps,
        confidence=steps,
        entropy=np.zeros(right.shape, np.uint8),
        about={},
    )


def test_bands_hold_as_often_as_they_say():
    for accuracy in (0.5, 0.95):
        held = count_held(Forgetting(), accuracy, 200, 60)
        assert held.last >= held.always >= 190
        assert count_held(Forgetting(half_life=50.0), accuracy, 200, 60).last >= 190


def test_alarms_are_seldom_false_and_the_later_the_smaller_the_shift():
    assert count_false_alarms("labels", 200, 60) <= 10
    trusted, bounded = (
        count_false_alarms("labels", 200, 200, 50, trusted=trusted) for trusted in (True, False)
    )
    assert bounded <= 10 < trusted
    large, small = (detection_delays(accuracy, 60, 80) for accuracy in (0.5, 0.7))
    assert np.isfinite(large).all() and np.median(large) < np.nanmedian(small) < 200


def test_the_halves_of_a_table_share_no_sample():
    table = make_table()
    numbered = table._replace(
        predicted=np.broadcast_to(np.arange(2_000) % 2 == 0, table.predicted.shape).astype(np.uint8)
    )
    halves = halve(numbered, np.random.default_rng(1))
    assert halves.correct.shape == halves.places.shape == (2, 3, 2, 1_000)
    assert halves.correct.sum() == 3 * 2 * 1_000
    assert np.all(np.abs(source_of(halves).accuracy - 0.5) < 0.2)


def test_what_does_not_show_in_confidences_is_seen_by_labels_alone():
    errors, truth = estimate_errors(make_table(), 3)
    assert all(rows.shape == truth.shape == (3, 3, 2) for rows in errors.values())
    for name in ("confidence", "histogram", "difference", "ATC"):
        assert errors[name][:, :, 0].mean() < 0.05 < 0.2 < errors[name][:, :, 1].mean()
    assert errors["labels of 10 %"][:, :, 1].mean() < 0.1
    watched = watch_conditions(make_table(), 3)
    assert watched.harmed.shape == (3, 3, 2) and not watched.harmed[:, :, 0].any()
    assert watched.harmed[:, :, 1].all() and watched.labels[:, :, 1].mean() > 0.5
    for nothing in (watched.confidence, watched.moved, watched.decided, watched.bought):
        assert not nothing.any()


def test_no_way_to_choose_beats_hindsight_on_average():
    found = play_exits(make_table(), "digits_lab_exits", ("clean", "noise-0.2"), 8, 30)
    best = found.pop("best threshold in hindsight")
    assert all(np.all(loss >= 0.0) for loss in found.values())
    for name in ("nominal threshold", "EXP3 on labels", "EXP3 on confidences"):
        assert found[name].mean() >= best.mean()


def test_the_command_prints_its_tables(capsys, tmp_path, monkeypatch):
    table = make_table()
    renamed = table._replace(rows=tuple(row.replace("digits", "fashion") for row in table.rows))
    monkeypatch.setattr(
        check_quality, "read_outcomes", lambda path: table if "digits" in path.name else renamed
    )
    monkeypatch.setattr(check_quality, "LATEST_SLOT", 20)
    check_quality.main(["--streams", "10", "--slots", "2", "--splits", "2", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    for title in (
        "Bands of 95 %",
        "Alarms of 5 %",
        "labels until the alarm",
        "Regret",
        "fashion: mean absolute",
    ):
        assert title in printed
    assert (tmp_path / "regret.png").stat().st_size > 1_000


@pytest.mark.long
def test_coverage_false_alarms_and_regret_of_many_streams():
    for accuracy in check_quality.ACCURACIES:
        for rule in check_quality.FORGETTING_RULES.values():
            held = count_held(rule, accuracy, 2_000, 1_000)
            assert held.last >= 1_900
            assert not rule.nothing or held.always >= 1_900
    for by, fewer in check_quality.ALARMS.items():
        streams = 2_000 // fewer
        for samples in check_quality.SOURCE_SAMPLES:
            assert share_interval(count_false_alarms(by, streams, 1_000, samples), streams).low <= 0.05
        assert count_false_alarms(by, streams, 1_000) <= 0.05 * streams
    for changes in check_quality.BEST_CHANGES:
        found = bandit_regret(changes, 500, 400)
        assert np.all(found.mean <= found.bound)
