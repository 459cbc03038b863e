"""Make confidences mean what they say: temperature, vector scaling and isotonic regression.

All three are fitted on labelled validation data and applied to logits or confidences afterwards.
Letters in shapes: S samples, C classes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Ints

try:
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import log_softmax, softmax
    from sklearn.isotonic import IsotonicRegression
except ImportError as error:
    raise DependencyNotInstalled(
        f'{error.name} is not installed; run `pip install "idn-gym[lab]"`'
    ) from error


HOTTEST = 20.0
"""Temperatures are sought between 1 / HOTTEST and HOTTEST; the data may have no optimum between,
as when every validation sample is classified correctly."""


class Scaling(NamedTuple):
    """Calibrated probabilities are softmax(scale x logits + shift)."""

    scale: Floats  # (1,) or (C,)
    shift: Floats  # (1,) or (C,)

    @property
    def temperature(self) -> float:
        """1 / scale, where that is one number for all classes."""
        return float((1.0 / self.scale).item())

    def scaled(self, logits: npt.NDArray[np.floating]) -> Floats:
        """Calibrated logits, both (..., C)."""
        found: Floats = self.scale * np.asarray(logits, float) + self.shift
        return found

    def __call__(self, logits: npt.NDArray[np.floating]) -> Floats:
        """Probabilities of logits, both (..., C)."""
        found: Floats = softmax(self.scaled(logits), axis=-1)
        return found


RAW = Scaling(np.ones(1), np.zeros(1))
"""The plain softmax: no calibration."""


class Isotonic(NamedTuple):
    """A rising, piecewise linear map from confidence to probability, constant outside its knots."""

    knots: Floats  # (K,) confidences, rising
    values: Floats  # (K,) probabilities, not falling

    def __call__(self, confidence: Floats) -> Floats:
        """Calibrated probabilities of confidences, both (S,)."""
        return np.interp(confidence, self.knots, self.values)


class ClassScores(NamedTuple):
    """Outputs of a classifier for its samples, without their labels."""

    predicted: Ints  # (S,) most probable class
    confidence: Floats  # (S,) its probability
    entropy: Floats  # (S,) of the probabilities, divided by log C: 0 where sure, 1 where clueless


def fit_temperature(logits: npt.NDArray[np.floating], labels: Ints) -> Scaling:
    """One temperature for all classes, by the least negative log likelihood (Guo et al., ICML 2017).

    It never changes which class is most probable.

    Args:
        logits: (S, C) of validation data.
        labels: (S,) true classes.

    Raises:
        ConfigError: logits or labels of another form, see `check_labelled`.
    """
    exact = check_labelled(logits, labels)
    bound = float(np.log(HOTTEST))
    best = minimize_scalar(
        lambda log: _likelihood(exact * np.exp(-log), labels), bounds=(-bound, bound), method="bounded"
    )
    return Scaling(np.exp(-np.atleast_1d(best.x)), np.zeros(1))


def fit_exits(logits: npt.NDArray[np.floating], labels: Ints) -> list[Scaling]:
    """A temperature for every exit of a network, from its logits (X, S, C) on validation data."""
    return [fit_temperature(row, labels) for row in logits]


def fit_vector(logits: Floats, labels: Ints) -> Scaling:
    """A scale and a shift per class, by the least negative log likelihood (Guo et al., ICML 2017).

    It starts from the temperature, which it therefore beats on the validation data, and may change
    which class is most probable.

    Args:
        logits: (S, C) of validation data.
        labels: (S,) true classes.

    Raises:
        ConfigError: logits or labels of another form, see `check_labelled`.
    """
    logits = check_labelled(logits, labels)
    samples, classes = logits.shape
    truth = np.zeros_like(logits)
    truth[np.arange(samples), labels] = 1.0

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scale, shift = parameters[:classes], parameters[classes:]
        scaled = scale * logits + shift
        slope = (softmax(scaled, axis=1) - truth) / samples
        return _likelihood(scaled, labels), np.concatenate([(slope * logits).sum(0), slope.sum(0)])

    start = np.repeat([fit_temperature(logits, labels).scale[0], 0.0], classes)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return Scaling(best.x[:classes], best.x[classes:])


def fit_isotonic(confidence: Floats, correct: Bools) -> Isotonic:
    """The rising map from confidence to the share of right answers with the least squared error.

    Pool adjacent violators as in scikit-learn, on the confidence of the most probable class.

    Args:
        confidence: (S,) of validation data, between 0 and 1.
        correct: (S,) whether the answer was right.

    Raises:
        ConfigError: the two differ in length, are empty, or a confidence is out of bounds.
    """
    confidence, correct = check_confidence(confidence, correct)
    fit = IsotonicRegression(y_min=0.0, y_max=1.0).fit(confidence, correct)
    return Isotonic(fit.X_thresholds_, fit.y_thresholds_)


def class_scores(probabilities: Floats) -> ClassScores:
    """Most probable class, its probability and the normalised entropy of probabilities (S, C)."""
    logs = np.log(probabilities, where=probabilities > 0.0, out=np.zeros_like(probabilities))
    entropy = -(probabilities * logs).sum(axis=-1) / np.log(probabilities.shape[-1])
    return ClassScores(probabilities.argmax(axis=-1), probabilities.max(axis=-1), np.clip(entropy, 0.0, 1.0))


def check_labelled(logits: npt.NDArray[np.floating], labels: Ints) -> Floats:
    """Logits as float64, after a look at both.

    Raises:
        ConfigError: logits are not a finite (S, C) matrix of at least one sample and two classes, or
            labels are not S whole numbers from 0 to C - 1.
    """
    exact, labels = np.asarray(logits, float), np.asarray(labels)
    if exact.ndim != 2 or len(exact) == 0 or exact.shape[1] < 2 or not np.isfinite(exact).all():
        raise ConfigError(
            "logits",
            f"shape {exact.shape} is not allowed; must be finite, one row per sample, 2 or more columns",
        )
    if labels.shape != exact.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise ConfigError(
            "labels",
            f"{labels.dtype} of shape {labels.shape} is not allowed; must be {len(exact)} whole numbers",
        )
    if labels.min() < 0 or labels.max() >= exact.shape[1]:
        raise ConfigError(
            "labels",
            f"{labels.min()} to {labels.max()} is not allowed; must be from 0 to {exact.shape[1] - 1}",
        )
    return exact


def check_confidence(confidence: Floats, correct: Bools) -> tuple[Floats, Bools]:
    """Both as arrays of one length, after a look at them.

    Raises:
        ConfigError: they differ in length, are empty, or a confidence is not between 0 and 1.
    """
    confidence, correct = np.asarray(confidence, float), np.asarray(correct)
    if confidence.ndim != 1 or not confidence.size or confidence.shape != correct.shape:
        raise ConfigError(
            "confidence",
            f"shape {confidence.shape} is not allowed; must be correct's, {correct.shape}, and not empty",
        )
    if not (np.all(confidence >= 0.0) and np.all(confidence <= 1.0)):
        raise ConfigError("confidence", "values outside 0 to 1 are not allowed")
    return confidence, correct


def _likelihood(logits: Floats, labels: Ints) -> float:
    """Negative, mean over the samples [nats]."""
    return -float(log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())
