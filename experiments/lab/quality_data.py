"""Logits of trained networks on disk, and what label-free estimates say of them.

A file (npz) holds one trained network. X exits, S samples (validation and test may differ), C
classes, K conditions:

===================== ================= ==============================================================
array                 shape             content
===================== ================= ==============================================================
``validation``        (X, S, C)         logits on clean validation data
``validation_labels`` (S,)              true classes
``test``              (K, X, S, C)      logits on test data under every condition
``test_labels``       (S,)              true classes
``conditions``        (K,)              names, `idn_gym.lab.training.shifts.CONDITIONS` in any order
``network``           ()                optional name; files of one name are its seeds; else the file's
===================== ================= ==============================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.files import read_arrays
from idn_gym.lab.calibration.calibrate import (
    RAW,
    Scaling,
    check_labelled,
    class_scores,
    fit_isotonic,
    fit_temperature,
    fit_vector,
)
from idn_gym.lab.calibration.calibration_error import (
    Reliability,
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
)
from idn_gym.lab.calibration.quality import estimate, fit_source
from idn_gym.lab.training.shifts import CLEAN, CONDITIONS
from idn_gym.quality.running import sliding

ARRAYS = ("validation", "validation_labels", "test", "test_labels", "conditions")

STREAM = (CLEAN, "noise-0.2", CLEAN, "blur-2", "rotation-20", "noise-0.2", CLEAN)
"""Conditions that a stream of requests passes through, without labels."""

SEGMENT = 1_000
"""[requests] under each of them"""

WINDOWS = (32, 128, 512)
"""[requests]"""


class Logits(NamedTuple):
    """One trained network; letters as in the table above."""

    network: str
    file: str
    validation: Floats  # (X, S, C)
    validation_labels: Ints  # (S,)
    test: Floats  # (K, X, S, C)
    test_labels: Ints  # (S,)
    conditions: tuple[str, ...]  # (K,)
    scalings: tuple[dict[str, Scaling], ...]  # (X,) "raw" and "calibrated"


class Judged(NamedTuple):
    """One estimate and the truth."""

    network: str
    file: str
    calibration: str  # raw or calibrated
    estimator: str
    condition: str
    exit: int  # from 1
    accuracy: float  # the truth
    estimate: float


class Calibrated(NamedTuple):
    """Effect of calibration on one exit, on clean test data; nan where a number is not defined."""

    network: str
    file: str
    exit: int
    calibration: str  # raw, temperature, vector or isotonic
    temperature: float
    accuracy: float
    ece: float
    nll: float  # [nats]
    brier: float
    validation_nll: float  # [nats]


class Followed(NamedTuple):
    """Error of a window of calibrated confidences against one exit's accuracy along `STREAM`."""

    network: str
    file: str
    exit: int
    window: int  # [requests]
    error: float  # mean distance from the accuracy of the condition in force
    constant_error: float  # of always saying the validation accuracy
    covered: float  # share of requests at which the 95 % band holds that accuracy


def read_logits(path: Path) -> Logits:
    """Read one network and fit the temperature of each exit on its validation data.

    Raises:
        ConfigError: the file cannot be read, lacks an array, or the arrays do not go together.
    """
    fields = read_arrays(path, "logits")
    for name in ARRAYS:
        if name not in fields:
            raise ConfigError(str(path), f"array {name!r} is missing; needed: {', '.join(ARRAYS)}")
    validation, labels, test = fields["validation"], fields["validation_labels"], fields["test"]
    names = tuple(map(str, fields["conditions"]))
    if sorted(names) != sorted(CONDITIONS):
        raise ConfigError(str(path), f"conditions {show(names)} are not allowed; must be the 14 of the lab")
    if validation.ndim != 3 or test.ndim != 4 or test.shape[:2] != (len(names), len(validation)):
        raise ConfigError(
            str(path),
            f"validation {validation.shape} and test {test.shape} are not allowed; must be (exits, samples, "
            "classes) and (conditions, exits, samples, classes)",
        )
    try:
        for logits in test.reshape(-1, *test.shape[2:]):
            check_labelled(logits, fields["test_labels"])
        scalings = tuple({"raw": RAW, "calibrated": fit_temperature(logits, labels)} for logits in validation)
    except ConfigError as error:
        raise ConfigError(str(path), str(error)) from None
    return Logits(
        str(fields.get("network", path.stem)),
        path.name,
        validation,
        labels,
        test,
        fields["test_labels"],
        names,
        scalings,
    )


