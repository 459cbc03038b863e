"""Label-free estimates measured on files of logits."""

import csv

import numpy as np
import pytest
from scipy.special import softmax

from experiments import measure_quality
from experiments.lab.quality_data import (
    SEGMENT,
    STREAM,
    Judged,
    calibration_errors,
    follow,
    read_logits,
    score_signals,
)
from experiments.measure_quality import claims, mean_errors, picks
from idn_gym.config_reader import ConfigError
from idn_gym.lab.calibration.quality import ESTIMATORS
from idn_gym.lab.training.shifts import CONDITIONS

FACTOR = 3.0
"""by which all logits are too large"""


def draw_logits(rng, samples, spreads):
    """Logits (X, S, C) of exits that see one and the same label; calibrated but for `FACTOR`."""
    labels = rng.integers(4, size=samples)
    evidence = rng.normal(size=(len(spreads), samples, 4))
    strength = np.array(spreads)[:, np.newaxis, np.newaxis]
    # For Gaussian evidence about a uniform label this is the exact posterior.
    logits = strength * (evidence + strength * np.eye(4)[labels])
    return (FACTOR * logits).astype(np.float32), labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two seeds of a network with two exits; each condition is a little harder than the one before."""
    folder = tmp_path_factory.mktemp("logits")
    for seed in range(2):
        rng = np.random.default_rng(seed)
        validation, validation_labels = draw_logits(rng, 2_000, [1.0, 2.0])
        state = rng.bit_generator.state
        test = []
        for k in range(len(CONDITIONS)):
            rng.bit_generator.state = state
            logits, test_labels = draw_logits(rng, 2_000, [1.0 - 0.05 * k, 2.0 - 0.12 * k])
            test.append(logits)
        np.savez(
            folder / f"toy-{seed}.npz",
            validation=validation,
            validation_labels=validation_labels,
            test=np.stack(test),
            test_labels=test_labels,
            conditions=np.array(CONDITIONS),
            network=np.array("toy"),
        )
    return folder


def test_the_toy_posterior_is_calibrated(folder):
    logits = read_logits(folder / "toy-0.npz")
    assert softmax(logits.validation[1] / FACTOR, axis=1).max(axis=1).mean() == pytest.approx(
        np.mean(logits.validation[1].argmax(axis=1) == logits.validation_labels), abs=0.02
    )
    rows = {(row.exit, row.calibration): row for row in calibration_errors(logits)}
    for (x, calibration), row in rows.items():
        assert row.ece > 0.1 if calibration == "raw" else row.ece < 0.05
        if calibration == "temperature":
            assert row.temperature == pytest.approx(FACTOR, rel=0.05)
        # Isotonic regression knows the top class alone; a vector holds every temperature.
        assert np.isnan(row.nll) == np.isnan(row.brier) == (calibration == "isotonic")
        assert rows[x, "vector"].validation_nll <= rows[x, "temperature"].validation_nll + 1e-9


def test_every_case_is_judged_once(folder):
    rows = list(score_signals(read_logits(folder / "toy-0.npz")))
    assert len(rows) == len({row[:6] for row in rows}) == 2 * len(ESTIMATORS) * 14 * 2
    raw = {row[3:6]: row.accuracy for row in rows if row.calibration == "raw"}
    assert raw == {row[3:6]: row.accuracy for row in rows if row.calibration == "calibrated"}


def test_calibration_makes_average_confidence_right_on_calibrated_posteriors(folder):
    table = mean_errors(list(score_signals(read_logits(folder / "toy-0.npz"))))
    errors = {(row["calibration"], row["estimator"], row["exit"]): row["error"] for row in table}
    for x in (1, 2):
        assert errors["calibrated", "AC", x] < 0.02
        assert errors["raw", "AC", x] > 0.1


def test_claims_are_counted_file_by_file(folder):
    """Calibrated posteriors keep all but the one that another estimate is better than the exact one."""
    networks = [read_logits(folder / f"toy-{seed}.npz") for seed in range(2)]
    rows = [row for logits in networks for row in score_signals(logits)]
    errors = [row for logits in networks for row in calibration_errors(logits)]
    (found,) = claims(rows, errors)
    assert found["files"] == found["confidence_near"] == found["temperature_lowers_nll"] == 2
    spoilt = [row._replace(estimate=row.estimate + 0.05 * (row.file == "toy-0.npz")) for row in rows]
    assert claims(spoilt, errors)[0]["confidence_near"] == 1
    better = [row._replace(estimate=row.accuracy) if row.estimator == "ATC-MC" else row for row in rows]
    assert claims(better, errors)[0]["atc_ahead"] == 2 > found["atc_ahead"]
    raised = [row._replace(validation_nll=2.0) if row.exit == 2 else row for row in errors]
    assert claims(rows, raised)[0]["temperature_lowers_nll"] == 0


def test_errors_and_picks_by_hand():
    def row(exit_, condition, accuracy, value):
        return Judged("net", "a.npz", "raw", "AC", condition, exit_, accuracy, value)

    rows = [row(1, "clean", 0.9, 0.8), row(2, "clean", 0.85, 0.95), row(1, "fog", 0.3, 0.5)]
    rows.append(row(2, "fog", 0.3, 0.4))
    first, second = mean_errors(rows)
    assert first["error"] == pytest.approx(0.15)
    assert first["mild_error"] == pytest.approx(0.1)
    assert second["error"] == pytest.approx(0.1)
    assert (first["cases"], first["mild_cases"]) == (2, 1)
    # Wrong on clean, and with equal accuracies every pick is right.
    assert picks(rows) == [
        {"network": "net", "calibration": "raw", "estimator": "AC", "right": 1, "cases": 2}
    ]
    assert picks(rows[::2]) == []
    assert np.isnan(mean_errors(rows[2:3])[0]["mild_error"])


def test_windows_follow_the_stream(folder):
    logits = read_logits(folder / "toy-0.npz")
    rows = {(row.exit, row.window): row for row in follow(logits)}
    accuracy = {
        name: np.mean(logits.test[k, 1].argmax(axis=1) == logits.test_labels)
        for k, name in enumerate(logits.conditions)
    }
    source = np.mean(logits.validation[1].argmax(axis=1) == logits.validation_labels)
    constant = np.mean([abs(source - accuracy[name]) for name in STREAM])
    assert rows[2, 128].constant_error == pytest.approx(constant)
    assert rows[2, 128].error < rows[2, 128].constant_error
    assert rows[2, 32].error < 0.1
    assert rows[2, 32].covered > 0.9
    assert SEGMENT > 512


def test_the_command_writes_tables_and_pictures(folder, tmp_path, capsys):
    measure_quality.main([str(folder), "--out", str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert "toy, 2 trained" in text
    assert (tmp_path / "out/quality.txt").read_text() == text
    lengths = {}
    for path in sorted((tmp_path / "out").glob("*.csv")):
        with path.open() as file:
            lengths[path.stem] = len(list(csv.DictReader(file)))
    assert lengths == {
        "calibration": 2 * 2 * 4,
        "claims": 1,
        "errors": 2 * len(ESTIMATORS) * 2,
        "estimates": 2 * 2 * len(ESTIMATORS) * 14 * 2,
        "online": 2 * 2 * 3,
        "picks": 2 * len(ESTIMATORS),
    }
    assert (tmp_path / "out/reliability-toy-1.png").stat().st_size > 5_000


def test_a_network_with_one_exit_has_nothing_to_pick(folder, tmp_path, capsys):
    with np.load(folder / "toy-0.npz") as file:
        fields = dict(file)
    fields |= {"validation": fields["validation"][:1], "test": fields["test"][:, :1]}
    del fields["network"]
    np.savez(tmp_path / "small.npz", **fields)
    measure_quality.main([str(tmp_path)])
    assert "small, 1 trained" in capsys.readouterr().out
    assert not (tmp_path / "quality/picks.csv").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"test_labels": None}, "array 'test_labels' is missing"),
        ({"conditions": np.array(["clean"])}, "must be the 14 of the lab"),
        ({"validation": np.zeros((3, 4))}, "are not allowed; must be"),
        ({"validation_labels": np.zeros(5, int)}, "labels: "),
        ({"test_labels": np.full(2_000, 4)}, "labels: 4 to 4 is not allowed"),
    ],
)
def test_broken_files_are_refused(folder, tmp_path, changes, said):
    with np.load(folder / "toy-0.npz") as file:
        fields = dict(file) | changes
    np.savez(tmp_path / "a.npz", **{name: value for name, value in fields.items() if value is not None})
    with pytest.raises(ConfigError, match=said) as caught:
        read_logits(tmp_path / "a.npz")
    assert "a.npz" in str(caught.value)


def test_an_empty_folder_ends_in_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="holds no npz file"):
        measure_quality.main([str(tmp_path)])
    (tmp_path / "a.npz").write_text("not a zip")
    with pytest.raises(SystemExit, match="cannot be read as logits"):
        measure_quality.main([str(tmp_path)])