def score_signals(logits: Logits) -> Iterator[Judged]:
    """Every estimate of every exit under every condition, raw and calibrated."""
    for x, scalings in enumerate(logits.scalings):
        for calibration, scaling in scalings.items():
            source = fit_source(scaling(logits.validation[x]), logits.validation_labels)
            for k, condition in enumerate(logits.conditions):
                probabilities = scaling(logits.test[k, x])
                accuracy = float(np.mean(class_scores(probabilities).predicted == logits.test_labels))
                for name, value in estimate(source, probabilities).items():
                    yield Judged(
                        logits.network, logits.file, calibration, name, condition, x + 1, accuracy, value
                    )


def calibration_errors(logits: Logits) -> Iterator[Calibrated]:
    """ECE, NLL and Brier score of every exit: raw, and calibrated in three ways.

    Isotonic regression knows the most probable class alone, so that it has neither NLL nor Brier score.
    """
    clean = logits.conditions.index(CLEAN)
    labels, validation_labels = logits.test_labels, logits.validation_labels
    for x, known in enumerate(logits.scalings):
        validation, test = logits.validation[x], logits.test[clean, x]
        scalings = {
            "raw": known["raw"],
            "temperature": known["calibrated"],
            "vector": fit_vector(validation, validation_labels),
        }
        for calibration, scaling in scalings.items():
            probabilities = scaling(test)
            scores = class_scores(probabilities)
            correct = scores.predicted == labels
            yield Calibrated(
                logits.network,
                logits.file,
                x + 1,
                calibration,
                scaling.temperature if len(scaling.scale) == 1 else np.nan,
                float(correct.mean()),
                expected_calibration_error(scores.confidence, correct),
                negative_log_likelihood(probabilities, labels),
                brier_score(probabilities, labels),
                negative_log_likelihood(scaling(validation), validation_labels),
            )
        fitted, scores = class_scores(RAW(validation)), class_scores(RAW(test))
        correct = scores.predicted == labels
        curve = fit_isotonic(fitted.confidence, fitted.predicted == validation_labels)
        error = expected_calibration_error(curve(scores.confidence), correct)
        yield Calibrated(
            *(logits.network, logits.file, x + 1, "isotonic", np.nan, float(correct.mean()), error),
            *(np.nan, np.nan, np.nan),
        )


def diagrams(logits: Logits) -> Iterator[tuple[str, Reliability]]:
    """Reliability on clean test data of every exit, raw and calibrated, with a title each."""
    clean = logits.conditions.index(CLEAN)
    for x, scalings in enumerate(logits.scalings):
        for calibration, scaling in scalings.items():
            scores = class_scores(scaling(logits.test[clean, x]))
            yield (
                f"exit {x + 1}, {calibration}",
                reliability(scores.confidence, scores.predicted == logits.test_labels),
            )


def follow(logits: Logits, seed: int = 0) -> Iterator[Followed]:
    """Play a stream of test samples, drawn with replacement, past every exit."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(len(logits.test_labels), size=(len(STREAM), SEGMENT))
    for x, scalings in enumerate(logits.scalings):
        scored = {
            condition: class_scores(scalings["calibrated"](logits.test[k, x]))
            for k, condition in enumerate(logits.conditions)
            if condition in STREAM
        }
        signal = np.concatenate(
            [scored[name].confidence[drawn] for name, drawn in zip(STREAM, samples, strict=True)]
        )
        accuracy = {name: float(np.mean(s.predicted == logits.test_labels)) for name, s in scored.items()}
        truth = np.repeat([accuracy[name] for name in STREAM], SEGMENT)
        constant = float(np.mean(logits.validation[x].argmax(axis=1) == logits.validation_labels))
        for window in WINDOWS:
            running = sliding(signal, window)
            yield Followed(
                logits.network,
                logits.file,
                x + 1,
                window,
                float(np.abs(running.estimate - truth).mean()),
                float(np.abs(constant - truth).mean()),
                float(np.mean((running.low <= truth) & (truth <= running.high))),
            )
